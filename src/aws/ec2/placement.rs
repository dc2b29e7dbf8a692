//! Cluster placement groups. Their name is their id here: it is what a launch takes.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, PlacementGroup, PlacementGroupState, PlacementStrategy, ResourceType,
};

use super::tags;
use crate::aws::answer::{Done, born, gone};
use crate::aws::classify::failed;
use crate::aws::sight::sighted;
use crate::inventory::{Seen, SeenPlacementGroup, Sighting};
use crate::model::{Failure, Stamp};
use crate::port::Scope;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    find(ec2, tags::lab_filter(scope.lab.as_ref())).await
}

/// The placement groups that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let answer = ec2
        .describe_placement_groups()
        .filters(filter)
        .send()
        .await
        .map_err(failed("DescribePlacementGroups"))?;
    Ok(answer
        .placement_groups()
        .iter()
        .filter_map(sighting)
        .collect())
}

fn sighting(group: &PlacementGroup) -> Option<Sighting> {
    let leaving = [PlacementGroupState::Deleting, PlacementGroupState::Deleted];
    if group.state().is_some_and(|state| leaving.contains(state)) {
        return None;
    }
    let seen = SeenPlacementGroup {
        strategy: group
            .strategy()
            .map(|strategy| strategy.as_str().to_owned()),
    };
    Some(sighted(
        group.group_name()?,
        tags::of(group.tags()),
        None,
        Seen::PlacementGroup(seen),
    ))
}

pub(in crate::aws) async fn create(ec2: &Client, name: &str, stamp: &Stamp) -> Done {
    ec2.create_placement_group()
        .group_name(name)
        .strategy(PlacementStrategy::Cluster)
        .tag_specifications(tags::specification(
            ResourceType::PlacementGroup,
            &stamp.tags,
        ))
        .send()
        .await
        .map_err(failed("CreatePlacementGroup"))?;
    Ok(born(name, None))
}

pub(in crate::aws) async fn delete(ec2: &Client, name: &str) -> Done {
    let call = ec2.delete_placement_group().group_name(name);
    gone(call.send().await.map_err(failed("DeletePlacementGroup")))
}
