//! The spot market: prices, and requests that outlive their instances.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{SpotInstanceRequest, SpotPrice};
use jiff::Timestamp;

use super::tags;
use crate::aws::answer::{Done, done, gone};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, moment};
use crate::model::{CloudId, Failure, InstanceType, Stamp, TAG_LAB, TAG_LAB_ID, Usd, Zone};

/// Requests per page.
const PAGE: i32 = 1000;

/// How EC2 names Linux: newer accounts see the first, older ones the second.
const LINUX: [&str; 2] = ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"];

/// The price of each type in each zone at `now`: a history that starts now begins with the price in force.
pub(in crate::aws) async fn prices(
    ec2: &Client,
    types: &BTreeSet<InstanceType>,
    now: Timestamp,
) -> Result<BTreeMap<(InstanceType, Zone), Usd>, Failure> {
    let names = types.iter().map(|kind| kind.as_str().into()).collect();
    let history = ec2
        .describe_spot_price_history()
        .set_instance_types(Some(names))
        .set_product_descriptions(Some(LINUX.map(str::to_owned).to_vec()))
        .start_time(DateTime::from_secs(now.as_second()))
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<SpotPrice>, _>>()
        .await
        .map_err(failed("DescribeSpotPriceHistory"))?;
    Ok(latest(&history))
}

fn latest(history: &[SpotPrice]) -> BTreeMap<(InstanceType, Zone), Usd> {
    let mut prices: BTreeMap<(InstanceType, Zone), (Option<Timestamp>, Usd)> = BTreeMap::new();
    for entry in history {
        let (Some(kind), Some(zone)) = (entry.instance_type(), entry.availability_zone()) else {
            continue;
        };
        let Some(dollars) = entry.spot_price().and_then(|text| text.parse::<f64>().ok()) else {
            continue;
        };
        let key = (InstanceType::new(kind.as_str()), Zone::new(zone));
        let priced = (
            entry.timestamp().and_then(moment),
            Usd::from_dollars(dollars),
        );
        let known = prices.entry(key).or_insert(priced);
        if priced.0 > known.0 {
            *known = priced;
        }
    }
    prices
        .into_iter()
        .map(|(key, (_, price))| (key, price))
        .collect()
}

/// Cancels requests, so that terminating their instances does not bring replacements.
pub(in crate::aws) async fn cancel(ec2: &Client, requests: &[CloudId]) -> Done {
    let requests = requests.iter().map(ToString::to_string).collect();
    let call = ec2
        .cancel_spot_instance_requests()
        .set_spot_instance_request_ids(Some(requests));
    gone(
        call.send()
            .await
            .map_err(failed("CancelSpotInstanceRequests")),
    )
}

/// Cancels what still stands of the requests that carry the lab's tags.
pub(in crate::aws) async fn cancel_all(ec2: &Client, stamp: &Stamp) -> Done {
    let tag = |key: &str| {
        let value = stamp.tags.get(key).map(String::as_str).unwrap_or_default();
        tags::filter(&format!("tag:{key}"), [value])
    };
    let found = ec2
        .describe_spot_instance_requests()
        .filters(tag(TAG_LAB))
        .filters(tag(TAG_LAB_ID))
        .filters(tags::filter("state", ["open", "active", "disabled"]))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<SpotInstanceRequest>, _>>()
        .await
        .map_err(failed("DescribeSpotInstanceRequests"))?;
    let requests: Vec<CloudId> = found
        .iter()
        .filter_map(|request| cloud_id(request.spot_instance_request_id()))
        .collect();
    if requests.is_empty() {
        return Ok(done());
    }
    cancel(ec2, &requests).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_price_counts() {
        let entry = |zone: &str, price: &str, at: i64| {
            SpotPrice::builder()
                .instance_type("g5.xlarge".into())
                .availability_zone(zone)
                .spot_price(price)
                .timestamp(DateTime::from_secs(at))
                .build()
        };
        let prices = latest(&[
            entry("a", "0.41", 5),
            entry("a", "0.43", 9),
            entry("b", "0.5", 1),
        ]);
        let of = |zone| prices[&(InstanceType::new("g5.xlarge"), Zone::new(zone))];
        assert_eq!(of("a"), Usd::from_dollars(0.43));
        assert_eq!(of("b"), Usd::from_dollars(0.5));
    }
}
