//! Volumes on instances.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Attachment, Edge, Instance, Phase, Volume, VolumeState};

/// API Reference, AttachVolume: an available volume, an instance in the same zone, a free device name.
pub(super) fn attach(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let volume: Volume = ctx.copy(p.need("VolumeId")?)?;
    let instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    let device = p.need("Device")?;
    if volume.attachment.is_some() {
        return Err(ApiError::new(
            "VolumeInUse",
            format!("{} is already attached to an instance", volume.id),
        ));
    }
    if volume.state != VolumeState::Available {
        return Err(ApiError::new(
            "IncorrectState",
            format!("{} is not 'available'.", volume.id),
        ));
    }
    if !matches!(instance.phase, Phase::Running | Phase::Stopped) {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Instance '{}' is not 'running'.", instance.id),
        ));
    }
    if volume.zone != instance.zone {
        return Err(ApiError::new(
            "InvalidVolume.ZoneMismatch",
            format!(
                "The volume '{}' is not in the same availability zone as instance '{}'",
                volume.id, instance.id
            ),
        ));
    }
    let taken = ctx
        .store
        .hanging::<Volume>(&instance.id, Edge::VolumeOfInstance)
        .any(|it| it.attachment.as_ref().is_some_and(|at| at.device == device));
    if taken {
        return Err(ApiError::invalid(format!(
            "Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
        )));
    }
    // User Guide, "Preserve data when an instance is terminated": volumes attached later are kept.
    let attachment = Attachment {
        instance: instance.id,
        device: device.to_owned(),
        delete_on_termination: false,
        at: ctx.now,
    };
    write(x, &volume.id, &attachment, "attaching");
    ctx.store
        .update::<Volume>(&volume.id, |volume| volume.attachment = Some(attachment));
    Ok(())
}

fn write(x: &mut Xml, volume: &str, attachment: &Attachment, status: &str) {
    x.el("volumeId", volume)
        .el("instanceId", &attachment.instance)
        .el("device", &attachment.device)
        .el("status", status)
        .time("attachTime", attachment.at)
        .el("deleteOnTermination", attachment.delete_on_termination);
}

/// API Reference, DetachVolume: the root volume only of a stopped instance.
pub(super) fn detach(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let volume: Volume = ctx.copy(p.need("VolumeId")?)?;
    let Some(attachment) = volume.attachment else {
        return Err(ApiError::new(
            "IncorrectState",
            format!("Volume '{}' is in the 'available' state.", volume.id),
        ));
    };
    for (parameter, actual) in [
        ("InstanceId", &attachment.instance),
        ("Device", &attachment.device),
    ] {
        if p.text(parameter).is_some_and(|asked| asked != actual) {
            return Err(ApiError::new(
                "InvalidAttachment.NotFound",
                format!("The volume '{}' is not attached as asked", volume.id),
            ));
        }
    }
    let root_of_running = ctx
        .store
        .get::<Instance>(&attachment.instance)
        .is_some_and(|it| it.root_device == attachment.device && it.phase != Phase::Stopped);
    if root_of_running {
        return Err(ApiError::new(
            "OperationNotPermitted",
            format!(
                "Unable to detach root volume '{}' from instance '{}'",
                volume.id, attachment.instance
            ),
        ));
    }
    write(x, &volume.id, &attachment, "detaching");
    ctx.store
        .update::<Volume>(&volume.id, |volume| volume.attachment = None);
    Ok(())
}
