//! What stands in the way of a change: data in another zone, a blocked neighbour, a name that is taken, a machine that
//! must not go; and what goes for good where nothing does.

use std::collections::BTreeMap;

use super::input::Input;
use super::judged::{Judged, zone_of};
use super::places::{Place, Places};
use crate::inventory::{Inventory, Owner, Seen, Sighting};
use crate::lab::{Lab, Resource};
use crate::model::{Action, Address, BlockReason, Kind, Loss, Op, Ref, Spec, TAG_PROTECT, Zone};
use crate::state::Recorded;

/// For each node the zones of the data volumes that it is to have and that exist, each with one of them.
pub(super) fn homes<'a>(
    input: &Input<'a>,
    places: &Places<'a>,
) -> BTreeMap<&'a Address, BTreeMap<Zone, &'a Address>> {
    let mut homes: BTreeMap<&Address, BTreeMap<Zone, &Address>> = BTreeMap::new();
    for (address, resource) in &input.lab.resources {
        let Spec::Volume(volume) = &resource.spec else {
            continue;
        };
        let seen = places.get(address).and_then(|seen| seen.first());
        let zone = seen.and_then(|place| zone_of(place.sighting));
        if let (Ref::Managed(node), Some(zone)) = (&volume.node, zone) {
            homes.entry(node).or_default().insert(zone, address);
        }
    }
    homes
}

/// Why a machine that is to be made cannot be: its data is where none of its choices is.
pub(super) fn homeless(
    decided: &Judged<'_>,
    resource: &Resource,
    home: &BTreeMap<Zone, &Address>,
) -> Option<BlockReason> {
    let Spec::Instance(spec) = &resource.spec else {
        return None;
    };
    if !matches!(decided.change.action, Action::Create | Action::Replace) {
        return None;
    }
    let mut zones = home.iter();
    let (zone, volume) = zones.next()?;
    if let Some((other, second)) = zones.next() {
        return Some(BlockReason::Impossible(format!(
            "its data is in two zones: {volume} in {zone}, {second} in {other}"
        )));
    }
    let reachable = spec.launch.ladder.iter().any(|rung| rung.zone == *zone);
    (!reachable).then(|| {
        BlockReason::Impossible(format!(
            "its data, {volume}, is in {zone}, and none of its choices is: allow that zone, or take the volume out \
             of the profile"
        ))
    })
}

/// A resource that this one needs and that is blocked without an id, if there is.
pub(super) fn first_blocked(
    resource: &Resource,
    judged: &BTreeMap<Address, Judged<'_>>,
) -> Option<Address> {
    resource
        .after
        .iter()
        .find(|address| judged.get(*address).is_some_and(is_unusable))
        .cloned()
}

fn is_unusable(judged: &Judged<'_>) -> bool {
    judged.change.action == Action::Blocked && judged.change.id.is_none()
}

/// Something that a mending operation refers to and that is blocked without an id, if there is.
pub(super) fn out_of_reach(
    fixes: &[Op],
    judged: &BTreeMap<Address, Judged<'_>>,
) -> Option<Address> {
    fixes.iter().find_map(|op| {
        let mut op = op.clone();
        let refs = op.refs_mut().into_iter();
        refs.filter_map(|reference| match reference {
            Ref::Managed(address) => Some(address.clone()),
            Ref::Existing(_) => None,
        })
        .find(|address| judged.get(address).is_some_and(is_unusable))
    })
}

/// Something that stands in the way of making a resource and is not this lab's: it has the name that the resource
/// must have, or it is the very thing, with the tags of another lab.
pub(super) fn taken(input: &Input<'_>, spec: &Spec, recorded: Option<&Recorded>) -> Option<String> {
    let whose = |sighting: &Sighting, what: &str| match &sighting.owner {
        Owner::Lab { id, .. } => format!("{what} belongs to lab {id}"),
        Owner::Foreign => format!("{what} exists and is not this lab's"),
    };
    let of_kind = |kind: Kind| {
        let all = input.observed.sightings.iter();
        all.filter(move |s| s.seen.kind() == kind && !s.is_gone())
    };
    let gone_over = recorded.and_then(|recorded| {
        of_kind(recorded.kind).find(|s| {
            s.id == recorded.id && matches!(&s.owner, Owner::Lab { id, .. } if *id != input.lab.id)
        })
    });
    if let Some(sighting) = gone_over {
        return Some(whose(sighting, sighting.id.as_str()));
    }
    let (kind, name) = match spec {
        Spec::Role(spec) => (Kind::Role, &spec.name),
        Spec::InstanceProfile(spec) => (Kind::InstanceProfile, &spec.name),
        Spec::KeyPair(spec) => (Kind::KeyPair, &spec.name),
        Spec::PlacementGroup(spec) => (Kind::PlacementGroup, &spec.name),
        _ => return None,
    };
    // One of the lab's own that has moved away keeps its name.
    let moved_away = |s: &&Sighting| {
        kind == Kind::PlacementGroup
            && matches!(&s.owner, Owner::Lab { id, .. } if *id == input.lab.id)
    };
    of_kind(kind)
        .find(|s| s.id.as_str() == name && !moved_away(s))
        .map(|sighting| whose(sighting, name))
}

/// Whether this is an alarm or dashboard that the lab has let go of: it has the name, and is left alone with it. Whoever
/// deletes it gets a new one.
pub(super) fn is_let_go(observed: &Inventory, spec: &Spec) -> bool {
    let (kind, name) = match spec {
        Spec::Alarm(spec) => (Kind::Alarm, &spec.name),
        Spec::Dashboard(spec) => (Kind::Dashboard, &spec.name),
        _ => return false,
    };
    let mut all = observed.sightings.iter();
    all.any(|s| s.seen.kind() == kind && s.id.as_str() == name && s.owner == Owner::Foreign)
}

/// Why a machine must not be deleted, if it must not: the profile says so, or it said so before its group went.
pub(super) fn guard(lab: &Lab, address: &Address, sighting: &Sighting) -> Option<String> {
    sighting.instance()?;
    if let Some(line) = lab.guard_of(address) {
        return Some(format!("line {line} of the profile"));
    }
    let guarded = sighting.tags.get(TAG_PROTECT).map(String::as_str) == Some("true");
    (guarded && !lab.has_group_of(address))
        .then(|| "the profile said so when it still had its group".to_owned())
}

/// Why something must not be replaced, if it must not.
pub(super) fn irreplaceable(spec: &Spec) -> Option<BlockReason> {
    match spec {
        Spec::Volume(_) => Some(BlockReason::Impossible(
            "a data volume is never replaced: its data would go".to_owned(),
        )),
        _ => None,
    }
}

/// What goes for good with something.
pub(super) fn losses(sighting: &Sighting) -> Vec<Loss> {
    match &sighting.seen {
        Seen::Instance(seen) => {
            let mut losses = vec![Loss("the root volume and all on it".to_owned())];
            losses.extend(
                seen.private_ip
                    .as_ref()
                    .map(|ip| Loss(format!("the private address {ip}"))),
            );
            losses
        }
        Seen::Volume(seen) => vec![Loss(format!(
            "{} GiB of data",
            seen.size_gib.unwrap_or_default()
        ))],
        Seen::ElasticIp(seen) => seen
            .public_ip
            .iter()
            .map(|ip| Loss(format!("the address {ip}")))
            .collect(),
        _ => Vec::new(),
    }
}

/// Why several things cannot have one address.
pub(super) fn too_many(several: &[Place<'_>]) -> BlockReason {
    let ids = |moved: bool| {
        let of_kind = several.iter().filter(|place| place.moved == moved);
        of_kind
            .map(|place| place.sighting.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let old: Vec<String> = several
        .iter()
        .filter_map(from)
        .map(|address| address.to_string())
        .collect();
    if old.is_empty() {
        BlockReason::Ambiguous(ids(false))
    } else {
        let (moving, there) = (ids(true), ids(false));
        let there = if there.is_empty() {
            "more than one is moved here".to_owned()
        } else {
            format!("{there} is here already")
        };
        BlockReason::Occupied(format!(
            "{} ({moving}) cannot move here: {there}",
            old.join(", ")
        ))
    }
}

/// Where something stood before it moved.
pub(super) fn from(place: &Place<'_>) -> Option<Address> {
    match &place.sighting.owner {
        Owner::Lab { address, .. } if place.moved => address.clone(),
        _ => None,
    }
}
