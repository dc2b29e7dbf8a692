//! Which machines are launched together: like nodes with neighbouring indices share one call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::input::Input;
use super::judged::{Judged, zone_of};
use crate::model::{Action, Address, InstanceSpec, Kind, LaunchSpec, Spec, Zone};

/// How many machines one call asks for at most. RunInstances has a bucket of 5 requests refilled by 2 a second, and
/// one of 1,000 instances refilled by 2 a second: calls are the scarcer of the two up to a few hundred nodes.
const MOST_PER_CALL: u32 = 100;

/// Machines that one call launches.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    /// Their group's address.
    pub(super) group: Address,
    /// The index of the first.
    pub(super) first: u32,
    /// Their addresses.
    pub(super) nodes: Vec<Address>,
    /// What they share, with the choices that are left for them.
    pub(super) launch: Arc<LaunchSpec>,
    /// Whether fewer than all are of no use.
    pub(super) together: bool,
}

/// Batches by the address of their first node.
pub(super) type Batches = BTreeMap<Address, Batch>;

/// Groups the machines to be launched into calls.
pub(super) fn batches(input: &Input<'_>, judged: &BTreeMap<&Address, &Judged<'_>>) -> Batches {
    let mut starting: Vec<(&Address, &InstanceSpec)> = judged
        .values()
        .filter(|judged| matches!(judged.change.action, Action::Create | Action::Replace))
        .filter_map(|judged| match judged.spec {
            Some(Spec::Instance(spec)) => Some((&judged.change.address, spec)),
            _ => None,
        })
        .collect();
    starting.sort_by_key(|(_, spec)| (&spec.group, spec.index));
    let homes = homes(input, judged);
    let mut batches: Vec<Batch> = Vec::new();
    for (address, spec) in starting {
        let home = homes.get(address);
        let together = spec.launch.placement_group.is_some();
        let joins = batches.last().is_some_and(|last| {
            let next = last.first + u32::try_from(last.nodes.len()).unwrap_or(u32::MAX);
            home.is_none()
                && !comes_back(&spec.launch)
                && Arc::ptr_eq(&last.launch, &spec.launch)
                && spec.index == next
                && (together || next - last.first < MOST_PER_CALL)
        });
        if joins && let Some(last) = batches.last_mut() {
            last.nodes.push(address.clone());
        } else {
            batches.push(Batch {
                group: Address::of(&["node", spec.group.as_str()]),
                first: spec.index,
                nodes: vec![address.clone()],
                launch: home.map_or_else(
                    || Arc::clone(&spec.launch),
                    |zone| at_home(&spec.launch, zone),
                ),
                together,
            });
        }
    }
    batches
        .into_iter()
        .map(|batch| (batch.nodes[0].clone(), batch))
        .collect()
}

/// Whether EC2 may replace such a machine by itself: a persistent spot request brings another, alone and so with launch
/// index 0. Only if it was launched alone is its address the same then.
fn comes_back(launch: &LaunchSpec) -> bool {
    let spot = |rung: &crate::model::Rung| rung.market == crate::model::Market::Spot;
    launch.spot.persistent && launch.ladder.iter().any(spot)
}

/// The zones that nodes must be launched in because a data volume of theirs is there.
fn homes(input: &Input<'_>, judged: &BTreeMap<&Address, &Judged<'_>>) -> BTreeMap<Address, Zone> {
    let volumes = judged
        .values()
        .filter(|judged| judged.change.kind == Kind::Volume);
    volumes
        .filter_map(|judged| {
            let zone = judged.sighting.and_then(zone_of)?;
            match input
                .lab
                .resources
                .get(&judged.change.address)
                .map(|resource| &resource.spec)
            {
                Some(Spec::Volume(spec)) => match &spec.node {
                    crate::model::Ref::Managed(node) => Some((node.clone(), zone)),
                    crate::model::Ref::Existing(_) => None,
                },
                _ => None,
            }
        })
        .collect()
}

/// The same launch with only the choices in one zone.
fn at_home(launch: &LaunchSpec, zone: &Zone) -> Arc<LaunchSpec> {
    let ladder = launch
        .ladder
        .iter()
        .filter(|rung| rung.zone == *zone)
        .cloned()
        .collect();
    Arc::new(LaunchSpec {
        ladder,
        ..launch.clone()
    })
}

/// The addresses of all resources that a batch needs before it starts.
pub(super) fn needs<'a>(input: &Input<'a>, batch: &Batch) -> BTreeSet<&'a Address> {
    let resources = batch
        .nodes
        .first()
        .and_then(|node| input.lab.resources.get(node));
    resources
        .into_iter()
        .flat_map(|resource| &resource.after)
        .collect()
}
