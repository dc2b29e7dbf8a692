//! One reading of the world: every kind at once, each tried again on its own, and what cannot be read said so.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all};

use super::cloudwatch::{alarm, dashboard};
use super::connect::Aws;
use super::ec2::{
    address, gateway, group, instance, interface, key, placement, route, subnet, volume, vpc,
};
use super::iam::{profile, role};
use super::patience::{Try, patiently};
use crate::inventory::{Interface, Inventory, Owner, RegionUse, Seen, SeenAssociation, Sighting};
use crate::model::{Address, CloudId, Failure, Kind, Zone};
use crate::port::Scope;

/// What one read found.
#[derive(Default)]
struct Found {
    sightings: Vec<Sighting>,
    region_use: RegionUse,
}

impl From<Vec<Sighting>> for Found {
    fn from(sightings: Vec<Sighting>) -> Self {
        Self {
            sightings,
            region_use: RegionUse::default(),
        }
    }
}

/// One API to read, and all kinds that it tells about.
struct Read<'a> {
    kinds: &'static [Kind],
    read: Box<dyn Fn() -> Try<'a, Found> + Send + Sync + 'a>,
}

/// A read of kinds: anything that can be tried again.
macro_rules! read {
    ($kinds:expr, $call:expr) => {
        Read {
            kinds: $kinds,
            read: Box::new(move || Box::pin(async move { Ok(Found::from($call.await?)) })),
        }
    };
}

/// Reads the world.
pub(super) async fn collect(aws: &Aws, scope: &Scope) -> Inventory {
    let mut inventory = Inventory::empty(aws.clock.now());
    let reads = reads(aws, scope);
    let total = reads.len();
    let all = join_all(reads.iter().enumerate().map(|(place, read)| {
        let jitter = share(place, total);
        Box::pin(patiently(aws.clock.as_ref(), jitter, &read.read))
    }));
    let (answers, interfaces) = join(all, interfaces(aws, scope)).await;
    match interfaces {
        Ok(found) => inventory.interfaces = found,
        Err(failure) => inventory.interfaces_unread = Some(failure),
    }
    for (read, answer) in reads.iter().zip(answers) {
        match answer {
            Ok(found) => add(&mut inventory, found),
            Err(failure) => mark(&mut inventory, read.kinds, &failure),
        }
    }
    settle(&mut inventory.sightings);
    inventory.ended = aws.clock.now();
    inventory
}

/// A number in 0..1 for each reader, so that they do not come back all at once.
fn share(place: usize, total: usize) -> f64 {
    let place = u32::try_from(place).unwrap_or_default();
    let total = u32::try_from(total).unwrap_or(1).max(1);
    f64::from(place) / f64::from(total)
}

fn reads<'a>(aws: &'a Aws, scope: &'a Scope) -> Vec<Read<'a>> {
    let (ec2, iam) = (&aws.ec2, &aws.iam);
    let mut reads = vec![
        Read {
            kinds: &[Kind::Vpc],
            read: Box::new(move || Box::pin(vpcs(aws, scope))),
        },
        Read {
            kinds: &[Kind::ElasticIp],
            read: Box::new(move || Box::pin(addresses(aws, scope))),
        },
        read!(&[Kind::Subnet], subnet::read(ec2, scope)),
        read!(&[Kind::InternetGateway], gateway::read(ec2, scope)),
        read!(
            &[Kind::RouteTable, Kind::Route, Kind::RouteTableAssociation],
            route::read(ec2, scope)
        ),
        read!(&[Kind::SecurityGroup], group::read(ec2, scope)),
        read!(&[Kind::KeyPair], key::read(ec2, scope)),
        read!(&[Kind::Instance], instance::read(ec2, scope)),
        read!(&[Kind::Volume], volume::read(ec2, scope)),
    ];
    if scope.placement_groups {
        reads.push(read!(&[Kind::PlacementGroup], placement::read(ec2, scope)));
    }
    if let Some(names) = &scope.watch {
        let cloudwatch = &aws.cloudwatch;
        reads.push(read!(&[Kind::Alarm], alarm::read(cloudwatch, names)));
        reads.push(read!(
            &[Kind::Dashboard],
            dashboard::read(cloudwatch, names)
        ));
    }
    reads.extend(
        scope
            .roles
            .iter()
            .map(|name| read!(&[Kind::Role], role::read(iam, name))),
    );
    reads.extend(
        scope
            .instance_profiles
            .iter()
            .map(|name| read!(&[Kind::InstanceProfile], profile::read(iam, name))),
    );
    reads
}

/// What stands in the lab's own VPC, whoever's it is.
async fn interfaces(aws: &Aws, scope: &Scope) -> Result<Vec<Interface>, Failure> {
    let Some(vpc) = &scope.own_vpc else {
        return Ok(Vec::new());
    };
    patiently(aws.clock.as_ref(), 1.0, || {
        Box::pin(interface::read(&aws.ec2, vpc)) as Try<'_, _>
    })
    .await
}

async fn vpcs(aws: &Aws, scope: &Scope) -> Result<Found, Failure> {
    let (sightings, all) = vpc::read(&aws.ec2, scope).await?;
    let vpcs = u32::try_from(all).unwrap_or(u32::MAX);
    Ok(Found {
        sightings,
        region_use: RegionUse {
            vpcs,
            ..RegionUse::default()
        },
    })
}

async fn addresses(aws: &Aws, scope: &Scope) -> Result<Found, Failure> {
    let (sightings, all) = address::read(&aws.ec2, scope).await?;
    let elastic_ips = u32::try_from(all).unwrap_or(u32::MAX);
    Ok(Found {
        sightings,
        region_use: RegionUse {
            elastic_ips,
            ..RegionUse::default()
        },
    })
}

fn add(inventory: &mut Inventory, found: Found) {
    inventory.sightings.extend(found.sightings);
    inventory.region_use.vpcs += found.region_use.vpcs;
    inventory.region_use.elastic_ips += found.region_use.elastic_ips;
}

fn mark(inventory: &mut Inventory, kinds: &[Kind], failure: &Failure) {
    for kind in kinds {
        inventory
            .unreadable
            .entry(*kind)
            .or_insert_with(|| failure.clone());
    }
}

/// Gives ties their addresses and puts everything in one order, each thing once.
fn settle(sightings: &mut Vec<Sighting>) {
    let zones: BTreeMap<CloudId, Zone> = sightings
        .iter()
        .filter_map(|sighting| match &sighting.seen {
            Seen::Subnet(subnet) => Some((sighting.id.clone(), subnet.zone.clone()?)),
            _ => None,
        })
        .collect();
    for sighting in sightings.iter_mut() {
        if let Seen::RouteTableAssociation(tie) = &sighting.seen {
            let address = tie_address(tie, &zones);
            if let Owner::Lab { address: at, .. } = &mut sighting.owner {
                *at = address;
            }
        }
    }
    sightings.sort_by(|a, b| (a.seen.kind(), &a.id).cmp(&(b.seen.kind(), &b.id)));
    sightings.dedup_by(|a, b| a.seen.kind() == b.seen.kind() && a.id == b.id);
}

/// A tie is known by its subnet's zone; without the subnet it has no address.
fn tie_address(tie: &SeenAssociation, zones: &BTreeMap<CloudId, Zone>) -> Option<Address> {
    let zone = zones.get(&tie.subnet)?;
    Some(Address::of(&[
        "network",
        "route-table-association",
        zone.as_str(),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::SeenSubnet;
    use crate::model::{FailureClass, LabId, Tags};

    fn owned(id: &str, seen: Seen) -> Sighting {
        let owner = Owner::Lab {
            name: "twin".to_owned(),
            id: LabId::new("x1"),
            address: None,
            run: None,
        };
        Sighting {
            id: CloudId::new(id),
            owner,
            tags: Tags::new(),
            created: None,
            seen,
        }
    }

    #[test]
    fn a_tie_is_known_by_its_subnets_zone() {
        let subnet = SeenSubnet {
            vpc: None,
            zone: Some(Zone::new("eu-central-1a")),
            cidr: None,
        };
        let tie = |subnet: &str| {
            Seen::RouteTableAssociation(SeenAssociation {
                table: CloudId::new("rtb-1"),
                subnet: CloudId::new(subnet),
            })
        };
        let mut sightings = vec![
            owned("rtbassoc-2", tie("subnet-9")),
            owned("rtbassoc-1", tie("subnet-1")),
            owned("subnet-1", Seen::Subnet(subnet.clone())),
            owned("subnet-1", Seen::Subnet(subnet)),
        ];
        settle(&mut sightings);
        let seen: Vec<_> = sightings
            .iter()
            .map(|s| match &s.owner {
                Owner::Lab { address, .. } => {
                    (s.id.as_str(), address.as_ref().map(Address::as_str))
                }
                Owner::Foreign => (s.id.as_str(), None),
            })
            .collect();
        let zone_a = Some("network.route-table-association.eu-central-1a");
        assert_eq!(
            seen,
            [
                ("subnet-1", None),
                ("rtbassoc-1", zone_a),
                ("rtbassoc-2", None)
            ]
        );
    }

    #[test]
    fn a_failed_read_marks_all_its_kinds() {
        let mut inventory = Inventory::empty(jiff::Timestamp::UNIX_EPOCH);
        let failure = Failure::local(FailureClass::Permission, "DescribeRouteTables", "no");
        mark(&mut inventory, &[Kind::RouteTable, Kind::Route], &failure);
        assert_eq!(inventory.unreadable.len(), 2);
    }
}
