//! How the scenario's faults strike a call before it does anything.

use super::call::{Broken, Call, Service, refusal};
use super::context::Ctx;
use super::scenario::{FaultKind, Situation};
use super::wire::ApiError;
use super::wire::Response;

/// errors-overview, "Server error codes".
pub(super) fn throttled() -> ApiError {
    ApiError::with_status(503, "RequestLimitExceeded", "Request limit exceeded.")
}

/// The faults that strike before anything happens.
pub(super) fn strike_before(
    ctx: &mut Ctx<'_>,
    call: &Call,
    number: u64,
) -> Result<Option<Response>, Broken> {
    let situation = Situation {
        action: &call.action,
        ..Situation::default()
    };
    let ec2 = call.service == Service::Ec2;
    if ctx.faults.fire(FaultKind::Refused, &situation).is_some() {
        return Err(Broken::Refused);
    }
    for kind in [
        FaultKind::Expired,
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Denied,
        FaultKind::Error,
    ] {
        let Some(rule) = ctx.faults.fire(kind, &situation) else {
            continue;
        };
        let (status, code, message) = match kind {
            FaultKind::Expired if ec2 => (400, "RequestExpired", "Request has expired."),
            FaultKind::Expired => (
                403,
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            FaultKind::Throttle if ec2 => (503, "RequestLimitExceeded", "Request limit exceeded."),
            // S3 API Reference, "Error responses".
            FaultKind::Throttle if call.service == Service::S3 => {
                (503, "SlowDown", "Please reduce your request rate.")
            }
            FaultKind::Throttle if call.json.is_null() => (400, "Throttling", "Rate exceeded"),
            FaultKind::Throttle => (400, "ThrottlingException", "Rate exceeded"),
            FaultKind::ServerError => (500, "InternalError", "An internal error has occurred"),
            FaultKind::Denied if ec2 => (
                403,
                "UnauthorizedOperation",
                "You are not authorized to perform this operation.",
            ),
            FaultKind::Denied => (
                403,
                "AccessDenied",
                "User is not authorized to perform this operation",
            ),
            _ => (
                rule.status.unwrap_or(400),
                "Error",
                "A fault of the scenario",
            ),
        };
        let error = ApiError::with_status(
            status,
            rule.code.as_deref().unwrap_or(code),
            rule.message.as_deref().unwrap_or(message),
        );
        return Ok(Some(refusal(call.service, &error, number)));
    }
    Ok(None)
}

/// Whether a page is left empty although more follows: only where pages are asked for.
pub(super) fn empty_page(ctx: &mut Ctx<'_>, call: &Call) -> bool {
    let paged = ["MaxResults", "NextToken"]
        .iter()
        .any(|name| call.params.text(name).is_some());
    let situation = Situation {
        action: &call.action,
        ..Situation::default()
    };
    paged && ctx.faults.fire(FaultKind::EmptyPage, &situation).is_some()
}
