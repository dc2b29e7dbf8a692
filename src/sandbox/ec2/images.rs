//! Images: the public ones that the sandbox ships, and the account's own.

use jiff::Timestamp;

use crate::catalog;

use super::super::ACCOUNT;
use super::super::context::{Ctx, not_found};
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{
    Edge, Image, ImageDevice, Instance, Kind, Phase, Snapshot, Tags, Volume, mix,
};
use super::listing::{Filters, page};
use super::tags;

/// A public image and the Systems Manager parameter that names it.
#[derive(Debug, Clone)]
pub(in super::super) struct PublicImage {
    pub(in super::super) parameter: &'static str,
    pub(in super::super) image: Image,
}

/// 2026-01-15: when the shipped images were made.
const MADE: i64 = 1_768_435_200;

/// The public images of a region; every region has ids of its own.
pub(in super::super) fn public_images(region: &str) -> Vec<PublicImage> {
    let mut images = Vec::new();
    for known in catalog::images() {
        for architecture in ["x86_64", "arm64"] {
            if let Some(parameter) = known.parameter(architecture) {
                images.push(PublicImage {
                    parameter,
                    image: shipped(region, known, parameter, architecture),
                });
            }
        }
    }
    images
}

fn shipped(region: &str, known: &catalog::Image, parameter: &str, architecture: &str) -> Image {
    let number = region
        .bytes()
        .chain(parameter.bytes())
        .fold(0, |sum, byte| mix(sum ^ u64::from(byte)));
    let made = Timestamp::from_second(MADE).unwrap_or_default();
    let debian = known.name.starts_with("debian");
    let deep = known.name.starts_with("dlami");
    let short = if architecture == "x86_64" {
        "amd64"
    } else {
        "arm64"
    };
    // Owners and names: Ubuntu on AWS documentation "Find images"; Debian wiki "Cloud/AmazonEC2Image"; DLAMI release
    // notes. Root devices: Debian's and Amazon's images use /dev/xvda, Ubuntu's /dev/sda1.
    let (owner, alias, name) = if debian {
        (
            "136693071363",
            None,
            format!("debian-12-{short}-20260115-1993"),
        )
    } else if deep {
        (
            "898082745236",
            Some("amazon"),
            format!(
                "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu {}) {architecture} 20260115",
                known.name.trim_start_matches("dlami-base-")
            ),
        )
    } else {
        let release = if known.name.ends_with("22.04") {
            "hvm-ssd/ubuntu-jammy-22.04"
        } else {
            "hvm-ssd-gp3/ubuntu-noble-24.04"
        };
        (
            "099720109477",
            None,
            format!("ubuntu/images/{release}-{short}-server-20260115"),
        )
    };
    let root_device = if debian { "/dev/xvda" } else { "/dev/sda1" };
    Image {
        id: format!("ami-0{number:016x}"),
        name,
        description: known.about.to_owned(),
        owner: owner.to_owned(),
        owner_alias: alias.map(str::to_owned),
        architecture: architecture.to_owned(),
        root_device: root_device.to_owned(),
        devices: vec![ImageDevice {
            device: root_device.to_owned(),
            snapshot: format!("snap-0{:016x}", mix(number)),
            size_gib: known.root_gib,
            volume_type: if known.name.ends_with("24.04") || deep {
                "gp3"
            } else {
                "gp2"
            }
            .to_owned(),
            encrypted: false,
            delete_on_termination: true,
        }],
        created: made,
        ready: made,
        tags: Tags::new(),
    }
}

/// The image of an id: the account's own or a public one.
pub(super) fn find(ctx: &Ctx<'_>, id: &str) -> ApiResult<Image> {
    let kind = Kind::of("ami");
    if !kind.is_well_formed(id) {
        return Err(ApiError::new(
            kind.malformed,
            format!("Invalid id: \"{id}\" (expecting \"ami-...\")"),
        ));
    }
    if let Some(image) = ctx.store.get::<Image>(id) {
        return Ok(image.clone());
    }
    public_images(ctx.region)
        .into_iter()
        .map(|it| it.image)
        .find(|image| image.id == id)
        .ok_or_else(|| {
            ApiError::new(
                kind.not_found,
                format!("The image id '[{id}]' does not exist"),
            )
        })
}

const FILTERS: &[&str] = &[
    "architecture",
    "description",
    "image-id",
    "image-type",
    "is-public",
    "name",
    "owner-alias",
    "owner-id",
    "root-device-name",
    "root-device-type",
    "state",
    "virtualization-type",
];

fn filter_value(image: &Image, now: Timestamp, filter: &str) -> String {
    match filter {
        "architecture" => image.architecture.clone(),
        "description" => image.description.clone(),
        "image-type" => "machine".to_owned(),
        "is-public" => (image.owner != ACCOUNT).to_string(),
        "name" => image.name.clone(),
        "owner-alias" => image.owner_alias.clone().unwrap_or_default(),
        "owner-id" => image.owner.clone(),
        "root-device-name" => image.root_device.clone(),
        "root-device-type" => "ebs".to_owned(),
        "state" => state(image, now).to_owned(),
        "virtualization-type" => "hvm".to_owned(),
        _ => image.id.clone(),
    }
}

fn state(image: &Image, now: Timestamp) -> &'static str {
    if image.ready > now {
        "pending"
    } else {
        "available"
    }
}

/// API Reference, DescribeImages: owners are account ids, `self` or aliases.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let ids = p.texts("ImageId");
    let owners = p.texts("Owner");
    let filters = Filters::read(p, FILTERS)?;
    let (size, after) = page(p, (1, 1000))?;
    for id in &ids {
        find(ctx, id)?;
    }
    let owned_by = |image: &Image| {
        owners.is_empty()
            || owners.iter().any(|owner| match *owner {
                "self" => image.owner == ACCOUNT,
                other => image.owner == other || image.owner_alias.as_deref() == Some(other),
            })
    };
    let mut images: Vec<Image> = ctx
        .store
        .all::<Image>()
        .cloned()
        .chain(public_images(ctx.region).into_iter().map(|it| it.image))
        .filter(|image| {
            image.id.as_str() > after.as_str()
                && (ids.is_empty() || ids.contains(&image.id.as_str()))
                && owned_by(image)
                && filters.all(Some(&image.tags), |name| {
                    vec![filter_value(image, ctx.now, name)]
                })
        })
        .collect();
    images.sort_by(|a, b| a.id.cmp(&b.id));
    if images.len() > size {
        images.truncate(size);
        if let Some(last) = images.last() {
            use base64::Engine as _;
            let token = base64::engine::general_purpose::STANDARD.encode(&last.id);
            x.el("nextToken", token);
        }
    }
    x.items("imagesSet", &images, |x, image| write(ctx.now, x, image));
    Ok(())
}

fn write(now: Timestamp, x: &mut Xml, image: &Image) {
    x.el("imageId", &image.id)
        .el("imageLocation", format!("{}/{}", image.owner, image.name))
        .el("imageState", state(image, now))
        .el("imageOwnerId", &image.owner)
        .opt("imageOwnerAlias", image.owner_alias.as_ref())
        .el("isPublic", image.owner != ACCOUNT)
        .el("architecture", &image.architecture)
        .el("imageType", "machine")
        .el("name", &image.name)
        .el("description", &image.description)
        .el("rootDeviceType", "ebs")
        .el("rootDeviceName", &image.root_device)
        .el("virtualizationType", "hvm")
        .el("hypervisor", "xen")
        .el("enaSupport", true)
        .el("platformDetails", "Linux/UNIX")
        .el("usageOperation", "RunInstances")
        .time("creationDate", image.created);
    x.items("blockDeviceMapping", &image.devices, |x, device| {
        x.el("deviceName", &device.device).wrap("ebs", |x| {
            x.el("snapshotId", &device.snapshot)
                .el("volumeSize", device.size_gib)
                .el("volumeType", &device.volume_type)
                .el("encrypted", device.encrypted)
                .el("deleteOnTermination", device.delete_on_termination);
        });
    });
    tags::write(x, &image.tags);
}

/// API Reference, CreateImage: of a running or stopped instance; names are unique; a snapshot for every volume.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    let name = p.need("Name")?;
    let length = name.chars().count();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if !(3..=128).contains(&length) || !name.chars().all(allowed) {
        return Err(ApiError::new(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'",
        ));
    }
    if !matches!(instance.phase, Phase::Running | Phase::Stopped) {
        return Err(ApiError::new(
            "IncorrectState",
            format!(
                "Instance is not in state 'running' or 'stopped': {}",
                instance.id
            ),
        ));
    }
    if let Some(had) = ctx.store.named(&format!("image/{name}")) {
        return Err(ApiError::new(
            "InvalidAMIName.Duplicate",
            format!("AMI name {name} is already in use by AMI {had}"),
        ));
    }
    let allowed = ["image", "snapshot"];
    let image_tags = tags::specified(p, "image", &allowed)?;
    let snapshot_tags = tags::specified(p, "snapshot", &allowed)?;
    let volumes: Vec<Volume> = ctx
        .store
        .hanging::<Volume>(&instance.id, Edge::VolumeOfInstance)
        .cloned()
        .collect();
    let ready = ctx.in_future(ctx.times().snapshot);
    let mut devices = Vec::new();
    for volume in volumes {
        let snapshot = Snapshot {
            id: ctx.store.fresh("snap"),
            volume: volume.id,
            size_gib: volume.size_gib,
            encrypted: volume.encrypted,
            description: format!("Created by CreateImage({})", instance.id),
            started: ctx.now,
            ready,
            tags: snapshot_tags.clone(),
        };
        devices.push(ImageDevice {
            device: volume.attachment.map(|it| it.device).unwrap_or_default(),
            snapshot: snapshot.id.clone(),
            size_gib: snapshot.size_gib,
            volume_type: volume.volume_type,
            encrypted: snapshot.encrypted,
            delete_on_termination: true,
        });
        ctx.store.put(snapshot);
    }
    let image = Image {
        id: ctx.store.fresh("ami"),
        name: name.to_owned(),
        description: p.text("Description").unwrap_or_default().to_owned(),
        owner: ACCOUNT.to_owned(),
        owner_alias: None,
        architecture: instance.architecture,
        root_device: instance.root_device,
        devices,
        created: ctx.now,
        ready,
        tags: image_tags,
    };
    x.el("imageId", &image.id);
    ctx.store.put(image);
    Ok(())
}

/// API Reference, DeregisterImage: the snapshots stay unless asked.
pub(super) fn deregister(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = p.need("ImageId")?;
    let image = find(ctx, id)?;
    if image.owner != ACCOUNT {
        return Err(ApiError::new(
            "AuthFailure",
            format!("Not authorized for image:{id}"),
        ));
    }
    ctx.store.remove(id);
    if p.flag("DeleteAssociatedSnapshots")? == Some(true) {
        for device in image.devices {
            if !ctx
                .store
                .is_referred(&device.snapshot, Edge::ImageOfSnapshot)
            {
                ctx.store.remove(&device.snapshot);
            }
        }
    }
    x.done();
    Ok(())
}

/// Whether a snapshot exists: the account's own, or behind a public image.
pub(super) fn snapshot_size(ctx: &Ctx<'_>, id: &str) -> ApiResult<(u32, bool)> {
    if let Some(snapshot) = ctx.store.get::<Snapshot>(id) {
        return Ok((snapshot.size_gib, snapshot.encrypted));
    }
    public_images(ctx.region)
        .iter()
        .flat_map(|it| &it.image.devices)
        .find(|device| device.snapshot == id)
        .map(|device| (device.size_gib, device.encrypted))
        .ok_or_else(|| not_found(Kind::of("snap"), id))
}

#[cfg(test)]
mod tests {
    use super::super::super::scenario::matches;
    use super::*;

    #[test]
    fn every_parameter_has_an_image_of_its_own() {
        let images = public_images("us-east-1");
        let mut ids: Vec<_> = images.iter().map(|it| it.image.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), images.len());
        assert!(images.len() >= 9);
        assert!(Kind::of("ami").is_well_formed(&ids[0]));
        assert_ne!(public_images("eu-west-1")[0].image.id, images[0].image.id);
        assert!(
            images
                .iter()
                .any(|it| matches("ubuntu/images/*noble*amd64*", &it.image.name))
        );
        let debian = images
            .iter()
            .find(|it| it.parameter.contains("debian"))
            .expect("shipped");
        assert_eq!(debian.image.root_device, "/dev/xvda");
    }
}
