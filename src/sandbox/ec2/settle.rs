//! State changes that happen by themselves, computed from their times when somebody looks.

use std::time::Duration;

use super::super::context::{Ctx, later};
use super::super::world::{
    Edge, Instance, Interface, NextState, Phase, SpotRequest, Volume, VolumeState,
};
use super::{lifecycle, spot_state};

/// How long a terminated instance is still listed (User Guide, terminating-instances: "usually within an hour").
const STILL_LISTED: Duration = Duration::from_hours(1);

/// Lets every change that is due by now happen, in the order of their times.
pub(in super::super) fn settle(ctx: &mut Ctx<'_>) {
    let present = ctx.now;
    while let Some(at) = ctx.store.next_due_at().filter(|at| *at <= present) {
        // What follows from a change happens at its time, not at that of the call that finds it.
        ctx.now = at;
        ctx.store.now = at;
        let Some(id) = ctx.store.next_due() else {
            break;
        };
        if ctx.store.get::<Volume>(&id).is_some() {
            ctx.store.update::<Volume>(&id, |volume| {
                volume.state = VolumeState::Available;
                volume.ready = None;
            });
        } else {
            settle_instance(ctx, &id);
        }
    }
    ctx.now = present;
    ctx.store.now = present;
}

fn settle_instance(ctx: &mut Ctx<'_>, id: &str) {
    let Some(instance) = ctx.store.get::<Instance>(id).cloned() else {
        return;
    };
    let now = ctx.now;
    let next = match (instance.next, instance.interrupt) {
        (Some((at, _)), Some(interrupt)) if interrupt < at => NextState::Interrupted,
        (None, _) => NextState::Interrupted,
        (Some((_, next)), _) => next,
    };
    match next {
        NextState::Running => ctx.store.update::<Instance>(id, |instance| {
            instance.phase = Phase::Running;
            instance.next = None;
        }),
        NextState::Stopped => {
            ctx.store.update::<Instance>(id, |instance| {
                instance.phase = Phase::Stopped;
                instance.next = None;
                instance.interrupt = None;
            });
            // User Guide, Stop_Start: the automatic public address is released.
            for interface in ctx.store.referrers(id, Edge::InterfaceOfInstance) {
                ctx.store
                    .update::<Interface>(&interface, |interface| interface.public_ip = None);
            }
        }
        NextState::Terminated => {
            let failed = instance.phase == Phase::Pending;
            ctx.store.update::<Instance>(id, |instance| {
                instance.phase = Phase::Terminated;
                instance.next = Some((later(now, STILL_LISTED), NextState::Forgotten));
                instance.interrupt = None;
            });
            if failed && let Some(request) = &instance.spot_request {
                spot_state::instance_ended(ctx, request, false);
            }
            lifecycle::finish_termination(ctx, id);
        }
        NextState::Interrupted => interrupt(ctx, &instance),
        NextState::Forgotten => ctx.store.remove(id),
    }
}

/// EC2 takes a spot instance back (User Guide, spot-interruptions): by the request's interruption behaviour.
fn interrupt(ctx: &mut Ctx<'_>, instance: &Instance) {
    ctx.store
        .update::<Instance>(&instance.id, |instance| instance.interrupt = None);
    if !matches!(instance.phase, Phase::Pending | Phase::Running) {
        return;
    }
    let stops = instance
        .spot_request
        .as_ref()
        .and_then(|id| ctx.store.get::<SpotRequest>(id))
        .is_some_and(|request| request.interruption != "terminate");
    if stops {
        lifecycle::begin_stop(ctx, &instance.id, false);
    } else {
        lifecycle::begin_termination(ctx, &instance.id, "Server.SpotInstanceTermination");
    }
}
