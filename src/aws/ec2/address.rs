//! Elastic IPs. Their allocation is their id.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Address, DomainType, Filter, ResourceType};

use super::tags;
use crate::aws::answer::{Done, born, done, gone, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, is_of, sighted};
use crate::inventory::{Seen, SeenAddress, Sighting};
use crate::model::{CloudId, Failure, Ref, Stamp};
use crate::port::Scope;

/// Reads all addresses, for they are few and their number counts against a quota; keeps the lab's. Also says how
/// many there are.
pub(in crate::aws) async fn read(
    ec2: &Client,
    scope: &Scope,
) -> Result<(Vec<Sighting>, usize), Failure> {
    let answer = ec2
        .describe_addresses()
        .send()
        .await
        .map_err(failed("DescribeAddresses"))?;
    let all = answer.addresses();
    let own = all
        .iter()
        .filter(|address| is_of(&tags::of(address.tags()), scope.lab.as_ref()));
    Ok((own.filter_map(sighting).collect(), all.len()))
}

/// The addresses that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let answer = ec2
        .describe_addresses()
        .filters(filter)
        .send()
        .await
        .map_err(failed("DescribeAddresses"))?;
    Ok(answer.addresses().iter().filter_map(sighting).collect())
}

fn sighting(address: &Address) -> Option<Sighting> {
    let seen = SeenAddress {
        public_ip: address.public_ip().map(str::to_owned),
        instance: cloud_id(address.instance_id()),
        association: cloud_id(address.association_id()),
    };
    Some(sighted(
        address.allocation_id()?,
        tags::of(address.tags()),
        None,
        Seen::ElasticIp(seen),
    ))
}

pub(in crate::aws) async fn allocate(ec2: &Client, stamp: &Stamp) -> Done {
    let answer = ec2
        .allocate_address()
        .domain(DomainType::Vpc)
        .tag_specifications(tags::specification(ResourceType::ElasticIp, &stamp.tags))
        .send()
        .await
        .map_err(failed("AllocateAddress"))?;
    Ok(born(
        named(answer.allocation_id(), "AllocateAddress")?,
        None,
    ))
}

/// Associates, never taking the address from another instance: EC2's own default would.
pub(in crate::aws) async fn associate(ec2: &Client, allocation: &Ref, instance: &Ref) -> Done {
    ec2.associate_address()
        .allocation_id(id(allocation, "AssociateAddress")?)
        .instance_id(id(instance, "AssociateAddress")?)
        .allow_reassociation(false)
        .send()
        .await
        .map_err(failed("AssociateAddress"))?;
    Ok(done())
}

pub(in crate::aws) async fn disassociate(ec2: &Client, association: &CloudId) -> Done {
    let call = ec2
        .disassociate_address()
        .association_id(association.as_str());
    gone(call.send().await.map_err(failed("DisassociateAddress")))
}

pub(in crate::aws) async fn release(ec2: &Client, allocation: &str) -> Done {
    let call = ec2.release_address().allocation_id(allocation);
    gone(call.send().await.map_err(failed("ReleaseAddress")))
}
