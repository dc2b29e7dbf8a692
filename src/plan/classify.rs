//! The three-way comparison: desired, recorded, observed. It decides what happens to each resource and why.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::diff;
use super::difference::{Context, Difference};
use super::digest::spec_digest;
use super::input::Input;
use super::judged::{Judged, zone_of};
use super::summary;
use super::types::{Binding, Change, Mode};
use crate::inventory::{Inventory, Owner, Seen, Sighting};
use crate::lab::Resource;
use crate::model::{
    Action, Address, BlockReason, CloudId, FieldChange, Impact, InstanceState, Kind, Loss, Op,
    Reason, Ref, Spec, TAG_KEEP, Tags, Zone,
};

/// Everything seen that is this lab's own, by address.
pub(super) type Owned<'a> = BTreeMap<&'a Address, Vec<&'a Sighting>>;

/// Decides about every resource that is desired, recorded or seen.
pub(super) fn classify<'a>(input: &Input<'a>, order: &[Address]) -> Vec<Judged<'a>> {
    let owned = owned(input);
    let homes = homes(input, &owned);
    let by_id: BTreeMap<&CloudId, &Sighting> = input
        .observed
        .sightings
        .iter()
        .map(|s| (&s.id, s))
        .collect();
    let untagged = Tags::new();
    let mut bindings = BTreeMap::new();
    let mut judged: BTreeMap<Address, Judged<'a>> = BTreeMap::new();
    for address in order {
        let Some(resource) = input
            .lab
            .resources
            .get(address)
            .filter(|_| input.mode != Mode::Destroy)
        else {
            continue;
        };
        let seen = owned.get(address).map_or(&[][..], Vec::as_slice);
        let context = Context {
            bindings: &bindings,
            by_id: &by_id,
            tags: &input.lab.tags,
            tagged: input.recorded.map_or(&untagged, |lock| &lock.pins.tags),
            lab: input.lab.name.as_str(),
        };
        let mut decided = desired(input, address, resource, seen, &context, &judged);
        if let Some(reason) = homes
            .get(address)
            .and_then(|home| homeless(&decided, resource, home))
        {
            decided.change.action = Action::Blocked;
            decided.change.reason = Reason::Blocked(reason);
            decided.change.losses.clear();
        }
        if let Some(id) = decided
            .change
            .id
            .clone()
            .filter(|_| decided.change.action != Action::Replace)
        {
            let zone = decided.sighting.and_then(zone_of);
            bindings.insert(address.clone(), Binding { id, zone });
        }
        judged.insert(address.clone(), decided);
    }
    for (address, seen) in &owned {
        if !judged.contains_key(*address) {
            judged.insert((*address).clone(), surplus(input, address, seen));
        }
    }
    if input.mode == Mode::Destroy {
        unreadable_records(input, &mut judged);
    }
    judged.into_values().collect()
}

/// What the lab owns. While it is built, a machine that is shutting down is as good as gone.
fn owned<'a>(input: &Input<'a>) -> Owned<'a> {
    let mut owned = Owned::new();
    for (address, sighting) in input.observed.owned(&input.lab.name, &input.lab.id) {
        let leaving = sighting
            .instance()
            .is_some_and(|i| i.state == InstanceState::ShuttingDown);
        if !leaving || input.mode == Mode::Destroy {
            owned.entry(address).or_default().push(sighting);
        }
    }
    owned
}

/// For each node the zones of the data volumes that it is to have and that exist, each with one of them.
fn homes<'a>(
    input: &Input<'a>,
    owned: &Owned<'a>,
) -> BTreeMap<&'a Address, BTreeMap<Zone, &'a Address>> {
    let mut homes: BTreeMap<&Address, BTreeMap<Zone, &Address>> = BTreeMap::new();
    for (address, resource) in &input.lab.resources {
        let Spec::Volume(volume) = &resource.spec else {
            continue;
        };
        let seen = owned.get(address).and_then(|seen| seen.first());
        if let (Ref::Managed(node), Some(zone)) = (&volume.node, seen.and_then(|s| zone_of(s))) {
            homes.entry(node).or_default().insert(zone, address);
        }
    }
    homes
}

/// Why a machine that is to be made cannot be: its data is where none of its choices is.
fn homeless(
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

fn desired<'a>(
    input: &Input<'a>,
    address: &Address,
    resource: &'a Resource,
    seen: &[&'a Sighting],
    context: &Context<'_>,
    judged: &BTreeMap<Address, Judged<'a>>,
) -> Judged<'a> {
    let spec = &resource.spec;
    let recorded = input.recorded.and_then(|lock| lock.resources.get(address));
    let mut change = blank(address, spec.kind(), summary::of_spec(spec));
    let blocked = |mut change: Change, reason| {
        change.action = Action::Blocked;
        change.reason = Reason::Blocked(reason);
        Judged {
            change,
            fixes: Vec::new(),
            spec: Some(spec),
            sighting: None,
        }
    };
    if let Some(failure) = input.observed.unreadable.get(&spec.kind()) {
        return blocked(change, BlockReason::Unreadable(failure.to_string()));
    }
    match seen {
        [] => {
            if let Some(foreign) = same_name(spec, input.observed) {
                return blocked(change, BlockReason::Foreign(foreign));
            }
            if let Some(other) = first_blocked(resource, judged) {
                return blocked(change, BlockReason::DependsOnBlocked(other));
            }
            change.action = Action::Create;
            change.reason = if recorded.is_some() {
                Reason::Vanished
            } else {
                Reason::New
            };
            Judged {
                change,
                fixes: Vec::new(),
                spec: Some(spec),
                sighting: None,
            }
        }
        [sighting] => {
            change.id = Some(sighting.id.clone());
            let differences = diff(address, spec, sighting, context);
            let cascade = replaced_below(spec, sighting, judged);
            let mut decided = present(
                change,
                spec,
                sighting,
                recorded.map(|r| r.digest.as_str()),
                differences,
                cascade,
            );
            let needs = match decided.change.action {
                // It would go, and could not be made again.
                Action::Replace => first_blocked(resource, judged),
                _ => out_of_reach(&decided.fixes, judged),
            };
            if let Some(other) = needs {
                decided.change.losses.clear();
                decided.fixes.clear();
                decided.change.action = Action::Blocked;
                decided.change.reason = Reason::Blocked(BlockReason::DependsOnBlocked(other));
            }
            decided
        }
        several => {
            let ids = several
                .iter()
                .map(|s| s.id.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            blocked(change, BlockReason::Ambiguous(ids))
        }
    }
}

fn blank(address: &Address, kind: Kind, summary: String) -> Change {
    Change {
        address: address.clone(),
        kind,
        action: Action::NoOp,
        reason: Reason::UpToDate,
        id: None,
        summary,
        fields: Vec::new(),
        losses: Vec::new(),
    }
}

/// Decides about something that should be and is.
fn present<'a>(
    mut change: Change,
    spec: &'a Spec,
    sighting: &'a Sighting,
    recorded: Option<&str>,
    differences: Vec<Difference>,
    cascade: Option<Address>,
) -> Judged<'a> {
    let worst = differences
        .iter()
        .map(|d| d.impact)
        .filter(|i| *i != Impact::NextLaunch)
        .max();
    let as_applied = recorded == Some(spec_digest(spec).as_str());
    let mut fixes: Vec<Op> = Vec::new();
    for difference in differences {
        let drift = as_applied && !difference.asked;
        fixes.extend(difference.fixes);
        let (field, before, after) = (difference.field, difference.before, difference.after);
        change.fields.push(FieldChange {
            field,
            before,
            after,
            impact: difference.impact,
            drift,
        });
    }
    let stopped = sighting
        .instance()
        .is_some_and(|i| i.state == InstanceState::Stopped);
    (change.action, change.reason) = match (worst, cascade) {
        (_, Some(other)) => (Action::Replace, Reason::DependsOnReplaced(other)),
        (Some(Impact::Replace), None) => (Action::Replace, Reason::CannotUpdate),
        (Some(_), None) if recorded.is_none() => (Action::Adopt, Reason::NotRecorded),
        (Some(_), None) if recorded == Some("") => (Action::Update, Reason::Unfinished),
        (Some(_), None) => (Action::Update, Reason::Differs),
        (None, None) if recorded.is_none() => (Action::Adopt, Reason::NotRecorded),
        (None, None) if stopped => (Action::NoOp, Reason::Stopped),
        (None, None) => (Action::NoOp, Reason::UpToDate),
    };
    if change.action == Action::Replace {
        change.losses = losses(sighting);
        if let Some(reason) = irreplaceable(spec) {
            change.action = Action::Blocked;
            change.reason = Reason::Blocked(reason);
        }
        fixes.clear();
    }
    Judged {
        change,
        fixes,
        spec: Some(spec),
        sighting: Some(sighting),
    }
}

/// Why something must not be replaced, if it must not.
fn irreplaceable(spec: &Spec) -> Option<BlockReason> {
    match spec {
        Spec::Instance(spec) if spec.prevent_destroy => Some(BlockReason::PreventDestroy),
        Spec::Volume(_) => Some(BlockReason::Impossible(
            "a data volume is never replaced: its data would go".to_owned(),
        )),
        _ => None,
    }
}

/// What goes for good with something.
fn losses(sighting: &Sighting) -> Vec<Loss> {
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

/// Something it is built on for good and that is replaced, if there is.
fn replaced_below(
    spec: &Spec,
    sighting: &Sighting,
    judged: &BTreeMap<Address, Judged<'_>>,
) -> Option<Address> {
    if matches!(
        spec,
        Spec::Volume(_) | Spec::ElasticIp(_) | Spec::InstanceProfile(_)
    ) {
        return None;
    }
    let own_subnet = sighting.instance().map(|seen| seen.subnet.clone());
    spec.depends_on().into_iter().find_map(|address| {
        let below = judged
            .get(address)
            .filter(|below| below.change.action == Action::Replace)?;
        let matters = match below.change.kind {
            Kind::Subnet => own_subnet
                .as_ref()
                .is_none_or(|subnet| *subnet == below.change.id),
            Kind::KeyPair => false,
            _ => true,
        };
        matters.then(|| address.clone())
    })
}

/// A resource that this one needs and that is blocked without an id, if there is.
fn first_blocked(resource: &Resource, judged: &BTreeMap<Address, Judged<'_>>) -> Option<Address> {
    resource
        .after
        .iter()
        .find(|address| judged.get(*address).is_some_and(is_unusable))
        .cloned()
}

/// Something that a mending operation refers to and that is blocked without an id, if there is.
fn out_of_reach(fixes: &[Op], judged: &BTreeMap<Address, Judged<'_>>) -> Option<Address> {
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

fn is_unusable(judged: &Judged<'_>) -> bool {
    judged.change.action == Action::Blocked && judged.change.id.is_none()
}

/// Something that exists under the name that a resource must have, and is not this lab's.
fn same_name(spec: &Spec, inventory: &Inventory) -> Option<String> {
    let (kind, name) = match spec {
        Spec::Role(spec) => (Kind::Role, &spec.name),
        Spec::InstanceProfile(spec) => (Kind::InstanceProfile, &spec.name),
        Spec::KeyPair(spec) => (Kind::KeyPair, &spec.name),
        Spec::PlacementGroup(spec) => (Kind::PlacementGroup, &spec.name),
        _ => return None,
    };
    let found = inventory
        .sightings
        .iter()
        .find(|s| s.seen.kind() == kind && s.id.as_str() == name);
    found.map(|sighting| match &sighting.owner {
        Owner::Lab { id, .. } => format!("{name} belongs to lab {id}"),
        Owner::Foreign => format!("{name} exists and is not this lab's"),
    })
}

/// Decides about something that is and should not be.
fn surplus<'a>(input: &Input<'a>, address: &Address, seen: &[&'a Sighting]) -> Judged<'a> {
    let sighting = seen[0];
    let mut change = blank(address, sighting.seen.kind(), summary::of_seen(sighting));
    change.id = Some(sighting.id.clone());
    let spec = input
        .lab
        .resources
        .get(address)
        .map(|resource| &resource.spec);
    let keeps = sighting.tags.get(TAG_KEEP).map(String::as_str) == Some("true")
        || matches!(spec, Some(Spec::Volume(volume)) if volume.keep);
    (change.action, change.reason) = if seen.len() > 1 && input.mode != Mode::Destroy {
        let ids = seen
            .iter()
            .map(|s| s.id.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        (
            Action::Blocked,
            Reason::Blocked(BlockReason::Ambiguous(ids)),
        )
    } else if keeps {
        (Action::NoOp, Reason::Kept)
    } else if matches!(spec, Some(Spec::Instance(spec)) if spec.prevent_destroy) {
        (
            Action::Blocked,
            Reason::Blocked(BlockReason::PreventDestroy),
        )
    } else if input.mode == Mode::Destroy {
        (Action::Delete, Reason::Destroying)
    } else {
        (Action::Delete, Reason::NotInProfile)
    };
    if change.action == Action::Delete {
        change.losses = losses(sighting);
    }
    Judged {
        change,
        fixes: Vec::new(),
        spec: None,
        sighting: Some(sighting),
    }
}

/// While destroying, a record whose kind could not be read must not be taken for gone.
fn unreadable_records(input: &Input<'_>, judged: &mut BTreeMap<Address, Judged<'_>>) {
    let known: BTreeSet<Address> = judged.keys().cloned().collect();
    for (address, recorded) in input.recorded.iter().flat_map(|lock| &lock.resources) {
        if let Some(failure) = input
            .observed
            .unreadable
            .get(&recorded.kind)
            .filter(|_| !known.contains(address))
        {
            let mut change = blank(address, recorded.kind, recorded.id.to_string());
            change.id = Some(recorded.id.clone());
            change.action = Action::Blocked;
            change.reason = Reason::Blocked(BlockReason::Unreadable(failure.to_string()));
            judged.insert(
                address.clone(),
                Judged {
                    change,
                    fixes: Vec::new(),
                    spec: None,
                    sighting: None,
                },
            );
        }
    }
}
