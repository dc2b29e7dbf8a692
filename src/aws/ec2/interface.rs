//! Network interfaces: read only, to say what keeps a network from being deleted.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceAttachment};

use super::tags;
use crate::aws::classify::failed;
use crate::aws::sight::cloud_id;
use crate::inventory::Interface;
use crate::model::{CloudId, Failure};

/// The most interfaces that one page may hold.
const PAGE: i32 = 1000;

pub(in crate::aws) async fn read(ec2: &Client, vpc: &CloudId) -> Result<Vec<Interface>, Failure> {
    let found = ec2
        .describe_network_interfaces()
        .filters(tags::filter("vpc-id", [vpc.as_str()]))
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<NetworkInterface>, _>>()
        .await
        .map_err(failed("DescribeNetworkInterfaces"))?;
    let mut interfaces: Vec<_> = found.iter().filter_map(seen).collect();
    interfaces.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(interfaces)
}

fn seen(interface: &NetworkInterface) -> Option<Interface> {
    let managed = interface.requester_managed() == Some(true);
    Some(Interface {
        id: cloud_id(interface.network_interface_id())?,
        description: interface.description().unwrap_or_default().to_owned(),
        subnet: cloud_id(interface.subnet_id()),
        instance: interface
            .attachment()
            .and_then(NetworkInterfaceAttachment::instance_id)
            .and_then(|id| cloud_id(Some(id))),
        requester: interface
            .requester_id()
            .filter(|_| managed)
            .map(str::to_owned),
    })
}
