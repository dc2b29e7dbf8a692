//! Subnets.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Subnet};

use super::tags;
use crate::aws::answer::{Done, born, gone, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, sighted};
use crate::inventory::{Seen, SeenSubnet, Sighting};
use crate::model::{CloudId, Failure, FailureClass, Ref, Stamp, Zone};
use crate::port::Scope;

/// The most subnets that one page may hold.
const PAGE: i32 = 1000;

/// Reads the lab's subnets, and the existing ones that it uses.
pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    let mut found = describe(ec2, tags::lab_filter(scope.lab.as_ref())).await?;
    if !scope.subnets.is_empty() {
        found.extend(describe(ec2, by_id(&scope.subnets)).await?);
    }
    Ok(found.iter().filter_map(sighting).collect())
}

fn by_id(subnets: &BTreeSet<CloudId>) -> Filter {
    tags::filter("subnet-id", subnets.iter().map(CloudId::as_str))
}

/// The subnets that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = describe(ec2, filter).await?;
    Ok(found.iter().filter_map(sighting).collect())
}

async fn describe(ec2: &Client, filter: Filter) -> Result<Vec<Subnet>, Failure> {
    ec2.describe_subnets()
        .filters(filter)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(failed("DescribeSubnets"))
}

fn sighting(subnet: &Subnet) -> Option<Sighting> {
    let seen = SeenSubnet {
        vpc: cloud_id(subnet.vpc_id()),
        zone: subnet.availability_zone().map(Zone::new),
        cidr: subnet.cidr_block().and_then(|cidr| cidr.parse().ok()),
    };
    let tags = tags::of(subnet.tags());
    Some(sighted(subnet.subnet_id()?, tags, None, Seen::Subnet(seen)))
}

/// The zones of existing subnets; one that is not there is an error that names it.
pub(in crate::aws) async fn zones(
    ec2: &Client,
    subnets: &BTreeSet<CloudId>,
) -> Result<BTreeMap<CloudId, Zone>, Failure> {
    let zones: BTreeMap<_, _> = describe(ec2, by_id(subnets))
        .await?
        .iter()
        .filter_map(|s| {
            Some((
                CloudId::new(s.subnet_id()?),
                Zone::new(s.availability_zone()?),
            ))
        })
        .collect();
    match subnets.iter().find(|subnet| !zones.contains_key(subnet)) {
        Some(missing) => Err(Failure::local(
            FailureClass::NotFound,
            "DescribeSubnets",
            format!("there is no subnet {missing} in this region"),
        )),
        None => Ok(zones),
    }
}

pub(in crate::aws) async fn create(
    ec2: &Client,
    vpc: &Ref,
    zone: &Zone,
    cidr: String,
    stamp: &Stamp,
) -> Done {
    let answer = ec2
        .create_subnet()
        .vpc_id(id(vpc, "CreateSubnet")?)
        .availability_zone(zone.as_str())
        .cidr_block(cidr)
        .tag_specifications(tags::specification(ResourceType::Subnet, &stamp.tags))
        .send()
        .await
        .map_err(failed("CreateSubnet"))?;
    let id = named(answer.subnet().and_then(Subnet::subnet_id), "CreateSubnet")?;
    Ok(born(id, Some(zone.clone())))
}

pub(in crate::aws) async fn delete(ec2: &Client, subnet: &str) -> Done {
    gone(
        ec2.delete_subnet()
            .subnet_id(subnet)
            .send()
            .await
            .map_err(failed("DeleteSubnet")),
    )
}
