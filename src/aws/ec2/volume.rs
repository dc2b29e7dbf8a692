//! EBS volumes: the lab's data volumes, and the root volumes that come with instances.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, ResourceType, Volume, VolumeAttachment, VolumeAttachmentState, VolumeState, VolumeType,
};

use super::tags;
use crate::aws::answer::{Done, born, done, gone, has_code, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, count, sighted};
use crate::inventory::{Seen, SeenVolume, Sighting};
use crate::model::{CloudId, Failure, FailureClass, Ref, Stamp, Zone};
use crate::port::Scope;

/// Volumes per page; the model of the API names no limit.
const PAGE: i32 = 500;

/// What a gp3 volume is asked to be.
#[derive(Debug, Clone, Copy)]
pub(in crate::aws) struct Size {
    pub(in crate::aws) gib: u32,
    pub(in crate::aws) iops: u32,
    pub(in crate::aws) throughput_mib: u32,
}

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    find(ec2, tags::lab_filter(scope.lab.as_ref())).await
}

/// The volumes that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = ec2
        .describe_volumes()
        .filters(filter)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<Volume>, _>>()
        .await
        .map_err(failed("DescribeVolumes"))?;
    Ok(found.iter().filter_map(sighting).collect())
}

fn sighting(volume: &Volume) -> Option<Sighting> {
    if matches!(
        volume.state(),
        Some(VolumeState::Deleting | VolumeState::Deleted)
    ) {
        return None;
    }
    let attachment = attachment(volume);
    let seen = SeenVolume {
        zone: volume.availability_zone().map(Zone::new),
        size_gib: count(volume.size()),
        iops: count(volume.iops()),
        throughput_mib: count(volume.throughput()),
        encrypted: volume.encrypted(),
        attached: attachment.and_then(|a| {
            Some((
                cloud_id(a.instance_id())?,
                a.device().unwrap_or_default().to_owned(),
            ))
        }),
        dies_with_instance: attachment.is_some_and(goes_with_instance),
    };
    let tags = tags::of(volume.tags());
    Some(sighted(
        volume.volume_id()?,
        tags,
        volume.create_time(),
        Seen::Volume(seen),
    ))
}

fn attachment(volume: &Volume) -> Option<&VolumeAttachment> {
    volume
        .attachments()
        .iter()
        .find(|a| a.state() != Some(&VolumeAttachmentState::Detached))
}

/// Whether the volume goes with its instance. Where that is not reported the device tells: the root device does, and
/// data volumes are attached further down the alphabet.
fn goes_with_instance(attachment: &VolumeAttachment) -> bool {
    let is_root = || matches!(attachment.device(), Some("/dev/sda1" | "/dev/xvda"));
    attachment.delete_on_termination().unwrap_or_else(is_root)
}

async fn describe(ec2: &Client, volume: &str) -> Result<Volume, Failure> {
    let answer = ec2
        .describe_volumes()
        .volume_ids(volume)
        .send()
        .await
        .map_err(failed("DescribeVolumes"))?;
    answer.volumes.unwrap_or_default().pop().ok_or_else(|| {
        let message = format!("there is no volume {volume}");
        Failure::local(FailureClass::NotFound, "DescribeVolumes", message)
    })
}

/// Whether the volume can be attached. One that is not visible yet cannot.
pub(in crate::aws) async fn is_available(ec2: &Client, volume: &CloudId) -> Result<bool, Failure> {
    match describe(ec2, volume.as_str()).await {
        Ok(volume) => Ok(volume.state() == Some(&VolumeState::Available)),
        Err(failure) if failure.class == FailureClass::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn number(count: u32, operation: &str) -> Result<i32, Failure> {
    i32::try_from(count).map_err(|_| {
        let message = format!("{count} is more than EC2 can count");
        Failure::local(FailureClass::Invalid, operation, message)
    })
}

pub(in crate::aws) async fn create(
    ec2: &Client,
    zone: Option<&Zone>,
    size: Size,
    stamp: &Stamp,
) -> Done {
    let zone = zone.ok_or_else(|| {
        let message = "the node's zone is not known";
        Failure::local(FailureClass::Invalid, "CreateVolume", message)
    })?;
    let answer = ec2
        .create_volume()
        .client_token(stamp.token.as_str())
        .availability_zone(zone.as_str())
        .volume_type(VolumeType::Gp3)
        .encrypted(true)
        .size(number(size.gib, "CreateVolume")?)
        .iops(number(size.iops, "CreateVolume")?)
        .throughput(number(size.throughput_mib, "CreateVolume")?)
        .tag_specifications(tags::specification(ResourceType::Volume, &stamp.tags))
        .send()
        .await
        .map_err(failed("CreateVolume"))?;
    Ok(born(
        named(answer.volume_id(), "CreateVolume")?,
        Some(zone.clone()),
    ))
}

/// Attaches. Where EC2 says that the volume is in use, it is looked up: it may be in use as asked.
pub(in crate::aws) async fn attach(
    ec2: &Client,
    volume: &Ref,
    instance: &Ref,
    device: &str,
) -> Done {
    let volume = id(volume, "AttachVolume")?;
    let instance = id(instance, "AttachVolume")?;
    let result = ec2
        .attach_volume()
        .volume_id(volume)
        .instance_id(instance)
        .device(device)
        .send()
        .await
        .map_err(failed("AttachVolume"));
    match result {
        Ok(_) => Ok(done()),
        Err(failure) if has_code(&failure, &["VolumeInUse"]) => {
            let seen = describe(ec2, volume).await?;
            match attachment(&seen) {
                Some(a) if a.instance_id() == Some(instance) => Ok(done()),
                _ => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// Detaches. EC2 answers "incorrect state" for a volume that is attached to nothing.
pub(in crate::aws) async fn detach(ec2: &Client, volume: &Ref) -> Done {
    let volume = id(volume, "DetachVolume")?;
    let call = ec2.detach_volume().volume_id(volume);
    match call.send().await.map_err(failed("DetachVolume")) {
        Err(failure)
            if has_code(&failure, &["IncorrectState"]) && failure.message.contains("available") =>
        {
            Ok(done())
        }
        result => gone(result),
    }
}

pub(in crate::aws) async fn modify(ec2: &Client, volume: &Ref, size: Size) -> Done {
    ec2.modify_volume()
        .volume_id(id(volume, "ModifyVolume")?)
        .size(number(size.gib, "ModifyVolume")?)
        .iops(number(size.iops, "ModifyVolume")?)
        .throughput(number(size.throughput_mib, "ModifyVolume")?)
        .send()
        .await
        .map_err(failed("ModifyVolume"))?;
    Ok(done())
}

pub(in crate::aws) async fn delete(ec2: &Client, volume: &str) -> Done {
    gone(
        ec2.delete_volume()
            .volume_id(volume)
            .send()
            .await
            .map_err(failed("DeleteVolume")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_volume_goes_with_its_instance_and_a_deleted_one_is_not_seen() {
        let attached = |device: &str, dies: Option<bool>| {
            let attachment = VolumeAttachment::builder()
                .instance_id("i-1")
                .device(device);
            let attachment = attachment.set_delete_on_termination(dies).build();
            Volume::builder().volume_id("vol-1").attachments(attachment)
        };
        for (device, dies, part) in [
            ("/dev/sda1", Some(true), true),
            ("/dev/sda1", None, true),
            ("/dev/sda1", Some(false), false),
            ("/dev/sdf", Some(false), false),
            ("/dev/sdf", None, false),
        ] {
            let seen = sighting(&attached(device, dies).build()).expect("an id");
            assert_eq!(seen.is_part(), part, "{device} {dies:?}");
        }
        let leaving = attached("/dev/sda1", Some(true)).state(VolumeState::Deleting);
        assert_eq!(sighting(&leaving.build()), None);
    }
}
