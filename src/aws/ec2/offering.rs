//! Which zones offer which instance types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceTypeOffering, LocationType};

use super::tags;
use crate::aws::classify::failed;
use crate::model::{Failure, InstanceType, Zone};

/// The most offerings that one page may hold.
const PAGE: i32 = 1000;

pub(in crate::aws) async fn read(
    ec2: &Client,
    types: &BTreeSet<InstanceType>,
) -> Result<BTreeMap<InstanceType, BTreeSet<Zone>>, Failure> {
    let mut zones: BTreeMap<_, BTreeSet<_>> = types
        .iter()
        .map(|kind| (kind.clone(), BTreeSet::new()))
        .collect();
    let found = ec2
        .describe_instance_type_offerings()
        .location_type(LocationType::AvailabilityZone)
        .filters(tags::filter(
            "instance-type",
            types.iter().map(InstanceType::as_str),
        ))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<InstanceTypeOffering>, _>>()
        .await
        .map_err(failed("DescribeInstanceTypeOfferings"))?;
    for offering in &found {
        let kind = offering
            .instance_type()
            .map(|kind| InstanceType::new(kind.as_str()));
        if let (Some(kind), Some(zone)) = (kind, offering.location())
            && let Some(zones) = zones.get_mut(&kind)
        {
            zones.insert(Zone::new(zone));
        }
    }
    Ok(zones)
}
