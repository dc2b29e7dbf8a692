//! Spot instance requests. They are made by `RunInstances`; the sandbox does not speak `RequestSpotInstances`, which
//! AWS discourages.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Instance, Phase, SpotRequest};
use super::launch_spec::{LaunchSpec, SpotAsk};
use super::lifecycle;
use super::listing::{Listed, list, maybe, one};
use super::tags;

impl Listed for SpotRequest {
    const IDS: &'static str = "SpotInstanceRequestId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "instance-id",
        "launch.instance-type",
        "launched-availability-zone",
        "spot-instance-request-id",
        "state",
        "status-code",
        "type",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "instance-id" => maybe(self.instance.as_ref()),
            "launch.instance-type" => one(&self.instance_type),
            "launched-availability-zone" => one(&self.zone),
            "state" => one(&self.state),
            "status-code" => one(&self.status.0),
            "type" => one(kind(self)),
            _ => one(&self.id),
        }
    }
}

fn kind(request: &SpotRequest) -> &'static str {
    if request.persistent {
        "persistent"
    } else {
        "one-time"
    }
}

fn status(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

/// The status of a request that has its instance (User Guide, spot-request-status).
pub(super) fn fulfilled() -> (String, String) {
    status("fulfilled", "Your Spot request is fulfilled.")
}

/// Makes the request behind a spot instance.
pub(super) fn request(
    ctx: &mut Ctx<'_>,
    spec: &LaunchSpec,
    ask: &SpotAsk,
    instance: &str,
) -> String {
    let request = SpotRequest {
        id: ctx.store.fresh("sir"),
        persistent: ask.persistent,
        interruption: ask.interruption.clone(),
        max_price: ask.max_price.clone(),
        state: "active".to_owned(),
        status: fulfilled(),
        instance: Some(instance.to_owned()),
        image: spec.image.id.clone(),
        instance_type: spec.facts.name.to_string(),
        zone: spec.subnet.zone.clone(),
        created: ctx.now,
        updated: ctx.now,
        launch: spec.params.clone(),
        tags: spec.spot_tags.clone(),
    };
    let id = request.id.clone();
    ctx.store.put(request);
    id
}

/// What ends with an instance: a one-time request is closed; a persistent one opens again, unless it was cancelled
/// (User Guide, spot-requests "Terminate a Spot Instance").
pub(super) fn instance_ended(ctx: &mut Ctx<'_>, request: &str, by_user: bool) {
    let now = ctx.now;
    let how = if by_user {
        status(
            "instance-terminated-by-user",
            "Spot Instance terminated due to user-initiated termination.",
        )
    } else {
        status(
            "instance-terminated-no-capacity",
            "Your Spot Instance was terminated because there is no capacity available.",
        )
    };
    ctx.store.update::<SpotRequest>(request, |request| {
        request.updated = now;
        request.status = how;
        if request.state == "active" {
            let state = if request.persistent { "open" } else { "closed" };
            state.clone_into(&mut request.state);
        }
    });
}

/// Marks the request of an instance that stopped.
pub(super) fn instance_stopped(ctx: &mut Ctx<'_>, request: &str, by_user: bool) {
    let now = ctx.now;
    ctx.store.update::<SpotRequest>(request, |request| {
        request.updated = now;
        if by_user {
            "disabled".clone_into(&mut request.state);
            request.status = status(
                "instance-stopped-by-user",
                "You've stopped your Spot Instance.",
            );
        } else {
            request.status = status(
                "instance-stopped-no-capacity",
                "Your Spot Instance was stopped because there is no capacity available.",
            );
        }
    });
}

/// Marks the request of an instance that was started again.
pub(super) fn instance_started(ctx: &mut Ctx<'_>, request: &str) {
    let now = ctx.now;
    ctx.store.update::<SpotRequest>(request, |request| {
        request.updated = now;
        "active".clone_into(&mut request.state);
        request.status = fulfilled();
    });
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<SpotRequest>(ctx, p)?;
    x.items("spotInstanceRequestSet", &page.items, |x, request| {
        x.el("spotInstanceRequestId", &request.id)
            .el("state", &request.state)
            .el("type", kind(request))
            .el("instanceInterruptionBehavior", &request.interruption)
            .el("productDescription", "Linux/UNIX")
            .opt("spotPrice", request.max_price.as_ref())
            .opt("instanceId", request.instance.as_ref())
            .el("launchedAvailabilityZone", &request.zone)
            .time("createTime", request.created);
        x.wrap("status", |x| {
            x.el("code", &request.status.0)
                .el("message", &request.status.1)
                .time("updateTime", request.updated);
        });
        x.wrap("launchSpecification", |x| {
            x.el("imageId", &request.image)
                .el("instanceType", &request.instance_type);
        });
        tags::write(x, &request.tags);
    });
    page.write_next(x);
    Ok(())
}

/// API Reference, CancelSpotInstanceRequests: does not terminate a running instance; a stopped one is terminated
/// (User Guide, spot-requests "Cancel a Spot Instance request").
pub(super) fn cancel(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let ids = p.need_texts("SpotInstanceRequestId")?;
    let mut rows = Vec::new();
    for id in ids {
        let request: SpotRequest = ctx.copy(id)?;
        if request.state == "closed" {
            rows.push((request.id, request.state));
            continue;
        }
        let instance = request
            .instance
            .as_ref()
            .and_then(|id| ctx.store.get::<Instance>(id))
            .filter(|instance| !instance.phase.is_ending())
            .cloned();
        let now = ctx.now;
        ctx.store.update::<SpotRequest>(id, |request| {
            "cancelled".clone_into(&mut request.state);
            request.updated = now;
            request.status = match &instance {
                Some(_) => status(
                    "request-canceled-and-instance-running",
                    "Your Spot request is canceled, but your Spot Instance is still running.",
                ),
                None => status(
                    "canceled-before-fulfillment",
                    "Your Spot request is canceled.",
                ),
            };
        });
        if let Some(instance) = instance
            && matches!(instance.phase, Phase::Stopped | Phase::Stopping)
        {
            lifecycle::begin_termination(ctx, &instance.id, "Server.SpotInstanceTermination");
        }
        rows.push((request.id, "cancelled".to_owned()));
    }
    x.items("spotInstanceRequestSet", rows, |x, (id, state)| {
        x.el("spotInstanceRequestId", id).el("state", state);
    });
    Ok(())
}

/// Whether the request of an instance lets a user stop it.
pub(super) fn check_stoppable(ctx: &Ctx<'_>, instance: &Instance) -> ApiResult {
    let Some(request) = instance
        .spot_request
        .as_ref()
        .and_then(|id| ctx.store.get::<SpotRequest>(id))
    else {
        return Ok(());
    };
    if request.persistent && request.state != "cancelled" {
        return Ok(());
    }
    Err(ApiError::unsupported(format!(
        "You can't stop the Spot Instance '{}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.",
        instance.id
    )))
}
