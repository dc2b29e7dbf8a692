//! Plans that the user asks for by name: taking something into the lab, letting go of it, giving it another address, and
//! taking back what a run has made.

use std::collections::{BTreeMap, BTreeSet};

use super::build::build;
use super::foreign::strangers;
use super::input::Input;
use super::judged::{Judged, zone_of};
use super::obstacles::guard;
use super::places::{owned, remembered};
use super::steps::Layout;
use super::types::{Binding, Change, Mode, Plan};
use super::{summary, tagging, teardown};
use crate::inventory::{Inventory, Owner, Seen, Sighting};
use crate::lab::{Lab, Moves};
use crate::model::{Action, Address, BlockReason, CloudId, Kind, Op, Reason, Ref, TAG_FIRST, Tags};
use crate::state::Lockfile;

fn empty(mode: Mode) -> Plan {
    Plan {
        mode,
        changes: Vec::new(),
        steps: Vec::new(),
        bindings: BTreeMap::new(),
        forgotten: Vec::new(),
    }
}

fn change(address: &Address, sighting: &Sighting, action: Action, reason: Reason) -> Change {
    Change {
        address: address.clone(),
        moved_from: None,
        kind: sighting.seen.kind(),
        action,
        reason,
        id: Some(sighting.id.clone()),
        summary: summary::of_seen(sighting),
        fields: Vec::new(),
        losses: Vec::new(),
    }
}

fn bind(plan: &mut Plan, address: &Address, sighting: &Sighting) {
    let binding = Binding {
        id: sighting.id.clone(),
        zone: zone_of(sighting),
    };
    plan.bindings.insert(address.clone(), binding);
}

fn all_owned<'a>(lab: &'a Lab, observed: &'a Inventory) -> BTreeMap<Address, &'a Sighting> {
    owned(lab, observed).collect()
}

/// The plan of taking something that exists into the lab: only its tags change. The change tells what the next apply
/// would do to it; where that would replace it, or cannot be, its action says so and there are no steps.
pub fn import(input: &Input<'_>, address: &Address, found: &Sighting) -> Plan {
    let lab = input.lab;
    let mut ours = found.clone();
    let tags = tagging::lacking(lab, address, found);
    ours.tags.extend(tags.clone());
    ours.owner = Owner::Lab {
        name: lab.name.to_string(),
        id: lab.id.clone(),
        address: Some(address.clone()),
        run: None,
    };
    let mut world = input.observed.clone();
    world
        .sightings
        .retain(|other| other.id != found.id || other.seen.kind() != found.seen.kind());
    world.sightings.push(ours);
    let after = build(&Input {
        observed: &world,
        ..*input
    });
    let mut plan = empty(Mode::Apply);
    let next = after
        .changes
        .into_iter()
        .find(|change| change.address == *address);
    let mut change = change(address, found, Action::Adopt, Reason::Imported);
    bind(&mut plan, address, found);
    if let Some(next) = next {
        change.fields = next.fields;
        if matches!(next.action, Action::Replace | Action::Blocked) {
            (change.action, change.reason) = (next.action, next.reason);
        }
    }
    if change.action == Action::Adopt {
        let mut layout = Layout::default();
        let op = tagging::set(address, found, &tags);
        layout.push(address, vec![address.clone()], op, BTreeSet::new());
        plan.steps = layout.finish();
    }
    plan.changes.push(change);
    plan
}

/// The plan of letting go of all that is within `target`: it goes on existing, without the lab's tags; what the lab finds by
/// its name says that it is the lab's no more. Routes and ties go with their table; what is only remembered is forgotten.
pub fn release(
    lab: &Lab,
    recorded: Option<&Lockfile>,
    observed: &Inventory,
    target: &Address,
) -> Plan {
    let mut plan = empty(Mode::Apply);
    let mut layout = Layout::default();
    let (recorded, target) = (remembered(lab, recorded), &lab.moves.home(target));
    let within = |address: &Address| address.is_within(target);
    for (address, sighting) in all_owned(lab, observed)
        .into_iter()
        .filter(|(a, _)| within(a))
    {
        bind(&mut plan, &address, sighting);
        plan.changes
            .push(change(&address, sighting, Action::Forget, Reason::LetGo));
        if tagging::is_taggable(sighting.seen.kind()) {
            let op = tagging::remove(&address, sighting);
            layout.push(&address, vec![address.clone()], op, BTreeSet::new());
        } else if matches!(sighting.seen.kind(), Kind::Alarm | Kind::Dashboard) {
            let op = Op::LetGo {
                kind: sighting.seen.kind(),
                target: Ref::to(&address),
            };
            layout.push(&address, vec![address.clone()], op, BTreeSet::new());
        } else {
            plan.forgotten.push(address);
        }
    }
    let seen: BTreeSet<Address> = plan.changes.iter().map(|c| c.address.clone()).collect();
    let known = recorded.iter().flat_map(|lock| lock.resources.keys());
    plan.forgotten
        .extend(known.filter(|a| within(a) && !seen.contains(*a)).cloned());
    plan.steps = layout.finish();
    plan
}

/// Parts of tables within `target` whose tables are not: they cannot be let go of by themselves.
pub fn bound_parts(lab: &Lab, observed: &Inventory, target: &Address) -> Vec<Address> {
    let all = all_owned(lab, observed);
    let tables: BTreeSet<&CloudId> = all
        .iter()
        .filter(|(address, _)| address.is_within(target))
        .map(|(_, sighting)| &sighting.id)
        .collect();
    let table_of = |sighting: &Sighting| match &sighting.seen {
        Seen::Route(route) => Some(route.table.clone()),
        Seen::RouteTableAssociation(tie) => Some(tie.table.clone()),
        _ => None,
    };
    all.iter()
        .filter(|(address, _)| address.is_within(target))
        .filter(|(_, sighting)| table_of(sighting).is_some_and(|table| !tables.contains(&table)))
        .map(|(address, _)| address.clone())
        .collect()
}

/// The plan of giving what stands at an address, and what belongs to it, another one at once.
pub fn relocate(lab: &Lab, observed: &Inventory, moves: &Moves) -> Plan {
    let mut plan = empty(Mode::Apply);
    let mut layout = Layout::default();
    let all = all_owned(lab, observed);
    for (from, sighting) in &all {
        let to = moves.home(from);
        if to == *from {
            continue;
        }
        let mut moved = change(&to, sighting, Action::Update, Reason::Moved);
        moved.moved_from = Some(from.clone());
        if let Some(there) = all.get(&to).filter(|_| moves.home(&to) == to) {
            moved.action = Action::Blocked;
            moved.reason = Reason::Blocked(BlockReason::Occupied(format!(
                "{from} ({}) cannot move here: {} is here already",
                sighting.id, there.id
            )));
        } else {
            bind(&mut plan, &to, sighting);
            let tags = moved_tags(lab, &to, sighting);
            let op = tagging::set(&to, sighting, &tags);
            layout.push(&to, vec![to.clone()], op, BTreeSet::new());
        }
        plan.changes.push(moved);
    }
    plan.steps = layout.finish();
    plan
}

/// The tags that say where something stands, and nothing else.
fn moved_tags(lab: &Lab, to: &Address, sighting: &Sighting) -> Tags {
    let mut tags = tagging::lacking(lab, to, sighting);
    tags.retain(|key, _| [crate::model::TAG_ADDRESS, TAG_FIRST, "Name"].contains(&key.as_str()));
    tags
}

/// What was made for a lab, and not taken into it.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// The ids that the last run was told of. What carries tags tells of its run itself, whichever it was.
    pub ids: &'a BTreeSet<CloudId>,
}

impl Made<'_> {
    /// Whether this was made for the lab.
    pub fn has(&self, lab: &Lab, sighting: &Sighting) -> bool {
        match &sighting.owner {
            Owner::Lab { id, run, .. } if *id == lab.id => {
                self.ids.contains(&sighting.id) || run.is_some()
            }
            _ => false,
        }
    }
}

/// The plan of taking back all that was made for a lab, volumes included.
pub fn rollback(lab: &Lab, observed: &Inventory, made: Made<'_>) -> Plan {
    let mut plan = empty(Mode::Destroy);
    let mut going: Vec<Judged<'_>> = Vec::new();
    let strangers = strangers(lab, observed);
    for (address, sighting) in owned(lab, observed).filter(|(_, s)| made.has(lab, s)) {
        bind(&mut plan, &address, sighting);
        let mut goes = change(&address, sighting, Action::Delete, Reason::RolledBack);
        let guard = guard(lab, &address, sighting).map(BlockReason::PreventDestroy);
        let in_use = (goes.kind == Kind::Vpc && !strangers.is_empty()).then(|| {
            let who: Vec<String> = strangers.iter().map(ToString::to_string).collect();
            BlockReason::InUse(who.join("; "))
        });
        if let Some(block) = guard.or(in_use) {
            goes.action = Action::Blocked;
            goes.reason = Reason::Blocked(block);
        }
        going.push(Judged::new(goes, None, Some(sighting)));
    }
    if going
        .iter()
        .all(|judged| judged.change.action == Action::Delete)
    {
        let mut layout = Layout::default();
        teardown::teardown(
            &mut layout,
            &going.iter().collect::<Vec<_>>(),
            teardown::Ends::default(),
        );
        plan.steps = layout.finish();
    }
    plan.changes = going.into_iter().map(|judged| judged.change).collect();
    plan
}
