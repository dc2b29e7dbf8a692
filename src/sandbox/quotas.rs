//! Service Quotas: what the scenario sets, and AWS's defaults.

use serde_json::{Value, json};

use crate::model::{Market, QuotaCode, UsageClass};

use super::ACCOUNT;
use super::context::Ctx;
use super::wire::{ApiError, ApiResult};

/// What an account of the sandbox may run unless the scenario says otherwise: enough for any test, on both markets.
const GENEROUS_VCPUS: u64 = 100_000;

/// The quotas that the sandbox enforces, with the value of an account nobody restricted.
fn known(service: &str, code: &str) -> Option<(QuotaCode, u64)> {
    use Market::{OnDemand, Spot};
    let fixed = [
        (
            QuotaCode::ELASTIC_IPS,
            QuotaCode::ELASTIC_IPS.default.into(),
        ),
        (QuotaCode::VPCS, QuotaCode::VPCS.default.into()),
    ];
    [
        UsageClass::G,
        UsageClass::P,
        UsageClass::P5,
        UsageClass::Standard,
    ]
    .into_iter()
    .flat_map(|class| [(class, OnDemand), (class, Spot)])
    .map(|(class, market)| (QuotaCode::vcpus(class, market), GENEROUS_VCPUS))
    .chain(fixed)
    .find(|(quota, _)| quota.service == service && quota.code == code)
}

/// The value that is in force for a quota.
pub(crate) fn applied(ctx: &Ctx<'_>, quota: &QuotaCode) -> u64 {
    let generous = known(quota.service, quota.code).map_or(u64::MAX, |(_, value)| value);
    ctx.quota(quota.code, generous)
}

/// Performs an action (Service Quotas API Reference: GetServiceQuota, GetAWSDefaultServiceQuota).
pub(crate) fn perform(ctx: &mut Ctx<'_>, input: &Value) -> ApiResult<Value> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    let (service, code) = (text("ServiceCode"), text("QuotaCode"));
    let missing = || {
        ApiError::new(
            "NoSuchResourceException",
            "The request failed because the specified service quota does not exist.",
        )
    };
    let (quota, _) = known(service, code).ok_or_else(missing)?;
    let value = match ctx.action {
        "GetServiceQuota" => applied(ctx, &quota),
        "GetAWSDefaultServiceQuota" => quota.default.into(),
        other => {
            return Err(ApiError::new(
                "UnknownOperationException",
                format!("the sandbox does not speak the Service Quotas action {other}"),
            ));
        }
    };
    Ok(json!({"Quota": {
        "ServiceCode": service,
        "ServiceName": if service == "ec2" {
            "Amazon Elastic Compute Cloud (Amazon EC2)"
        } else {
            "Amazon Virtual Private Cloud (Amazon VPC)"
        },
        "QuotaArn": format!("arn:aws:servicequotas:{}:{ACCOUNT}:{service}/{code}", ctx.region),
        "QuotaCode": code,
        "QuotaName": quota.name,
        "Value": f64::from(u32::try_from(value).unwrap_or(u32::MAX)),
        "Unit": "None",
        "Adjustable": true,
        "GlobalQuota": false,
    }}))
}
