//! Plans that start and stop machines.

use std::collections::{BTreeMap, BTreeSet};

use super::places::owned;
use super::restart;
use super::types::{Binding, Change, Mode, Plan, Step};
use crate::inventory::{Inventory, SeenInstance, Sighting};
use crate::lab::Lab;
use crate::model::{Action, Address, BlockReason, InstanceState, InstanceType, Op, Reason, Ref};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Start what is stopped.
    On,
    /// Stop what runs.
    Off,
}

/// How many instances one call names at most. StartInstances has a bucket of 5 requests refilled by 2 a second.
const MOST_PER_CALL: usize = 100;

/// Plans to start or stop the lab's machines, or those within `targets`.
pub fn power(lab: &Lab, observed: &Inventory, power: Power, targets: &BTreeSet<Address>) -> Plan {
    let mut plan = Plan {
        mode: Mode::Apply,
        changes: Vec::new(),
        steps: Vec::new(),
        bindings: BTreeMap::new(),
        forgotten: Vec::new(),
    };
    let mut moving: Vec<Address> = Vec::new();
    let mut marked: BTreeSet<Address> = BTreeSet::new();
    let machines: BTreeMap<Address, &Sighting> = owned(lab, observed)
        .filter(|(_, sighting)| sighting.instance().is_some())
        .collect();
    for (address, sighting) in &machines {
        let Some(seen) = sighting.instance() else {
            continue;
        };
        if !targets.is_empty() && !targets.iter().any(|target| address.is_within(target)) {
            continue;
        }
        let (action, reason) = judge(seen, power);
        if action == Action::Update {
            moving.push(address.clone());
            if restart::is_restarting(&sighting.tags) {
                marked.insert(address.clone());
            }
        }
        let zone = seen.zone.clone();
        plan.bindings.insert(
            address.clone(),
            Binding {
                id: sighting.id.clone(),
                zone,
            },
        );
        plan.changes.push(Change {
            address: address.clone(),
            moved_from: None,
            kind: sighting.seen.kind(),
            action,
            reason,
            id: Some(sighting.id.clone()),
            summary: format!("{} {}, {}", seen.instance_type, seen.market, seen.state),
            fields: Vec::new(),
            losses: Vec::new(),
        });
    }
    for chunk in moving.chunks(MOST_PER_CALL) {
        move_together(&mut plan, chunk, &marked, power);
    }
    plan
}

fn judge(seen: &SeenInstance, power: Power) -> (Action, Reason) {
    let blocked = |text: &str| {
        (
            Action::Blocked,
            Reason::Blocked(BlockReason::InTransition(text.to_owned())),
        )
    };
    match (power, seen.state) {
        (Power::On, InstanceState::Running | InstanceState::Pending)
        | (Power::Off, InstanceState::Stopped) => (Action::NoOp, Reason::UpToDate),
        (Power::On, InstanceState::Stopped)
        | (Power::Off, InstanceState::Running | InstanceState::Stopping) => {
            (Action::Update, Reason::Differs)
        }
        (Power::On, InstanceState::Stopping) => blocked("it is stopping: start it when it stands"),
        (Power::Off, InstanceState::Pending) => blocked("it is starting: stop it when it runs"),
        (_, InstanceState::ShuttingDown | InstanceState::Terminated) => {
            blocked("it is being terminated")
        }
    }
}

fn move_together(plan: &mut Plan, nodes: &[Address], marked: &BTreeSet<Address>, power: Power) {
    let refs = || nodes.iter().map(Ref::to).collect::<Vec<_>>();
    let (op, state) = match power {
        Power::On => (
            Op::StartInstances { instances: refs() },
            InstanceState::Running,
        ),
        Power::Off => (
            Op::StopInstances { instances: refs() },
            InstanceState::Stopped,
        ),
    };
    let address = match nodes {
        [only] => only.clone(),
        _ => Address::new("node"),
    };
    // Whoever starts or stops a machine by hand has taken a restart that was cut off into his own hands.
    let stale: Vec<Ref> = nodes
        .iter()
        .filter(|node| marked.contains(*node))
        .map(Ref::to)
        .collect();
    let unmark = (!stale.is_empty()).then(|| restart::mark(stale, false));
    let wait = Op::AwaitInstances {
        instances: refs(),
        state,
    };
    let mut after = BTreeSet::new();
    for op in unmark.into_iter().chain([op, wait]) {
        let this = plan.steps.len();
        plan.steps.push(Step {
            address: address.clone(),
            covers: nodes.to_vec(),
            op,
            after,
        });
        after = BTreeSet::from([this]);
    }
}

/// The next types to try for a stopped machine that cannot start for want of capacity: those that the profile lists
/// after its own type, in its own zone. A spot machine cannot change its type.
pub fn other_types(lab: &Lab, address: &Address, seen: &SeenInstance) -> Vec<InstanceType> {
    let Some(crate::model::Spec::Instance(spec)) =
        lab.resources.get(address).map(|resource| &resource.spec)
    else {
        return Vec::new();
    };
    if seen.market == crate::model::Market::Spot {
        return Vec::new();
    }
    let here = spec
        .launch
        .ladder
        .iter()
        .filter(|rung| Some(&rung.zone) == seen.zone.as_ref());
    let mut types = Vec::new();
    for rung in
        here.filter(|rung| rung.market == seen.market && rung.instance_type != seen.instance_type)
    {
        if !types.contains(&rung.instance_type) {
            types.push(rung.instance_type.clone());
        }
    }
    types
}

/// The plan of starting one stopped machine by itself, as another type if one is given.
pub fn start_as(plan: &Plan, address: &Address, instance_type: Option<&InstanceType>) -> Plan {
    let own = || Ref::to(address);
    let modify = instance_type.map(|instance_type| Op::ModifyInstanceType {
        instance: own(),
        instance_type: instance_type.clone(),
    });
    let start = [
        Op::StartInstances {
            instances: vec![own()],
        },
        Op::AwaitInstances {
            instances: vec![own()],
            state: InstanceState::Running,
        },
    ];
    let ops = modify.into_iter().chain(start);
    let steps = ops.enumerate().map(|(place, op)| Step {
        address: address.clone(),
        covers: vec![address.clone()],
        op,
        after: place.checked_sub(1).into_iter().collect(),
    });
    Plan {
        mode: Mode::Apply,
        changes: plan
            .changes
            .iter()
            .filter(|change| change.address == *address)
            .cloned()
            .collect(),
        steps: steps.collect(),
        bindings: plan.bindings.clone(),
        forgotten: Vec::new(),
    }
}
