//! The plan as a value: printable, saveable, testable.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Action, Address, CloudId, FieldChange, Kind, Loss, Op, Reason, Zone};

/// What the plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Make the lab as the profile says.
    Apply,
    /// Take the whole lab away.
    Destroy,
    /// Only bring the lockfile up to date with what exists.
    RefreshOnly,
}

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it stands in the lab.
    pub address: Address,
    /// Where it stood until now, if that was elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<Address>,
    /// Its kind.
    pub kind: Kind,
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Its id, if it exists.
    pub id: Option<CloudId>,
    /// What it is or will be, in a few words: `g5.2xlarge, 200 GiB gp3`.
    pub summary: String,
    /// The fields that differ. For an adopted or unchanged resource, drift that is left alone.
    pub fields: Vec<FieldChange>,
    /// What goes for good.
    pub losses: Vec<Loss>,
}

/// A step's place in `Plan::steps`.
pub type StepId = usize;

/// One effect, with what must come before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The resource it is for; for a step that covers several, their group's address.
    pub address: Address,
    /// Every resource it covers. A resource is done once every step that covers it is.
    pub covers: Vec<Address>,
    /// What to do.
    pub op: Op,
    /// The steps that must have succeeded before.
    pub after: BTreeSet<StepId>,
}

/// The id of something that exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Its id.
    pub id: CloudId,
    /// Its zone, where it has one.
    pub zone: Option<Zone>,
}

/// A whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    pub mode: Mode,
    /// One entry for each resource, no-ops included, by address.
    pub changes: Vec<Change>,
    /// What to do, each step after those it needs.
    pub steps: Vec<Step>,
    /// What exists already, for the references in the steps.
    pub bindings: BTreeMap<Address, Binding>,
    /// What the lockfile remembers, nobody wants, and was looked for and not found.
    pub forgotten: Vec<Address>,
}

/// How many resources each action has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field counts the action of its name")]
pub struct Tally {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub adopt: usize,
    pub forget: usize,
    pub unchanged: usize,
    pub blocked: usize,
}

impl Plan {
    /// Counts the changes.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for change in &self.changes {
            let count = match change.action {
                Action::Create => &mut tally.create,
                Action::Update => &mut tally.update,
                Action::Replace => &mut tally.replace,
                Action::Delete => &mut tally.delete,
                Action::Adopt => &mut tally.adopt,
                Action::Forget => &mut tally.forget,
                Action::NoOp => &mut tally.unchanged,
                Action::Blocked => &mut tally.blocked,
            };
            *count += 1;
        }
        tally
    }

    /// Whether there is something to do; adopting is.
    pub fn has_changes(&self) -> bool {
        self.changes
            .iter()
            .any(|change| !matches!(change.action, Action::NoOp | Action::Blocked))
    }

    /// Whether something is blocked.
    pub fn is_blocked(&self) -> bool {
        self.changes
            .iter()
            .any(|change| change.action == Action::Blocked)
    }

    /// The ids of what stays although the lab goes.
    pub fn kept(&self) -> BTreeSet<CloudId> {
        let kept = |change: &&Change| change.reason == Reason::Kept;
        let changes = self.changes.iter().filter(kept);
        changes.filter_map(|change| change.id.clone()).collect()
    }

    /// Whether a machine would be launched or started: only then are quotas, offers and prices read.
    pub fn launches(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.op, Op::RunInstances { .. } | Op::StartInstances { .. }))
    }
}
