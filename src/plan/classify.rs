//! The three-way comparison: desired, recorded, observed. It decides what happens to each resource and why.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::diff;
use super::difference::{Context, Difference};
use super::digest::spec_digest;
use super::foreign::strangers;
use super::input::Input;
use super::judged::{Judged, zone_of};
use super::obstacles::{
    first_blocked, from, guard, homeless, homes, irreplaceable, is_let_go, losses, out_of_reach,
    taken, too_many,
};
use super::places::{Place, Places, places};
use super::types::{Binding, Change, Mode};
use super::{summary, tagging};
use crate::inventory::Sighting;
use crate::lab::Resource;
use crate::model::{
    Action, Address, BlockReason, CloudId, FieldChange, Impact, InstanceState, Kind, Op, Reason,
    Spec, TAG_KEEP, Tags,
};
use crate::state::{Lockfile, Recorded};

/// Decides about every resource that is desired, recorded or seen. What is recorded has moved already.
pub(super) fn classify<'a>(
    input: &Input<'a>,
    recorded: Option<&Lockfile>,
    order: &[Address],
) -> Vec<Judged<'a>> {
    let places = places_now(input, recorded);
    let homes = homes(input, &places);
    let by_id: BTreeMap<&CloudId, &Sighting> = input
        .observed
        .sightings
        .iter()
        .map(|s| (&s.id, s))
        .collect();
    let untagged = Tags::new();
    let mut bindings = BTreeMap::new();
    let mut coming = BTreeSet::new();
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
        let seen = places.get(address).map_or(&[][..], Vec::as_slice);
        let context = Context {
            bindings: &bindings,
            coming: &coming,
            by_id: &by_id,
            tags: &input.lab.tags,
            tagged: input.recorded.map_or(&untagged, |lock| &lock.pins.tags),
        };
        let wanted = Wanted {
            address,
            resource,
            recorded: recorded.and_then(|lock| lock.resources.get(address)),
        };
        let mut decided = desired(input, &wanted, seen, &context, &judged);
        if let Some(reason) = homes
            .get(address)
            .and_then(|home| homeless(&decided, resource, home))
        {
            decided.change.action = Action::Blocked;
            decided.change.reason = Reason::Blocked(reason);
            decided.change.losses.clear();
            decided.tags.clear();
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
        if decided.change.action == Action::Create {
            coming.insert(address.clone());
        }
        judged.insert(address.clone(), decided);
    }
    for (address, seen) in &places {
        if !judged.contains_key(address) && !is_foreign_part(input, recorded, address, seen) {
            judged.insert(address.clone(), surplus(input, address, seen));
        }
    }
    if input.mode == Mode::Destroy {
        unreadable_records(input, recorded, &mut judged);
        occupied(input, &mut judged);
    }
    judged.into_values().collect()
}

/// What should stand at an address, and what is remembered of it.
struct Wanted<'w, 'a> {
    address: &'w Address,
    resource: &'a Resource,
    recorded: Option<&'w Recorded>,
}

/// Where everything stands. While the lab is built, a machine that is shutting down is as good as gone.
fn places_now<'a>(input: &Input<'a>, recorded: Option<&Lockfile>) -> Places<'a> {
    let mut places = places(input.lab, recorded, input.observed);
    if input.mode != Mode::Destroy {
        places.retain(|_, seen| {
            seen.retain(|place| {
                place
                    .sighting
                    .instance()
                    .is_none_or(|i| i.state != InstanceState::ShuttingDown)
            });
            !seen.is_empty()
        });
    }
    places
}

/// Routes and ties carry no tags. One that the profile does not ask for, and that the lockfile does not remember, was
/// put into the lab's table by somebody else.
fn is_foreign_part(
    input: &Input<'_>,
    recorded: Option<&Lockfile>,
    address: &Address,
    seen: &[Place<'_>],
) -> bool {
    let is_part = seen.iter().all(|place| {
        let kind = place.sighting.seen.kind();
        matches!(kind, Kind::Route | Kind::RouteTableAssociation)
    });
    let known = recorded.is_some_and(|lock| lock.resources.contains_key(address));
    is_part && !known && !input.lab.resources.contains_key(address)
}

fn desired<'a>(
    input: &Input<'a>,
    wanted: &Wanted<'_, 'a>,
    seen: &[Place<'a>],
    context: &Context<'_>,
    judged: &BTreeMap<Address, Judged<'a>>,
) -> Judged<'a> {
    let Wanted {
        address,
        resource,
        recorded,
    } = wanted;
    let spec = &resource.spec;
    let mut change = blank(address, spec.kind(), summary::of_spec(spec));
    let blocked = |mut change: Change, reason| {
        change.action = Action::Blocked;
        change.reason = Reason::Blocked(reason);
        Judged::new(change, Some(spec), None)
    };
    if let Some(failure) = input.observed.unreadable.get(&spec.kind()) {
        return blocked(change, BlockReason::Unreadable(failure.to_string()));
    }
    match seen {
        [] if is_let_go(input.observed, spec) => {
            change.reason = Reason::LetGo;
            Judged::new(change, Some(spec), None)
        }
        [] => {
            if let Some(foreign) = taken(input, spec, *recorded) {
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
            Judged::new(change, Some(spec), None)
        }
        [place] => {
            let sighting = place.sighting;
            change.id = Some(sighting.id.clone());
            change.moved_from = from(place);
            let tags = tagging::lacking(input.lab, address, sighting);
            let mut differences = diff(address, spec, sighting, context);
            differences.extend(tagging::differences(&tags, sighting, place.moved, context));
            differences.extend(tagging::dropped(address, sighting, context));
            let cascade = replaced_below(spec, sighting, judged);
            let guard = guard(input.lab, address, sighting);
            let found = Found {
                sighting,
                tags,
                differences,
                cascade,
                guard,
            };
            let mut decided = present(change, spec, recorded.map(|r| r.digest.as_str()), found);
            let needs = match decided.change.action {
                // It would go, and could not be made again.
                Action::Replace => first_blocked(resource, judged),
                _ => out_of_reach(&decided.fixes, judged),
            };
            if let Some(other) = needs {
                decided.change.losses.clear();
                decided.fixes.clear();
                decided.tags.clear();
                decided.change.action = Action::Blocked;
                decided.change.reason = Reason::Blocked(BlockReason::DependsOnBlocked(other));
            }
            decided
        }
        several => blocked(change, too_many(several)),
    }
}

fn blank(address: &Address, kind: Kind, summary: String) -> Change {
    Change {
        address: address.clone(),
        moved_from: None,
        kind,
        action: Action::NoOp,
        reason: Reason::UpToDate,
        id: None,
        summary,
        fields: Vec::new(),
        losses: Vec::new(),
    }
}

/// What was found of something that should be.
struct Found<'a> {
    sighting: &'a Sighting,
    tags: Tags,
    differences: Vec<Difference>,
    /// What it is built on and that is replaced.
    cascade: Option<Address>,
    /// Why it must not be deleted.
    guard: Option<String>,
}

/// Decides about something that should be and is.
fn present<'a>(
    mut change: Change,
    spec: &'a Spec,
    recorded: Option<&str>,
    found: Found<'a>,
) -> Judged<'a> {
    let Found {
        sighting,
        mut tags,
        differences,
        cascade,
        guard,
    } = found;
    let worst = differences
        .iter()
        .map(|d| d.impact)
        .filter(|i| *i != Impact::NextLaunch)
        .max()
        .or_else(|| (!tags.is_empty()).then_some(Impact::InPlace));
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
        (Some(_), None) if change.moved_from.is_some() && change.fields.is_empty() => {
            (Action::Update, Reason::Moved)
        }
        (Some(_), None) => (Action::Update, Reason::Differs),
        (None, None) if recorded.is_none() => (Action::Adopt, Reason::NotRecorded),
        (None, None) if stopped => (Action::NoOp, Reason::Stopped),
        (None, None) => (Action::NoOp, Reason::UpToDate),
    };
    if change.action == Action::Replace {
        change.losses = losses(sighting);
        tags.clear();
        let guard = guard.map(BlockReason::PreventDestroy);
        if let Some(reason) = guard.or_else(|| irreplaceable(spec)) {
            change.action = Action::Blocked;
            change.reason = Reason::Blocked(reason);
        }
        fixes.clear();
    }
    Judged {
        fixes,
        tags,
        ..Judged::new(change, Some(spec), Some(sighting))
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
        Spec::Volume(_) | Spec::ElasticIp(_) | Spec::InstanceProfile(_) | Spec::Alarm(_)
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

/// Decides about something that is and should not be.
fn surplus<'a>(input: &Input<'a>, address: &Address, seen: &[Place<'a>]) -> Judged<'a> {
    let place = &seen[0];
    let sighting = place.sighting;
    let mut change = blank(address, sighting.seen.kind(), summary::of_seen(sighting));
    change.id = Some(sighting.id.clone());
    change.moved_from = from(place);
    let spec = input
        .lab
        .resources
        .get(address)
        .map(|resource| &resource.spec);
    let keeps = sighting.tags.get(TAG_KEEP).map(String::as_str) == Some("true")
        || matches!(spec, Some(Spec::Volume(volume)) if volume.keep);
    let blocked = |reason| (Action::Blocked, Reason::Blocked(reason));
    (change.action, change.reason) = if seen.len() > 1 && input.mode != Mode::Destroy {
        blocked(too_many(seen))
    } else if place.untagged {
        blocked(BlockReason::Untagged(sighting.id.clone()))
    } else if keeps {
        (Action::NoOp, Reason::Kept)
    } else if let Some(guard) = guard(input.lab, address, sighting) {
        blocked(BlockReason::PreventDestroy(guard))
    } else if input.mode == Mode::Destroy {
        (Action::Delete, Reason::Destroying)
    } else {
        (Action::Delete, Reason::NotInProfile)
    };
    if change.action == Action::Delete {
        change.losses = losses(sighting);
    }
    Judged::new(change, None, Some(sighting))
}

/// While destroying, a record whose kind could not be read must not be taken for gone.
fn unreadable_records(
    input: &Input<'_>,
    recorded: Option<&Lockfile>,
    judged: &mut BTreeMap<Address, Judged<'_>>,
) {
    let known: BTreeSet<Address> = judged.keys().cloned().collect();
    for (address, recorded) in recorded.into_iter().flat_map(|lock| &lock.resources) {
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
            judged.insert(address.clone(), Judged::new(change, None, None));
        }
    }
}

/// While destroying, a VPC in which something foreign has an interface cannot go: its subnets, groups and gateway are
/// what that stands on. It is blocked before anything is touched.
fn occupied(input: &Input<'_>, judged: &mut BTreeMap<Address, Judged<'_>>) {
    let foreign = strangers(input.lab, input.observed);
    for found in judged.values_mut() {
        let goes = found.change.action == Action::Delete && found.change.kind == Kind::Vpc;
        if goes && !foreign.is_empty() {
            let who: Vec<String> = foreign.iter().map(ToString::to_string).collect();
            found.change.action = Action::Blocked;
            found.change.reason = Reason::Blocked(BlockReason::InUse(who.join("; ")));
        }
    }
}
