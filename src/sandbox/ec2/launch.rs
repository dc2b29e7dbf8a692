//! `RunInstances`: tokens, capacity and quotas, and the making of instances.

use crate::model::{Market, QuotaCode, UsageClass};

use super::super::context::Ctx;
use super::super::quotas;
use super::super::scenario::{FaultKind, Situation};
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{
    Attachment, Instance, Interface, InterfaceAttachment, NextState, Phase, SpotRequest,
    StateReason, Volume, VolumeState,
};
use super::launch_checks::Nic;
use super::launch_spec::{LaunchSpec, read, subnet, with_template};
use super::{addresses, instances, spot_state, subnets, tokens, volumes};

/// API Reference, RunInstances.
pub(super) fn run(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let merged = with_template(ctx, p)?;
    // The token counts in the zone that the subnet is in (Developer Guide, ec2-api-idempotency, "Zonal").
    let zone = subnet(ctx, &merged)?.zone;
    let token = tokens::look_up(ctx, p, &zone)?;
    if !token.made.is_empty() {
        return replay(ctx, &token.made, x);
    }
    let spec = read(ctx, &merged)?;
    let made = launch(ctx, &spec, p.text("ClientToken"))?;
    tokens::keep(ctx, token, made.clone());
    instances::write_reservation(ctx, x, &made);
    Ok(())
}

/// The answer to a token that was used before: the same instances, as they are now.
fn replay(ctx: &Ctx<'_>, made: &[String], x: &mut Xml) -> ApiResult {
    let ended = made.iter().any(|id| {
        ctx.store
            .get::<Instance>(id)
            .is_none_or(|instance| instance.phase == Phase::Terminated)
    });
    if ended {
        return Err(ApiError::new(
            "IdempotentInstanceTerminated",
            "The client token was used for an instance that has been terminated",
        ));
    }
    instances::write_reservation(ctx, x, made);
    Ok(())
}

/// Launches as many instances as there is room for; returns their ids in the order of their launch indexes.
pub(super) fn launch(
    ctx: &mut Ctx<'_>,
    spec: &LaunchSpec,
    token: Option<&str>,
) -> ApiResult<Vec<String>> {
    let room = room(ctx, spec)?;
    let reservation = ctx.store.fresh("r");
    let mut made = Vec::new();
    for index in 0..room {
        match launch_one(ctx, spec, &reservation, index, token) {
            Ok(id) => made.push(id),
            // MaxCount is met as far as the subnet has addresses, if MinCount is.
            Err(error)
                if error.code == "InsufficientFreeAddressesInSubnet" && index >= spec.least =>
            {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}

/// How many of those asked for can be launched (API Reference, RunInstances, MaxCount: "launches the largest possible
/// number of instances above the specified minimum count").
fn room(ctx: &mut Ctx<'_>, spec: &LaunchSpec) -> ApiResult<u32> {
    let market = if spec.spot.is_some() {
        Market::Spot
    } else {
        Market::OnDemand
    };
    check_capacity(ctx, &spec.subnet.zone, spec.facts.name.as_str(), market)?;
    let by_quota = vcpus_left(ctx, spec.facts.name.as_str(), market) / u64::from(spec.facts.vcpus);
    let room = u32::try_from(by_quota).unwrap_or(u32::MAX).min(spec.most);
    if room < spec.least {
        return Err(quota_refusal(ctx, spec.facts.name.as_str(), market));
    }
    let free = free_capacity(ctx, &spec.subnet.zone, spec.facts.name.as_str(), market);
    let room = room.min(u32::try_from(free).unwrap_or(u32::MAX));
    if room < spec.least {
        return Err(no_capacity(
            ctx,
            spec.facts.name.as_str(),
            &spec.subnet.zone,
            market,
        ));
    }
    Ok(room)
}

/// vCPUs that may still be started.
pub(super) fn vcpus_left(ctx: &Ctx<'_>, instance_type: &str, market: Market) -> u64 {
    let quota = QuotaCode::vcpus(UsageClass::of(instance_type), market);
    let used = ctx.store.meter(&format!("vcpus/{}", quota.code));
    quotas::applied(ctx, &quota).saturating_sub(used)
}

/// User Guide, ec2-on-demand-instances "quotas" and using-spot-limits.
pub(super) fn quota_refusal(ctx: &Ctx<'_>, instance_type: &str, market: Market) -> ApiError {
    let quota = QuotaCode::vcpus(UsageClass::of(instance_type), market);
    let limit = quotas::applied(ctx, &quota);
    match market {
        Market::OnDemand => ApiError::new(
            "VcpuLimitExceeded",
            format!(
                "You have requested more vCPU capacity than your current vCPU limit of {limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit."
            ),
        ),
        Market::Spot => ApiError::new(
            "MaxSpotInstanceCountExceeded",
            "Max spot instance count exceeded",
        ),
    }
}

/// Lets the scenario's capacity rules strike.
pub(super) fn check_capacity(
    ctx: &mut Ctx<'_>,
    zone: &str,
    instance_type: &str,
    market: Market,
) -> ApiResult {
    let market_name = market.to_string();
    let situation = Situation {
        action: ctx.action,
        zone: Some(zone),
        instance_type: Some(instance_type),
        market: Some(&market_name),
    };
    if ctx.faults.fire(FaultKind::Capacity, &situation).is_some() {
        return Err(no_capacity(ctx, instance_type, zone, market));
    }
    Ok(())
}

/// How many more instances of a type a zone has room for.
pub(super) fn free_capacity(ctx: &Ctx<'_>, zone: &str, instance_type: &str, market: Market) -> u64 {
    let market_name = market.to_string();
    let situation = Situation {
        action: ctx.action,
        zone: Some(zone),
        instance_type: Some(instance_type),
        market: Some(&market_name),
    };
    let used = ctx.store.meter(&format!("hosts/{zone}/{instance_type}"));
    ctx.faults
        .room(&situation)
        .map_or(u64::MAX, |room| room.saturating_sub(used))
}

/// errors-overview, "Server error codes": InsufficientInstanceCapacity; User Guide, troubleshooting-launch.
pub(super) fn no_capacity(
    ctx: &Ctx<'_>,
    instance_type: &str,
    zone: &str,
    market: Market,
) -> ApiError {
    let message = if market == Market::Spot {
        "There is no Spot capacity available that matches your request.".to_owned()
    } else {
        format!(
            "We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). Our system will be working on provisioning additional capacity. You can currently get {instance_type} capacity by not specifying an Availability Zone in your request or choosing another one in {}.",
            ctx.region
        )
    };
    ApiError::with_status(500, "InsufficientInstanceCapacity", message)
}

fn launch_one(
    ctx: &mut Ctx<'_>,
    spec: &LaunchSpec,
    reservation: &str,
    index: u32,
    token: Option<&str>,
) -> ApiResult<String> {
    let id = ctx.store.fresh("i");
    for nic in &spec.nics {
        attach_interface(ctx, spec, nic, &id)?;
    }
    for device in &spec.devices {
        attach_volume(ctx, spec, device, &id);
    }
    let spot_request = match (&spec.spot_request, &spec.spot) {
        (Some(request), _) => Some(request.clone()),
        (None, Some(ask)) => Some(spot_state::request(ctx, spec, ask, &id)),
        (None, None) => None,
    };
    let market = if spot_request.is_some() {
        "spot"
    } else {
        "on-demand"
    };
    let situation = Situation {
        action: ctx.action,
        zone: Some(&spec.subnet.zone),
        instance_type: Some(spec.facts.name.as_str()),
        market: Some(market),
    };
    let fails = ctx.faults.fire(FaultKind::LaunchFailure, &situation);
    let interrupt = spot_request.as_ref().and_then(|_| {
        ctx.faults
            .fire(FaultKind::Interrupt, &situation)
            .and_then(|rule| rule.after)
    });
    let ready = ctx.in_future(ctx.times().running);
    let instance = Instance {
        id: id.clone(),
        reservation: reservation.to_owned(),
        launch_index: index,
        image: spec.image.id.clone(),
        architecture: spec.image.architecture.clone(),
        instance_type: spec.facts.name.to_string(),
        vcpus: spec.facts.vcpus,
        key: spec.key.clone(),
        vpc: spec.subnet.vpc.clone(),
        subnet: spec.subnet.id.clone(),
        zone: spec.subnet.zone.clone(),
        root_device: spec.image.root_device.clone(),
        profile: spec.profile.clone(),
        user_data: spec.user_data.clone(),
        placement_group: spec.placement_group.clone(),
        metadata: spec.metadata.clone(),
        shutdown_behavior: spec.shutdown_behavior.clone(),
        protect_termination: spec.protect_termination,
        protect_stop: spec.protect_stop,
        ebs_optimized: spec.ebs_optimized,
        monitoring: spec.monitoring,
        client_token: token.map(str::to_owned),
        spot_request,
        launched: ctx.now,
        phase: Phase::Pending,
        next: Some(match fails {
            Some(_) => (ready, NextState::Terminated),
            None => (ready, NextState::Running),
        }),
        interrupt: interrupt.map(|after| ctx.in_future(after)),
        transition: String::new(),
        reason: fails.map(|rule| StateReason {
            code: rule
                .code
                .clone()
                .unwrap_or_else(|| "Server.InternalError".to_owned()),
            message: rule
                .message
                .clone()
                .unwrap_or_else(|| "Server.InternalError: Internal error on launch".to_owned()),
        }),
        tags: spec.instance_tags.clone(),
    };
    ctx.store.put(instance);
    Ok(id)
}

fn attach_interface(ctx: &mut Ctx<'_>, spec: &LaunchSpec, nic: &Nic, instance: &str) -> ApiResult {
    let private_ip = match nic.private_ip {
        Some(ip) if spec.most == 1 => {
            if ctx
                .store
                .named(&Interface::address_in(&nic.subnet, ip))
                .is_some()
            {
                return Err(ApiError::new(
                    "InvalidIPAddress.InUse",
                    format!("Address {ip} is in use."),
                ));
            }
            ip
        }
        _ => subnets::take_address(ctx, &nic.subnet)?,
    };
    let number = ctx.store.ids.number().to_be_bytes();
    let public_ip = nic.public_ip.then(|| addresses::public_address(ctx));
    let interface = Interface {
        id: ctx.store.fresh("eni"),
        vpc: spec.subnet.vpc.clone(),
        subnet: nic.subnet.clone(),
        zone: spec.subnet.zone.clone(),
        description: nic.description.clone(),
        groups: nic.groups.clone(),
        private_ip,
        public_ip,
        wants_public_ip: nic.public_ip,
        elastic: None,
        mac: format!(
            "0a:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}",
            number[0], number[1], number[2], number[3], number[4]
        ),
        source_dest_check: true,
        attachment: Some(InterfaceAttachment {
            id: ctx.store.fresh("eni-attach"),
            instance: instance.to_owned(),
            device_index: nic.index,
            delete_on_termination: nic.delete_on_termination,
            at: ctx.now,
        }),
        tags: spec.interface_tags.clone(),
    };
    ctx.store.put(interface);
    Ok(())
}

fn attach_volume(
    ctx: &mut Ctx<'_>,
    spec: &LaunchSpec,
    device: &super::launch_spec::Device,
    instance: &str,
) {
    let made = volumes::new(ctx, spec.subnet.zone.clone(), device.shape.clone());
    let volume = Volume {
        encrypted: device.encrypted,
        kms_key: device.kms_key.clone(),
        snapshot: device.snapshot.clone(),
        state: VolumeState::Available,
        ready: None,
        attachment: Some(Attachment {
            instance: instance.to_owned(),
            device: device.name.clone(),
            delete_on_termination: device.delete_on_termination,
            at: ctx.now,
        }),
        tags: spec.volume_tags.clone(),
        ..made
    };
    ctx.store.put(volume);
}

/// Launches the replacement for an instance of a persistent spot request (User Guide, "How persistent Spot requests
/// work"). One that cannot be launched now leaves the request open.
pub(super) fn relaunch(ctx: &mut Ctx<'_>, request: &SpotRequest) {
    let Ok(spec) = read(ctx, &request.launch) else {
        return;
    };
    let spec = LaunchSpec {
        least: 1,
        most: 1,
        spot_request: Some(request.id.clone()),
        ..spec
    };
    let Ok(made) = launch(ctx, &spec, None) else {
        return;
    };
    let now = ctx.now;
    for id in made {
        ctx.store.update::<SpotRequest>(&request.id, |request| {
            "active".clone_into(&mut request.state);
            request.status = spot_state::fulfilled();
            request.updated = now;
            request.instance = Some(id.clone());
        });
    }
}
