//! Builds the plan: decides about every resource, then lays out the steps.

use std::collections::{BTreeMap, BTreeSet};

use super::classify::classify;
use super::input::Input;
use super::judged::{Judged, zone_of};
use super::places::remembered;
use super::steps::Layout;
use super::types::{Binding, Mode, Plan};
use super::{devices, launch, steps, tagging, teardown};
use crate::inventory::Sighting;
use crate::model::{Action, Address, Market, Op, Reason, Ref, Spec, Tags};
use crate::state::Lockfile;

/// How many resources one call tags at most. CreateTags takes a thousand, and a machine brings its root volume.
const MOST_TAGGED: usize = 400;

/// Builds the plan.
pub fn build(input: &Input<'_>) -> Plan {
    let order = input
        .lab
        .dag()
        .order()
        .expect("a lab is built without cycles, and a test holds that");
    let recorded = remembered(input.lab, input.recorded);
    let mut judged = classify(input, recorded.as_ref(), &order);
    if !input.targets.is_empty() {
        untarget(input, &mut judged);
    }
    let bindings = bindings(&judged);
    let steps = if input.mode == Mode::RefreshOnly {
        Vec::new()
    } else {
        lay_out(input, &judged, &order)
    };
    let forgotten = forgotten(input, recorded.as_ref(), &judged);
    let changes = judged.into_iter().map(|judged| judged.change).collect();
    Plan {
        mode: input.mode,
        changes,
        steps,
        bindings,
        forgotten,
    }
}

/// What exists, for references. What is to be replaced is bound too: its teardown needs its id, and its successor's
/// id takes the place when it is made.
fn bindings(judged: &[Judged<'_>]) -> BTreeMap<Address, Binding> {
    let bound = judged.iter().filter_map(|judged| {
        let id = judged.change.id.clone()?;
        Some((
            judged.change.address.clone(),
            Binding {
                id,
                zone: judged.sighting.and_then(zone_of),
            },
        ))
    });
    bound.collect()
}

/// What is remembered, and neither wanted nor there any more. A kind that could not be read tells nothing.
fn forgotten(
    input: &Input<'_>,
    recorded: Option<&Lockfile>,
    judged: &[Judged<'_>],
) -> Vec<Address> {
    let known: BTreeSet<&Address> = judged.iter().map(|judged| &judged.change.address).collect();
    let remembered = recorded.into_iter().flat_map(|lock| &lock.resources);
    remembered
        .filter(|(address, recorded)| {
            !known.contains(address) && !input.observed.unreadable.contains_key(&recorded.kind)
        })
        .map(|(address, _)| address.clone())
        .collect()
}

fn lay_out(input: &Input<'_>, judged: &[Judged<'_>], order: &[Address]) -> Vec<super::types::Step> {
    let mut layout = Layout::default();
    if input.mode == Mode::Destroy && input.targets.is_empty() && buys_spot(input) {
        let lab = Address::new("node");
        layout.push(&lab, Vec::new(), Op::CancelAllSpotRequests, BTreeSet::new());
    }
    let going: Vec<&Judged<'_>> = judged
        .iter()
        .filter(|j| matches!(j.change.action, Action::Delete | Action::Replace))
        .collect();
    let in_use = teardown::in_use(judged);
    let (late, early): (Vec<_>, Vec<_>) = going.into_iter().partition(|j| in_use(j));
    let ended = teardown::teardown(&mut layout, &early, teardown::Ends::default());
    let by_address: BTreeMap<&Address, &Judged<'_>> =
        judged.iter().map(|j| (&j.change.address, j)).collect();
    let launches = launch::batches(input, &by_address);
    retag(&mut layout, judged);
    for address in order {
        let Some(judged) = by_address.get(address) else {
            continue;
        };
        match judged.change.action {
            Action::Create | Action::Replace => {
                steps::make(&mut layout, input, judged, &launches, &by_address);
            }
            Action::Update | Action::Adopt => steps::mend(&mut layout, judged),
            Action::Delete | Action::Forget | Action::NoOp | Action::Blocked => {}
        }
        if matches!(
            judged.change.action,
            Action::NoOp | Action::Update | Action::Adopt | Action::Blocked
        ) {
            steps::reattach(&mut layout, input, judged, &by_address);
        }
    }
    if !late.is_empty() {
        let ended = teardown::after_mending(&layout, judged, ended);
        teardown::teardown(&mut layout, &late, ended);
    }
    let mut steps = layout.finish();
    devices::settle(input, &by_address, &mut steps);
    steps
}

/// Whether the lab has, or may have had, machines on the spot market.
fn buys_spot(input: &Input<'_>) -> bool {
    let wanted = input
        .lab
        .resources
        .values()
        .any(|resource| match &resource.spec {
            Spec::Instance(spec) => spec
                .launch
                .ladder
                .iter()
                .any(|rung| rung.market == Market::Spot),
            _ => false,
        });
    let mut recorded = input
        .recorded
        .iter()
        .flat_map(|lock| lock.resources.values());
    let mut seen = input
        .observed
        .sightings
        .iter()
        .filter_map(Sighting::instance);
    wanted
        || recorded.any(|recorded| recorded.market == Some(Market::Spot))
        || seen.any(|instance| instance.market == Market::Spot)
}

/// Sets the tags of what stays, one call for all that are to have the same.
fn retag(layout: &mut Layout, judged: &[Judged<'_>]) {
    let mut alike: BTreeMap<&Tags, Vec<(Address, Vec<Ref>)>> = BTreeMap::new();
    let stays = judged.iter().filter(|found| {
        matches!(found.change.action, Action::Update | Action::Adopt) && !found.tags.is_empty()
    });
    for found in stays {
        let Some(sighting) = found.sighting else {
            continue;
        };
        let address = &found.change.address;
        match tagging::set(address, sighting, &found.tags) {
            Op::CreateTags { resources, .. } => {
                let same = alike.entry(&found.tags).or_default();
                same.push((address.clone(), resources));
            }
            op => drop(layout.push(address, vec![address.clone()], op, BTreeSet::new())),
        }
    }
    for (tags, found) in alike {
        for chunk in found.chunks(MOST_TAGGED) {
            let covers: Vec<Address> = chunk.iter().map(|(address, _)| address.clone()).collect();
            let op = Op::CreateTags {
                resources: chunk.iter().flat_map(|(_, refs)| refs.clone()).collect(),
                tags: tags.clone(),
            };
            layout.push(&teardown::group_of(&covers), covers, op, BTreeSet::new());
        }
    }
}

/// Leaves alone what is not aimed at: targets bring what they need, or when things go, what needs them.
fn untarget(input: &Input<'_>, judged: &mut [Judged<'_>]) {
    let dag = input.lab.dag();
    let roots: BTreeSet<Address> = judged
        .iter()
        .map(|judged| &judged.change.address)
        .filter(|address| input.targets.iter().any(|target| address.is_within(target)))
        .cloned()
        .collect();
    let chosen = match input.mode {
        Mode::Destroy => dag.dependents(&roots),
        Mode::Apply | Mode::RefreshOnly => dag.dependencies(&roots),
    };
    for judged in judged
        .iter_mut()
        .filter(|judged| !chosen.contains(&judged.change.address))
    {
        if judged.change.action != Action::NoOp {
            judged.change.action = Action::NoOp;
            judged.change.reason = Reason::NotTargeted;
            judged.change.losses.clear();
            judged.fixes = Vec::<Op>::new();
            judged.tags.clear();
        }
    }
}
