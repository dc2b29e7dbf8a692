//! Start, stop, reboot, terminate (User Guide, ec2-instance-lifecycle).

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{
    Address, Edge, Instance, Interface, NextState, Phase, SpotRequest, StateReason,
};
use super::{addresses, launch, spot_state};

type Moved = (String, Phase, Phase);

/// The instances that a call names; a text that is no id and an id that names nothing fail the whole call.
fn named(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Vec<Instance>> {
    p.need_texts("InstanceId")?
        .into_iter()
        .map(|id| ctx.copy(id))
        .collect()
}

fn write(x: &mut Xml, moved: Vec<Moved>) {
    x.items("instancesSet", moved, |x, (id, before, after)| {
        x.el("instanceId", id);
        for (name, phase) in [("currentState", after), ("previousState", before)] {
            x.wrap(name, |x| {
                x.el("code", phase.code()).el("name", phase.name());
            });
        }
    });
}

fn wrong_state(id: &str, verb: &str) -> ApiError {
    ApiError::new(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state from which it can be {verb}."),
    )
}

fn by_user(ctx: &Ctx<'_>) -> String {
    format!(
        "User initiated ({})",
        ctx.now.strftime("%Y-%m-%d %H:%M:%S GMT")
    )
}

/// API Reference, StopInstances: idempotent for what is stopped or stopping.
pub(super) fn stop(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut moved = Vec::new();
    for instance in named(ctx, p)? {
        let after = match instance.phase {
            Phase::Stopping | Phase::Stopped => instance.phase,
            Phase::Running => {
                if instance.protect_stop {
                    return Err(ApiError::new(
                        "OperationNotPermitted",
                        format!(
                            "The instance '{}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.",
                            instance.id
                        ),
                    ));
                }
                spot_state::check_stoppable(ctx, &instance)?;
                begin_stop(ctx, &instance.id, true);
                Phase::Stopping
            }
            Phase::Pending | Phase::ShuttingDown | Phase::Terminated => {
                return Err(wrong_state(&instance.id, "stopped"));
            }
        };
        moved.push((instance.id, instance.phase, after));
    }
    write(x, moved);
    Ok(())
}

/// Puts an instance on its way to stopped.
pub(super) fn begin_stop(ctx: &mut Ctx<'_>, id: &str, user: bool) {
    let done = ctx.in_future(ctx.times().stopped);
    let transition = if user {
        by_user(ctx)
    } else {
        "Server.SpotInstanceShutdown".to_owned()
    };
    let (code, message) = if user {
        (
            "Client.UserInitiatedShutdown",
            "Client.UserInitiatedShutdown: User initiated shutdown",
        )
    } else {
        (
            "Server.SpotInstanceShutdown",
            "Server.SpotInstanceShutdown: Spot instance shutdown",
        )
    };
    let mut request = None;
    ctx.store.update::<Instance>(id, |instance| {
        instance.phase = Phase::Stopping;
        instance.next = Some((done, NextState::Stopped));
        instance.transition = transition;
        instance.reason = Some(StateReason {
            code: code.to_owned(),
            message: message.to_owned(),
        });
        request.clone_from(&instance.spot_request);
    });
    if let Some(request) = request {
        spot_state::instance_stopped(ctx, &request, user);
    }
}

/// API Reference, StartInstances: needs capacity and quota as a launch does.
pub(super) fn start(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut moved = Vec::new();
    for instance in named(ctx, p)? {
        let after = match instance.phase {
            Phase::Pending | Phase::Running => instance.phase,
            Phase::Stopped => {
                check_start(ctx, &instance)?;
                begin_start(ctx, &instance.id);
                Phase::Pending
            }
            Phase::Stopping | Phase::ShuttingDown | Phase::Terminated => {
                return Err(wrong_state(&instance.id, "started"));
            }
        };
        moved.push((instance.id, instance.phase, after));
    }
    write(x, moved);
    Ok(())
}

fn check_start(ctx: &mut Ctx<'_>, instance: &Instance) -> ApiResult {
    let market = instance.market();
    let (zone, name) = (&instance.zone, &instance.instance_type);
    // User Guide, spot-interruptions: only EC2 restarts what it interrupted.
    let interrupted = instance
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code == "Server.SpotInstanceShutdown");
    if interrupted {
        return Err(ApiError::new(
            "IncorrectSpotRequestState",
            format!(
                "The Spot Instance '{}' was stopped by Amazon EC2 and cannot be started by a user.",
                instance.id
            ),
        ));
    }
    let root = ctx
        .store
        .hanging::<super::super::world::Volume>(&instance.id, Edge::VolumeOfInstance)
        .any(|it| {
            it.attachment
                .as_ref()
                .is_some_and(|at| at.device == instance.root_device)
        });
    if !root {
        return Err(ApiError::new(
            "IncorrectInstanceState",
            format!(
                "Invalid value '{}' for instanceId. Instance does not have a volume attached at root ({})",
                instance.id, instance.root_device
            ),
        ));
    }
    launch::check_capacity(ctx, zone, name, market)?;
    if launch::vcpus_left(ctx, name, market) < u64::from(instance.vcpus) {
        return Err(launch::quota_refusal(ctx, name, market));
    }
    if launch::free_capacity(ctx, zone, name, market) == 0 {
        return Err(launch::no_capacity(ctx, name, zone, market));
    }
    Ok(())
}

/// Puts a stopped instance on its way to running, with a new automatic address (User Guide, Stop_Start).
pub(super) fn begin_start(ctx: &mut Ctx<'_>, id: &str) {
    let done = ctx.in_future(ctx.times().running);
    let now = ctx.now;
    let mut request = None;
    ctx.store.update::<Instance>(id, |instance| {
        instance.phase = Phase::Pending;
        instance.next = Some((done, NextState::Running));
        instance.launched = now;
        instance.transition = String::new();
        instance.reason = None;
        request.clone_from(&instance.spot_request);
    });
    if let Some(request) = request {
        spot_state::instance_started(ctx, &request);
    }
    if let Some(interface) = addresses::primary(ctx, id).map(|it| it.id.clone()) {
        addresses::give_public_address(ctx, &interface);
    }
}

/// API Reference, RebootInstances.
pub(super) fn reboot(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    for instance in named(ctx, p)? {
        if instance.phase != Phase::Running {
            return Err(wrong_state(&instance.id, "rebooted"));
        }
    }
    x.done();
    Ok(())
}

/// API Reference, TerminateInstances: idempotent; one protected instance fails the call.
pub(super) fn terminate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut moved = Vec::new();
    for instance in named(ctx, p)? {
        if instance.phase.is_ending() {
            moved.push((instance.id, instance.phase, instance.phase));
            continue;
        }
        if instance.protect_termination {
            return Err(ApiError::new(
                "OperationNotPermitted",
                format!(
                    "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
                    instance.id
                ),
            ));
        }
        begin_termination(ctx, &instance.id, "Client.UserInitiatedShutdown");
        moved.push((instance.id, instance.phase, Phase::ShuttingDown));
    }
    write(x, moved);
    Ok(())
}

/// Puts an instance on its way to terminated.
pub(super) fn begin_termination(ctx: &mut Ctx<'_>, id: &str, code: &str) {
    let done = ctx.in_future(ctx.times().terminated);
    let transition = by_user(ctx);
    let mut request = None;
    let user = code.starts_with("Client.");
    ctx.store.update::<Instance>(id, |instance| {
        instance.phase = Phase::ShuttingDown;
        instance.next = Some((done, NextState::Terminated));
        instance.interrupt = None;
        instance.transition = if user { transition } else { code.to_owned() };
        instance.reason = Some(StateReason {
            code: code.to_owned(),
            message: format!("{code}: shutdown"),
        });
        request.clone_from(&instance.spot_request);
    });
    if let Some(request) = request {
        spot_state::instance_ended(ctx, &request, user);
    }
}

/// What happens when an instance is gone: its interfaces and the volumes marked for it go, other volumes and the
/// Elastic IP stay (User Guide, terminating-instances).
pub(super) fn finish_termination(ctx: &mut Ctx<'_>, id: &str) {
    for interface in ctx.store.referrers(id, Edge::InterfaceOfInstance) {
        for address in ctx.store.referrers(&interface, Edge::AddressOfInterface) {
            ctx.store.update::<Address>(&address, Address::detach);
        }
        let goes = ctx.store.get::<Interface>(&interface).is_some_and(|it| {
            it.attachment
                .as_ref()
                .is_some_and(|at| at.delete_on_termination)
        });
        if goes {
            ctx.store.remove(&interface);
        } else {
            ctx.store.update::<Interface>(&interface, |it| {
                it.attachment = None;
                it.public_ip = None;
                it.elastic = None;
            });
        }
    }
    for volume in ctx.store.referrers(id, Edge::VolumeOfInstance) {
        let goes = ctx
            .store
            .get::<super::super::world::Volume>(&volume)
            .and_then(|it| it.attachment.as_ref())
            .is_some_and(|at| at.delete_on_termination);
        if goes {
            ctx.store.remove(&volume);
        } else {
            ctx.store
                .update::<super::super::world::Volume>(&volume, |it| it.attachment = None);
        }
    }
    replace_spot(ctx, id);
}

/// A persistent request that was not cancelled launches a replacement.
fn replace_spot(ctx: &mut Ctx<'_>, id: &str) {
    let request = ctx
        .store
        .get::<Instance>(id)
        .and_then(|instance| instance.spot_request.as_ref())
        .and_then(|request| ctx.store.get::<SpotRequest>(request))
        .filter(|request| request.persistent && request.state == "open")
        .cloned();
    if let Some(request) = request {
        launch::relaunch(ctx, &request);
    }
}
