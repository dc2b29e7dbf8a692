//! Volumes and their modifications.

use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Modification, Volume, VolumeState};
use super::discovery::zones_of;
use super::listing::{Filters, Listed, list, maybe, one};
use super::{images, tags, tokens};

impl Listed for Volume {
    const IDS: &'static str = "VolumeId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "attachment.delete-on-termination",
        "attachment.device",
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "encrypted",
        "size",
        "snapshot-id",
        "status",
        "volume-id",
        "volume-type",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        let attachment = self.attachment.iter();
        match filter {
            "attachment.instance-id" => attachment.map(|it| it.instance.clone()).collect(),
            "attachment.device" => attachment.map(|it| it.device.clone()).collect(),
            "attachment.status" => attachment.map(|_| "attached".to_owned()).collect(),
            "attachment.delete-on-termination" => attachment
                .map(|it| it.delete_on_termination.to_string())
                .collect(),
            "availability-zone" => one(&self.zone),
            "encrypted" => one(self.encrypted),
            "size" => one(self.size_gib),
            "snapshot-id" => maybe(self.snapshot.as_ref()),
            "status" => one(self.status()),
            "volume-type" => one(&self.volume_type),
            _ => one(&self.id),
        }
    }
}

/// What a volume is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) size_gib: u32,
    pub(super) volume_type: String,
    pub(super) iops: Option<u32>,
    pub(super) throughput: Option<u32>,
}

/// Smallest and largest size in GiB by type (API Reference, CreateVolume, Size).
fn sizes(volume_type: &str) -> Option<(u32, u32)> {
    Some(match volume_type {
        "gp3" => (1, 65_536),
        "gp2" => (1, 16_384),
        "io1" => (4, 16_384),
        "io2" => (4, 65_536),
        "st1" | "sc1" => (125, 16_384),
        "standard" => (1, 1_024),
        _ => return None,
    })
}

/// Checks a shape and fills in what its type comes with (API Reference, CreateVolume: Iops, Throughput, VolumeType;
/// EBS User Guide, general-purpose: 500 IOPS for each GiB, 0.25 MiB/s for each IOPS).
pub(super) fn checked(mut shape: Shape) -> ApiResult<Shape> {
    let name = shape.volume_type.clone();
    let (least, most) = sizes(&name)
        .ok_or_else(|| ApiError::invalid(format!("Invalid value '{name}' for volumeType.")))?;
    if !(least..=most).contains(&shape.size_gib) {
        return Err(ApiError::invalid(format!(
            "Volume of {}GiB is invalid for {name}: between {least} and {most} GiB",
            shape.size_gib
        )));
    }
    if shape.throughput.is_some() && name != "gp3" {
        return Err(ApiError::combination(format!(
            "The parameter throughput is not supported for {name} volumes"
        )));
    }
    match name.as_str() {
        "gp3" => {
            let iops = shape.iops.unwrap_or(3_000);
            let throughput = shape.throughput.unwrap_or(125);
            let most_iops = 80_000.min((shape.size_gib.saturating_mul(500)).max(3_000));
            if !(3_000..=most_iops).contains(&iops) {
                return Err(ApiError::invalid(format!(
                    "Volume iops of {iops} is invalid: between 3000 and {most_iops}"
                )));
            }
            if !(125..=2_000).contains(&throughput) || throughput > iops / 4 {
                return Err(ApiError::invalid(format!(
                    "Throughput of {throughput} MiB/s is invalid: at least 125, at most 2000 and a quarter of the iops"
                )));
            }
            shape.iops = Some(iops);
            shape.throughput = Some(throughput);
        }
        "io1" | "io2" if shape.iops.is_none() => return Err(ApiError::missing("iops")),
        "io1" | "io2" => {}
        _ if shape.iops.is_some() => {
            return Err(ApiError::combination(format!(
                "The parameter iops is not supported for {name} volumes"
            )));
        }
        "gp2" => shape.iops = Some((shape.size_gib * 3).clamp(100, 16_000)),
        _ => {}
    }
    Ok(shape)
}

/// API Reference, CreateVolume: gp2 unless asked.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let zone = p.need("AvailabilityZone")?.to_owned();
    if !zones_of(ctx.region).contains(&zone) {
        return Err(ApiError::new(
            "InvalidZone.NotFound",
            format!("The zone '{zone}' does not exist."),
        ));
    }
    let token = tokens::look_up(ctx, p, &zone)?;
    if let Some(made) = token.made.first() {
        let volume: Volume = ctx.copy(made)?;
        write(x, &volume);
        return Ok(());
    }
    let from = p
        .text("SnapshotId")
        .map(|id| images::snapshot_size(ctx, id))
        .transpose()?;
    let size_gib = match (p.parsed("Size")?, from) {
        (Some(size), Some((least, _))) if size < least => {
            return Err(ApiError::invalid(format!(
                "The size of a volume must be at least that of its snapshot: {least} GiB"
            )));
        }
        (Some(size), _) | (None, Some((size, _))) => size,
        (None, None) => return Err(ApiError::missing("size or snapshotId")),
    };
    let shape = checked(Shape {
        size_gib,
        volume_type: p.text("VolumeType").unwrap_or("gp2").to_owned(),
        iops: p.parsed("Iops")?,
        throughput: p.parsed("Throughput")?,
    })?;
    let volume = Volume {
        encrypted: p.flag("Encrypted")?.unwrap_or(false) || from.is_some_and(|(_, it)| it),
        kms_key: p.text("KmsKeyId").map(str::to_owned),
        snapshot: p.text("SnapshotId").map(str::to_owned),
        tags: tags::of_new(p, "volume")?,
        ..new(ctx, zone, shape)
    };
    tokens::keep(ctx, token, vec![volume.id.clone()]);
    write(x, &volume);
    ctx.store.put(volume);
    Ok(())
}

/// A volume that is being made.
pub(super) fn new(ctx: &mut Ctx<'_>, zone: String, shape: Shape) -> Volume {
    let wait = ctx.times().volume;
    Volume {
        id: ctx.store.fresh("vol"),
        zone,
        size_gib: shape.size_gib,
        volume_type: shape.volume_type,
        iops: shape.iops,
        throughput: shape.throughput,
        encrypted: false,
        kms_key: None,
        snapshot: None,
        created: ctx.now,
        state: VolumeState::Creating,
        ready: Some(ctx.in_future(wait)),
        attachment: None,
        modification: None,
        tags: tags::none(),
    }
}

fn write(x: &mut Xml, volume: &Volume) {
    x.el("volumeId", &volume.id)
        .el("size", volume.size_gib)
        .el("snapshotId", volume.snapshot.as_deref().unwrap_or_default())
        .el("availabilityZone", &volume.zone)
        .el("status", volume.status())
        .time("createTime", volume.created)
        .el("volumeType", &volume.volume_type)
        .opt("iops", volume.iops)
        .opt("throughput", volume.throughput)
        .el("encrypted", volume.encrypted)
        .opt("kmsKeyId", volume.kms_key.as_ref())
        .el("multiAttachEnabled", false);
    x.items("attachmentSet", &volume.attachment, |x, attachment| {
        x.el("volumeId", &volume.id)
            .el("instanceId", &attachment.instance)
            .el("device", &attachment.device)
            .el("status", "attached")
            .time("attachTime", attachment.at)
            .el("deleteOnTermination", attachment.delete_on_termination);
    });
    tags::write(x, &volume.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Volume>(ctx, p)?;
    x.items("volumeSet", &page.items, |x, it| write(x, it));
    page.write_next(x);
    Ok(())
}

/// API Reference, DeleteVolume.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let volume: Volume = ctx.copy(p.need("VolumeId")?)?;
    check_deletable(ctx.store, &volume.id)?;
    if volume.state == VolumeState::Creating {
        return Err(ApiError::new(
            "IncorrectState",
            format!("The volume '{}' is not 'available'.", volume.id),
        ));
    }
    ctx.store.remove(&volume.id);
    x.done();
    Ok(())
}

/// API Reference, ModifyVolume: never smaller; the last modification must be over.
pub(super) fn modify(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let volume: Volume = ctx.copy(p.need("VolumeId")?)?;
    let under_way = volume
        .modification
        .as_ref()
        .is_some_and(|it| it.ends > ctx.now);
    if under_way {
        return Err(ApiError::new(
            "IncorrectModificationState",
            format!("Volume {} is already being modified", volume.id),
        ));
    }
    if volume.state == VolumeState::Creating {
        return Err(ApiError::new(
            "IncorrectState",
            format!("The volume '{}' is not 'available' or 'in-use'.", volume.id),
        ));
    }
    let size_gib = p.parsed("Size")?.unwrap_or(volume.size_gib);
    if size_gib < volume.size_gib {
        return Err(ApiError::invalid(
            "New size cannot be smaller than existing size",
        ));
    }
    let volume_type = p.text("VolumeType").unwrap_or(&volume.volume_type);
    let keeps = volume_type == volume.volume_type && volume_type != "gp2";
    let kept = |value: Option<u32>| if keeps { value } else { None };
    let shape = checked(Shape {
        size_gib,
        iops: p.parsed("Iops")?.or(kept(volume.iops)),
        throughput: p.parsed("Throughput")?.or(kept(volume.throughput)),
        volume_type: volume_type.to_owned(),
    })?;
    let modification = Modification {
        started: ctx.now,
        ends: ctx.in_future(ctx.times().modification),
        original: (
            volume.size_gib,
            volume.volume_type,
            volume.iops,
            volume.throughput,
        ),
        target: (
            shape.size_gib,
            shape.volume_type.clone(),
            shape.iops,
            shape.throughput,
        ),
    };
    // "optimizing" gives the new size at once (EBS User Guide, monitoring-volume-modifications).
    x.wrap("volumeModification", |x| {
        write_modification(ctx, x, &volume.id, &modification);
    });
    ctx.store.update::<Volume>(&volume.id, |volume| {
        volume.size_gib = shape.size_gib;
        volume.volume_type = shape.volume_type;
        volume.iops = shape.iops;
        volume.throughput = shape.throughput;
        volume.modification = Some(modification);
    });
    Ok(())
}

fn modification_state(ctx: &Ctx<'_>, modification: &Modification) -> (&'static str, u8) {
    if modification.ends > ctx.now {
        ("optimizing", 0)
    } else {
        ("completed", 100)
    }
}

fn write_modification(ctx: &Ctx<'_>, x: &mut Xml, id: &str, modification: &Modification) {
    let (state, progress) = modification_state(ctx, modification);
    let (size, kind, iops, throughput) = &modification.target;
    x.el("volumeId", id)
        .el("modificationState", state)
        .el("targetSize", size)
        .el("targetVolumeType", kind)
        .opt("targetIops", *iops)
        .opt("targetThroughput", *throughput);
    let (size, kind, iops, throughput) = &modification.original;
    x.el("originalSize", size)
        .el("originalVolumeType", kind)
        .opt("originalIops", *iops)
        .opt("originalThroughput", *throughput)
        .el("progress", progress)
        .time("startTime", modification.started);
    if state == "completed" {
        x.time("endTime", modification.ends);
    }
}

/// API Reference, DescribeVolumesModifications: a volume that was never modified is not found when asked by id.
pub(super) fn describe_modifications(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let ids = p.texts("VolumeId");
    for id in &ids {
        let volume: &Volume = ctx.find(id)?;
        if volume.modification.is_none() {
            return Err(ApiError::new(
                "InvalidVolumeModification.NotFound",
                format!("Modification for volume '{id}' does not exist."),
            ));
        }
    }
    let filters = Filters::read(p, &["modification-state", "volume-id"])?;
    let rows = ctx
        .store
        .all::<Volume>()
        .filter(|volume| ids.is_empty() || ids.contains(&volume.id.as_str()))
        .filter_map(|volume| Some((volume, volume.modification.as_ref()?)))
        .filter(|(volume, modification)| {
            filters.all(None, |filter| {
                vec![if filter == "volume-id" {
                    volume.id.clone()
                } else {
                    modification_state(ctx, modification).0.to_owned()
                }]
            })
        });
    x.items(
        "volumeModificationSet",
        rows,
        |x, (volume, modification)| {
            write_modification(ctx, x, &volume.id, modification);
        },
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        for (size_gib, kind, iops, throughput, code) in [
            (8, "gp3", None, None, ""),
            (8, "gp3", Some(3_000), Some(750), ""),
            (8, "gp3", Some(3_000), Some(751), "InvalidParameterValue"),
            (8, "gp3", Some(4_001), None, "InvalidParameterValue"),
            (8, "gp3", Some(2_999), None, "InvalidParameterValue"),
            (8, "gp2", None, Some(125), "InvalidParameterCombination"),
            (8, "gp2", Some(100), None, "InvalidParameterCombination"),
            (8, "io2", None, None, "MissingParameter"),
            (8, "st1", None, None, "InvalidParameterValue"),
            (8, "gp9", None, None, "InvalidParameterValue"),
            (0, "gp3", None, None, "InvalidParameterValue"),
        ] {
            let shape = Shape {
                size_gib,
                volume_type: kind.to_owned(),
                iops,
                throughput,
            };
            let got = checked(shape).err().map(|error| error.code);
            assert_eq!(
                got.unwrap_or_default(),
                code,
                "{size_gib} {kind} {iops:?} {throughput:?}"
            );
        }
    }
}
