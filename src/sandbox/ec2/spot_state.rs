//! What becomes of the request behind a spot instance (User Guide, spot-requests, spot-request-status).

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult};
use super::super::world::{Instance, SpotRequest};
use super::launch_spec::{LaunchSpec, SpotAsk};

/// A status code with its message.
pub(super) fn status(code: &str, message: &str) -> (String, String) {
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
