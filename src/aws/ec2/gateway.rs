//! Internet gateways.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InternetGateway, ResourceType};

use super::tags;
use crate::aws::answer::{Done, born, done, gone, has_code, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, sighted};
use crate::inventory::{Seen, SeenGateway, Sighting};
use crate::model::{Failure, Ref, Stamp};
use crate::port::Scope;

/// The most gateways that one page may hold.
const PAGE: i32 = 1000;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    let found = ec2
        .describe_internet_gateways()
        .filters(tags::lab_filter(scope.lab.as_ref()))
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
    let attached = gateway
        .attachments()
        .iter()
        .find_map(|attachment| cloud_id(attachment.vpc_id()));
    let seen = Seen::InternetGateway(SeenGateway { vpc: attached });
    Some(sighted(
        gateway.internet_gateway_id()?,
        tags::of(gateway.tags()),
        None,
        seen,
    ))
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

/// Attached to this VPC already is as asked; attached to another is not.
pub(in crate::aws) async fn attach(ec2: &Client, gateway: &Ref, vpc: &Ref) -> Done {
    let vpc = id(vpc, "AttachInternetGateway")?;
    let result = ec2
        .attach_internet_gateway()
        .internet_gateway_id(id(gateway, "AttachInternetGateway")?)
        .vpc_id(vpc)
        .send()
        .await
        .map_err(failed("AttachInternetGateway"));
    match result {
        Err(failure)
            if !(has_code(&failure, &["Resource.AlreadyAssociated"])
                && failure.message.contains(vpc)) =>
        {
            Err(failure)
        }
        _ => Ok(done()),
    }
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
