//! Attributes of instances that can be changed.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Instance, Interface, Phase};
use super::addresses::primary;
use super::discovery::{facts, offers};
use super::launch_checks::{self, group_list};
use super::launch_spec::{metadata_over, user_data};
use super::placement;

/// API Reference, ModifyInstanceAttribute: one attribute in a request; some only of a stopped instance.
pub(super) fn modify(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    let mut known: Vec<&str> = [
        "InstanceType",
        "UserData",
        "DisableApiTermination",
        "DisableApiStop",
        "InstanceInitiatedShutdownBehavior",
        "EbsOptimized",
        "SourceDestCheck",
        "GroupId",
        "BlockDeviceMapping",
    ]
    .into_iter()
    .filter(|name| p.child(name).is_some())
    .collect();
    // The general form: a name and a value.
    let general = p.text("Attribute").zip(p.text("Value"));
    if known.is_empty() && general.is_none() {
        return Err(ApiError::missing("Attribute"));
    }
    if known.len() > 1 {
        return Err(ApiError::combination(
            "Fields for multiple attribute types specified",
        ));
    }
    let mut spelled = Params::default();
    let p = match general {
        Some((name, value)) if known.is_empty() => {
            let name = capital(name);
            spelled.set(&format!("{name}.Value"), value);
            known.push("");
            &spelled
        }
        _ => p,
    };
    if let Some(groups) = p.child("GroupId") {
        let _ = groups;
        set_groups(ctx, &instance, &p.texts("GroupId"))?;
        x.done();
        return Ok(());
    }
    if let Some(check) = p.flag("SourceDestCheck.Value")? {
        if let Some(id) = primary(ctx, &instance.id).map(|it| it.id.clone()) {
            ctx.store
                .update::<Interface>(&id, |nic| nic.source_dest_check = check);
        }
        x.done();
        return Ok(());
    }
    change(ctx, p, &mut instance)?;
    ctx.store.put(instance);
    x.done();
    Ok(())
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}

fn change(ctx: &mut Ctx<'_>, p: &Params, instance: &mut Instance) -> ApiResult {
    if let Some(name) = p.text("InstanceType.Value") {
        check_stopped(instance, "instanceType")?;
        check_type(ctx, instance, name)?;
        if let Some(facts) = facts(name) {
            instance.vcpus = facts.vcpus;
        }
        name.clone_into(&mut instance.instance_type);
    }
    if p.text("UserData.Value").is_some() {
        check_stopped(instance, "userData")?;
        let mut alone = Params::default();
        alone.set("UserData", p.need("UserData.Value")?);
        instance.user_data = user_data(&alone)?;
    }
    if let Some(value) = p.flag("EbsOptimized.Value")? {
        check_stopped(instance, "ebsOptimized")?;
        instance.ebs_optimized = value;
    }
    if let Some(value) = p.flag("DisableApiTermination.Value")? {
        instance.protect_termination = value;
    }
    if let Some(value) = p.flag("DisableApiStop.Value")? {
        instance.protect_stop = value;
    }
    if let Some(value) = p.text("InstanceInitiatedShutdownBehavior.Value") {
        if !["stop", "terminate"].contains(&value) {
            return Err(ApiError::invalid(format!(
                "Invalid value '{value}' for instanceInitiatedShutdownBehavior."
            )));
        }
        value.clone_into(&mut instance.shutdown_behavior);
    }
    for mapping in p.list("BlockDeviceMapping") {
        set_delete_on_termination(ctx, instance, mapping)?;
    }
    Ok(())
}

fn check_stopped(instance: &Instance, attribute: &str) -> ApiResult {
    if instance.phase == Phase::Stopped {
        return Ok(());
    }
    Err(ApiError::new(
        "IncorrectInstanceState",
        format!(
            "The instance '{}' is not in the 'stopped' state. ({attribute})",
            instance.id
        ),
    ))
}

/// User Guide, ec2-instance-resize: same architecture, offered in the zone; not of a spot instance.
fn check_type(ctx: &Ctx<'_>, instance: &Instance, name: &str) -> ApiResult {
    let facts = facts(name)
        .ok_or_else(|| ApiError::invalid(format!("Invalid value '{name}' for InstanceType.")))?;
    if facts.architecture != instance.architecture {
        return Err(ApiError::combination(format!(
            "The architecture of {name} does not match that of the instance's image"
        )));
    }
    if !offers(ctx.region, &instance.zone, name) {
        return Err(ApiError::new(
            "Unsupported",
            format!(
                "Your requested instance type ({name}) is not supported in your requested Availability Zone ({}).",
                instance.zone
            ),
        ));
    }
    if instance.spot_request.is_some() {
        return Err(ApiError::unsupported(
            "The instance type of a Spot Instance cannot be modified",
        ));
    }
    Ok(())
}

fn set_groups(ctx: &mut Ctx<'_>, instance: &Instance, asked: &[&str]) -> ApiResult {
    let groups = group_list(ctx, asked, &instance.vpc)?;
    if let Some(id) = primary(ctx, &instance.id).map(|it| it.id.clone()) {
        ctx.store
            .update::<Interface>(&id, |nic| nic.groups = groups);
    }
    Ok(())
}

fn set_delete_on_termination(
    ctx: &mut Ctx<'_>,
    instance: &Instance,
    mapping: &Params,
) -> ApiResult {
    use super::super::world::{Edge, Volume};
    let device = mapping.need("DeviceName")?;
    let delete = mapping.flag("Ebs.DeleteOnTermination")?.unwrap_or(true);
    let volume = ctx
        .store
        .hanging::<Volume>(&instance.id, Edge::VolumeOfInstance)
        .find(|it| it.attachment.as_ref().is_some_and(|at| at.device == device))
        .map(|it| it.id.clone())
        .ok_or_else(|| {
            ApiError::new(
                "InvalidInstanceAttributeValue",
                format!("No device is currently mapped at {device}"),
            )
        })?;
    ctx.store.update::<Volume>(&volume, |volume| {
        if let Some(attachment) = &mut volume.attachment {
            attachment.delete_on_termination = delete;
        }
    });
    Ok(())
}

/// API Reference, ModifyInstancePlacement: of a stopped instance; an empty group name moves it out of its group.
pub(super) fn modify_placement(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    check_stopped(&instance, "placement")?;
    let Some(name) = p
        .child("GroupName")
        .map(|_| p.text("GroupName").unwrap_or_default())
    else {
        return Err(ApiError::missing("GroupName"));
    };
    instance.placement_group = if name.is_empty() {
        None
    } else {
        let group = placement::by_name(ctx, name)?;
        let facts = facts(&instance.instance_type)
            .ok_or_else(|| ApiError::invalid("The instance has an unknown type".to_owned()))?;
        Some(launch_checks::placement(&group, facts)?)
    };
    ctx.store.put(instance);
    x.done();
    Ok(())
}

/// API Reference, DescribeInstanceAttribute.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let instance: &Instance = ctx.find(p.need("InstanceId")?)?;
    let attribute = p.need("Attribute")?;
    let value = match attribute {
        "instanceType" => Some(instance.instance_type.clone()),
        "userData" => instance.user_data.clone(),
        "disableApiTermination" => Some(instance.protect_termination.to_string()),
        "disableApiStop" => Some(instance.protect_stop.to_string()),
        "instanceInitiatedShutdownBehavior" => Some(instance.shutdown_behavior.clone()),
        "rootDeviceName" => Some(instance.root_device.clone()),
        "ebsOptimized" => Some(instance.ebs_optimized.to_string()),
        "sourceDestCheck" => {
            primary(ctx, &instance.id).map(|nic| nic.source_dest_check.to_string())
        }
        "groupSet" => None,
        other => {
            return Err(ApiError::invalid(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    x.el("instanceId", &instance.id);
    if attribute == "groupSet" {
        let groups = primary(ctx, &instance.id).map(|nic| nic.groups.clone());
        x.items("groupSet", groups.into_iter().flatten(), |x, id| {
            x.el("groupId", id);
        });
    } else {
        x.wrap(attribute, |x| {
            x.opt("value", value);
        });
    }
    Ok(())
}

/// API Reference, ModifyInstanceMetadataOptions: of a running or stopped instance.
pub(super) fn modify_metadata(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let instance: Instance = ctx.copy(p.need("InstanceId")?)?;
    if !matches!(instance.phase, Phase::Running | Phase::Stopped) {
        return Err(ApiError::new(
            "IncorrectInstanceState",
            format!(
                "The instance '{}' is not in a state from which its metadata options can be modified",
                instance.id
            ),
        ));
    }
    let options = metadata_over(instance.metadata, p)?;
    x.el("instanceId", &instance.id)
        .wrap("instanceMetadataOptions", |x| {
            x.el("state", "pending")
                .el("httpTokens", &options.tokens)
                .el("httpPutResponseHopLimit", options.hop_limit)
                .el("httpEndpoint", &options.endpoint)
                .el("httpProtocolIpv6", &options.ipv6)
                .el("instanceMetadataTags", &options.tags);
        });
    ctx.store
        .update::<Instance>(&instance.id, |instance| instance.metadata = options);
    Ok(())
}
