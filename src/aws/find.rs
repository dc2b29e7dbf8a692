//! Things by their ids, whoever's they are: what an import names, and what a lockfile remembers and no tag tells of.

use std::collections::{BTreeMap, BTreeSet};

use super::connect::Aws;
use super::ec2::{
    address, gateway, group, instance, key, placement, route, subnet, tags, volume, vpc,
};
use super::iam::{profile, role};
use super::patience::patiently;
use crate::inventory::Sighting;
use crate::model::{CloudId, Failure, FailureClass, Kind};

/// Half way: single reads have nobody to spread out from.
const JITTER: f64 = 0.5;
/// The most values that one filter may hold.
const FILTER_VALUES: usize = 200;

/// Looks for things by kind and id.
pub(super) async fn find(
    aws: &Aws,
    wanted: &BTreeMap<Kind, BTreeSet<CloudId>>,
) -> Result<Vec<Sighting>, Failure> {
    let mut found = Vec::new();
    for (kind, ids) in wanted {
        let ids: Vec<&str> = ids.iter().map(CloudId::as_str).collect();
        for part in ids.chunks(FILTER_VALUES) {
            let ask = || Box::pin(of_kind(aws, *kind, part)) as super::patience::Try<'_, _>;
            let answer = patiently(aws.clock.as_ref(), JITTER, ask).await;
            match answer {
                Ok(seen) => found.extend(seen),
                // Some APIs fail where a filter would only find nothing.
                Err(failure) if failure.class == FailureClass::NotFound => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(found)
}

async fn of_kind(aws: &Aws, kind: Kind, ids: &[&str]) -> Result<Vec<Sighting>, Failure> {
    let ec2 = &aws.ec2;
    let by = |name: &str| tags::filter(name, ids.iter().copied());
    match kind {
        Kind::Vpc => vpc::find(ec2, by("vpc-id")).await,
        Kind::Subnet => subnet::find(ec2, by("subnet-id")).await,
        Kind::InternetGateway => gateway::find(ec2, by("internet-gateway-id")).await,
        // A route and a tie are parts of their table, and have no filter of their own.
        Kind::RouteTable => route::find(ec2, by("route-table-id")).await,
        Kind::Route | Kind::RouteTableAssociation => Ok(Vec::new()),
        // Their names say whose they are: all that there are have been seen.
        Kind::Alarm | Kind::Dashboard => Ok(Vec::new()),
        Kind::SecurityGroup => group::find(ec2, by("group-id")).await,
        Kind::KeyPair => key::find(ec2, by("key-name")).await,
        Kind::PlacementGroup => placement::find(ec2, by("group-name")).await,
        Kind::Instance => instance::find(ec2, by("instance-id")).await,
        Kind::Volume => volume::find(ec2, by("volume-id")).await,
        Kind::ElasticIp => address::find(ec2, by("allocation-id")).await,
        Kind::Role => named(ids, |name| role::read(&aws.iam, name)).await,
        Kind::InstanceProfile => named(ids, |name| profile::read(&aws.iam, name)).await,
    }
}

async fn named<'n, F>(
    names: &[&'n str],
    read: impl Fn(&'n str) -> F,
) -> Result<Vec<Sighting>, Failure>
where
    F: Future<Output = Result<Vec<Sighting>, Failure>>,
{
    let mut found = Vec::new();
    for name in names {
        found.extend(read(name).await?);
    }
    Ok(found)
}
