//! An independent look at a plan: invariants judged by code that did not build it.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Change, Mode, Plan, StepId};
use crate::model::{Action, Address, Op, Ref};

/// Something that no plan may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A step waits for one that does not come before it.
    #[error("step {0} waits for a later step")]
    Order(StepId),
    /// A step refers to something that neither exists nor is made before it.
    #[error("step {step} needs {needs}, which nothing before it makes")]
    Unmade {
        /// The step.
        step: StepId,
        /// What it needs.
        needs: Address,
    },
    /// Something goes that the plan does not say goes.
    #[error("step {step} deletes {address}, which the plan does not list as going")]
    Unannounced {
        /// The step.
        step: StepId,
        /// What would go.
        address: Address,
    },
    /// Something is to change, and nothing does it.
    #[error("{0} is to change, and no step covers it")]
    Uncovered(Address),
    /// Something is to be made, and no step makes it.
    #[error("{0} is to be made, and no step makes it")]
    NeverMade(Address),
    /// A plan that only looks has steps.
    #[error("a plan that only refreshes has steps")]
    ActsWhileRefreshing,
    /// A machine would be launched with nowhere to go.
    #[error("step {0} launches with no choice of zone and type")]
    NoChoice(StepId),
}

/// Judges a plan; an empty list is a sound one.
pub fn check(plan: &Plan) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if plan.mode == Mode::RefreshOnly && !plan.steps.is_empty() {
        flaws.push(Flaw::ActsWhileRefreshing);
    }
    let actions: BTreeMap<&Address, Action> = plan
        .changes
        .iter()
        .map(|c| (&c.address, c.action))
        .collect();
    let mut makers: BTreeMap<&Address, BTreeSet<StepId>> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    for (id, step) in plan.steps.iter().enumerate() {
        covered.extend(&step.covers);
        if step.op.creates().is_some() {
            for address in &step.covers {
                makers.entry(address).or_default().insert(id);
            }
        }
    }
    for (id, step) in plan.steps.iter().enumerate() {
        if step.after.iter().any(|other| *other >= id) {
            flaws.push(Flaw::Order(id));
        }
        if step.op.is_deletion() {
            let stays = |address: &&Address| {
                !matches!(
                    actions.get(*address),
                    Some(Action::Delete | Action::Replace)
                )
            };
            flaws.extend(step.covers.iter().filter(stays).map(|a| Flaw::Unannounced {
                step: id,
                address: a.clone(),
            }));
        }
        if matches!(&step.op, Op::RunInstances { launch, .. } if launch.ladder.is_empty()) {
            flaws.push(Flaw::NoChoice(id));
        }
        flaws.extend(unmade(plan, id, &makers));
    }
    let acts = |action| {
        matches!(
            action,
            Action::Create | Action::Replace | Action::Delete | Action::Update
        )
    };
    if plan.mode != Mode::RefreshOnly {
        let uncovered = plan
            .changes
            .iter()
            .filter(|c| acts(c.action) && !covered.contains(&c.address));
        flaws.extend(uncovered.map(|change| Flaw::Uncovered(change.address.clone())));
        let made = |change: &&Change| matches!(change.action, Action::Create | Action::Replace);
        let never = plan
            .changes
            .iter()
            .filter(|change| made(change) && !makers.contains_key(&change.address));
        flaws.extend(never.map(|change| Flaw::NeverMade(change.address.clone())));
    }
    flaws
}

/// References of a step that are neither bound nor made by a step it waits for, directly or not. A launch's own
/// choices are looked at only for its first.
fn unmade(plan: &Plan, id: StepId, makers: &BTreeMap<&Address, BTreeSet<StepId>>) -> Vec<Flaw> {
    let step = &plan.steps[id];
    let mut op = step.op.clone();
    let missing = op
        .refs_mut()
        .into_iter()
        .filter_map(|reference| match reference {
            Ref::Managed(address) if !plan.bindings.contains_key(address) => Some(address.clone()),
            _ => None,
        });
    missing
        .filter(|address| {
            !makers
                .get(address)
                .is_some_and(|makers| comes_after(plan, id, makers))
        })
        .map(|needs| Flaw::Unmade { step: id, needs })
        .collect()
}

fn comes_after(plan: &Plan, id: StepId, makers: &BTreeSet<StepId>) -> bool {
    let mut queue = vec![id];
    let mut seen = BTreeSet::new();
    while let Some(at) = queue.pop() {
        for other in &plan.steps[at].after {
            if makers.contains(other) {
                return true;
            }
            if seen.insert(*other) {
                queue.push(*other);
            }
        }
    }
    false
}
