//! Internet gateways.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InternetGateway, ResourceType};

use super::tags;
use crate::aws::answer::{Done, born, done, gone, has_code, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, sighted};
use crate::inventory::{Seen, SeenGateway, Sighting};
use crate::model::{CloudId, Failure, Ref, Stamp};
use crate::port::Scope;

/// The most gateways that one page may hold.
const PAGE: i32 = 1000;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    find(ec2, tags::lab_filter(scope.lab.as_ref())).await
}

/// The gateways that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = ec2
        .describe_internet_gateways()
        .filters(filter)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<InternetGateway>, _>>()
        .await
        .map_err(failed("DescribeInternetGateways"))?;
    Ok(found.iter().filter_map(sighting).collect())
}

fn sighting(gateway: &InternetGateway) -> Option<Sighting> {
    let seen = Seen::InternetGateway(SeenGateway {
        vpc: attached_to(gateway),
    });
    Some(sighted(
        gateway.internet_gateway_id()?,
        tags::of(gateway.tags()),
        None,
        seen,
    ))
}

fn attached_to(gateway: &InternetGateway) -> Option<CloudId> {
    gateway
        .attachments()
        .iter()
        .find_map(|attachment| cloud_id(attachment.vpc_id()))
}

pub(in crate::aws) async fn create(ec2: &Client, stamp: &Stamp) -> Done {
    let answer = ec2
        .create_internet_gateway()
        .tag_specifications(tags::specification(
            ResourceType::InternetGateway,
            &stamp.tags,
        ))
        .send()
        .await
        .map_err(failed("CreateInternetGateway"))?;
    let gateway = answer
        .internet_gateway()
        .and_then(InternetGateway::internet_gateway_id);
    Ok(born(named(gateway, "CreateInternetGateway")?, None))
}

/// Attaches. Where EC2 says that the gateway is attached already, it is looked up: it may be to this VPC.
pub(in crate::aws) async fn attach(ec2: &Client, gateway: &Ref, vpc: &Ref) -> Done {
    let gateway = id(gateway, "AttachInternetGateway")?;
    let vpc = id(vpc, "AttachInternetGateway")?;
    let result = ec2
        .attach_internet_gateway()
        .internet_gateway_id(gateway)
        .vpc_id(vpc)
        .send()
        .await
        .map_err(failed("AttachInternetGateway"));
    match result {
        Ok(_) => Ok(done()),
        Err(failure) if has_code(&failure, &["Resource.AlreadyAssociated"]) => {
            if vpc_of(ec2, gateway)
                .await?
                .is_some_and(|attached| attached.as_str() == vpc)
            {
                Ok(done())
            } else {
                Err(failure)
            }
        }
        Err(failure) => Err(failure),
    }
}

async fn vpc_of(ec2: &Client, gateway: &str) -> Result<Option<CloudId>, Failure> {
    let answer = ec2
        .describe_internet_gateways()
        .filters(tags::filter("internet-gateway-id", [gateway]))
        .send()
        .await
        .map_err(failed("DescribeInternetGateways"))?;
    Ok(answer.internet_gateways().iter().find_map(attached_to))
}

pub(in crate::aws) async fn detach(ec2: &Client, gateway: &Ref, vpc: &Ref) -> Done {
    let result = ec2
        .detach_internet_gateway()
        .internet_gateway_id(id(gateway, "DetachInternetGateway")?)
        .vpc_id(id(vpc, "DetachInternetGateway")?)
        .send()
        .await
        .map_err(failed("DetachInternetGateway"));
    match result {
        Err(failure) if has_code(&failure, &["Gateway.NotAttached"]) => Ok(done()),
        result => gone(result),
    }
}

pub(in crate::aws) async fn delete(ec2: &Client, gateway: &str) -> Done {
    let call = ec2.delete_internet_gateway().internet_gateway_id(gateway);
    gone(call.send().await.map_err(failed("DeleteInternetGateway")))
}
