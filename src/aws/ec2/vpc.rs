//! VPCs.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, ResourceType, Vpc, VpcAttributeName};

use super::tags;
use crate::aws::answer::{Done, born, done, gone, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{is_of, sighted};
use crate::inventory::{Seen, SeenVpc, Sighting};
use crate::model::{Failure, Ref, Stamp};
use crate::port::Scope;

/// The most VPCs that one page may hold.
const PAGE: i32 = 1000;

/// Reads all VPCs, for they are few and their number counts against a quota; keeps the lab's and the one it uses.
/// Also says how many there are.
pub(in crate::aws) async fn read(
    ec2: &Client,
    scope: &Scope,
) -> Result<(Vec<Sighting>, usize), Failure> {
    let all = ec2
        .describe_vpcs()
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<Vpc>, _>>()
        .await
        .map_err(failed("DescribeVpcs"))?;
    let mut sightings = Vec::new();
    for vpc in &all {
        let Some(id) = vpc.vpc_id() else { continue };
        let tags = tags::of(vpc.tags());
        let own = is_of(&tags, scope.lab.as_ref());
        let used = scope.vpc.as_ref().is_some_and(|used| used.as_str() == id);
        if !own && !used {
            continue;
        }
        let seen = SeenVpc {
            cidr: vpc.cidr_block().and_then(|cidr| cidr.parse().ok()),
            dns_hostnames: if own && scope.lab.is_some() {
                dns_hostnames(ec2, id).await?
            } else {
                None
            },
        };
        sightings.push(sighted(id, tags, None, Seen::Vpc(seen)));
    }
    Ok((sightings, all.len()))
}

/// The VPCs that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let answer = ec2
        .describe_vpcs()
        .filters(filter)
        .send()
        .await
        .map_err(failed("DescribeVpcs"))?;
    let mut found = Vec::new();
    for vpc in answer.vpcs() {
        let Some(id) = vpc.vpc_id() else { continue };
        let seen = SeenVpc {
            cidr: vpc.cidr_block().and_then(|cidr| cidr.parse().ok()),
            dns_hostnames: dns_hostnames(ec2, id).await?,
        };
        found.push(sighted(id, tags::of(vpc.tags()), None, Seen::Vpc(seen)));
    }
    Ok(found)
}

async fn dns_hostnames(ec2: &Client, vpc: &str) -> Result<Option<bool>, Failure> {
    let answer = ec2
        .describe_vpc_attribute()
        .vpc_id(vpc)
        .attribute(VpcAttributeName::EnableDnsHostnames)
        .send()
        .await
        .map_err(failed("DescribeVpcAttribute"))?;
    Ok(answer
        .enable_dns_hostnames()
        .and_then(AttributeBooleanValue::value))
}

pub(in crate::aws) async fn create(ec2: &Client, cidr: String, stamp: &Stamp) -> Done {
    let answer = ec2
        .create_vpc()
        .cidr_block(cidr)
        .tag_specifications(tags::specification(ResourceType::Vpc, &stamp.tags))
        .send()
        .await
        .map_err(failed("CreateVpc"))?;
    let id = named(answer.vpc().and_then(Vpc::vpc_id), "CreateVpc")?;
    Ok(born(id, None))
}

pub(in crate::aws) async fn enable_dns_hostnames(ec2: &Client, vpc: &Ref) -> Done {
    ec2.modify_vpc_attribute()
        .vpc_id(id(vpc, "ModifyVpcAttribute")?)
        .enable_dns_hostnames(AttributeBooleanValue::builder().value(true).build())
        .send()
        .await
        .map_err(failed("ModifyVpcAttribute"))?;
    Ok(done())
}

pub(in crate::aws) async fn delete(ec2: &Client, vpc: &str) -> Done {
    gone(
        ec2.delete_vpc()
            .vpc_id(vpc)
            .send()
            .await
            .map_err(failed("DeleteVpc")),
    )
}
