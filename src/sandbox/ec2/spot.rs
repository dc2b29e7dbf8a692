//! Spot instance requests. They are made by `RunInstances`; the sandbox does not speak `RequestSpotInstances`, which
//! AWS discourages.

use super::super::context::Ctx;
use super::super::wire::{ApiResult, Params, Xml};
use super::super::world::{Instance, Phase, SpotRequest};
use super::lifecycle;
use super::listing::{Listed, list, maybe, one};
use super::spot_state::status;
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
