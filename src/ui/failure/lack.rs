//! Quotas and capacity.

use super::types::{Advice, Circumstances};
use crate::catalog;
use crate::model::{Failure, InstanceType, Market, QuotaCode, UsageClass};

pub(super) fn capacity() -> Advice {
    Advice::new("AWS has no free machine of these types in any zone that was tried.")
        .say("Add a type to `types`, or another zone; both are tried in order, within seconds.")
        .say("Capacity comes and goes: the same command may succeed later.")
}

pub(super) fn spot_price() -> Advice {
    Advice::new("The spot price is above `max_price`.").say(
        "Raise it or leave it out: without it the most that is ever paid is the on-demand price.",
    )
}

pub(super) fn quota(code: &str, failure: &Failure, circumstances: &Circumstances<'_>) -> Advice {
    let limit = limit_in(&failure.message);
    match (code, circumstances.launch) {
        ("AddressLimitExceeded", _) => increase(QuotaCode::ELASTIC_IPS, None, limit, circumstances)
            .say("Or set `elastic_ip = false`: a node then gets a new address at each start."),
        ("VpcLimitExceeded", _) => increase(QuotaCode::VPCS, None, limit, circumstances)
            .say("Or name an existing network: `vpc` and `subnets` under `[network]`."),
        ("VcpuLimitExceeded" | "InstanceLimitExceeded", Some((instance_type, _, count))) => {
            vcpus(instance_type, Market::OnDemand, count, limit, circumstances)
        }
        ("MaxSpotInstanceCountExceeded", Some((instance_type, _, count))) => {
            vcpus(instance_type, Market::Spot, count, limit, circumstances)
        }
        _ => Advice::new("A quota of this account is used up.").type_this(format!(
            "aws service-quotas list-service-quotas --service-code ec2 --region {}",
            circumstances.region
        )),
    }
}

fn vcpus(
    instance_type: &InstanceType,
    market: Market,
    count: u32,
    limit: Option<u32>,
    circumstances: &Circumstances<'_>,
) -> Advice {
    let quota = QuotaCode::vcpus(UsageClass::of(instance_type.as_str()), market);
    let need = catalog::instance_type(instance_type).map(|facts| facts.vcpus.saturating_mul(count));
    increase(quota, need, limit, circumstances)
        .say("AWS decides on the request, often within a day; a new account begins with 0 for GPU types.")
}

/// Asks for what there is and what is needed besides.
fn increase(
    quota: QuotaCode,
    need: Option<u32>,
    limit: Option<u32>,
    circumstances: &Circumstances<'_>,
) -> Advice {
    let wanted = limit
        .unwrap_or(quota.default)
        .saturating_add(need.unwrap_or(quota.default.max(1)));
    let needs = need.map_or_else(String::new, |need| {
        format!(" This launch needs {need} vCPUs.")
    });
    let has = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    Advice::new(format!("The quota \"{}\"{has} is used up.{needs}", quota.name)).type_this(format!(
        "aws service-quotas request-service-quota-increase --service-code {} --quota-code {} --desired-value {wanted} --region {}",
        quota.service, quota.code, circumstances.region
    ))
}

/// The limit that EC2 names in its message.
fn limit_in(message: &str) -> Option<u32> {
    let (_, after) = message.split_once("limit of ")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
