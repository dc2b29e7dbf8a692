//! What is to be done on hosts: the wanted steps beside what the lockfile remembers. Nobody is asked; the hosts' own
//! records decide when it is done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::places::owned;
use super::types::Plan;
use crate::inventory::Inventory;
use crate::lab::{HostWish, Lab, Machine};
use crate::model::{Action, Address, InstanceState, Kind};
use crate::state::{HostRecord, Lockfile, Standing};

/// What is to be done about one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepPlan {
    /// It has not been done.
    New,
    /// It was done with another script or other inputs.
    Changed,
    /// It is done.
    Done,
}

/// A version that is not what the host's steps left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDrift {
    /// What has the version.
    pub what: String,
    /// The version that was left; empty if there was none.
    pub left: String,
    /// The version that was found; empty if there is none.
    pub found: String,
}

/// What is to be done on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPlan {
    /// The host.
    pub address: Address,
    /// Whether it is a machine that is stopped: nothing is done on it now.
    pub asleep: bool,
    /// Whether what was remembered of it is void, because another machine takes its place.
    pub replaced: bool,
    /// Its steps in their order.
    pub steps: Vec<(String, StepPlan)>,
    /// How it stood when it was last tended, with what it lacked.
    pub standing: Option<(Standing, Vec<String>)>,
    /// When that was.
    pub measured: Option<Timestamp>,
    /// What a later look found to differ.
    pub drift: Vec<VersionDrift>,
}

impl HostPlan {
    /// Whether a step is to be run.
    pub fn has_work(&self) -> bool {
        !self.asleep && self.steps.iter().any(|(_, step)| *step != StepPlan::Done)
    }

    /// The steps of which this is to be.
    pub fn steps_of(&self, plan: StepPlan) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .filter(move |(_, step)| *step == plan)
            .map(|(name, _)| name.as_str())
    }
}

/// The machines that are there when the plan is done and were there before: what is known of them stays true.
pub fn lasting_machines(
    lab: &Lab,
    plan: &Plan,
    observed: &Inventory,
) -> BTreeMap<Address, Machine> {
    let goes = |address: &Address| {
        plan.changes.iter().any(|change| {
            change.address == *address
                && change.kind == Kind::Instance
                && matches!(
                    change.action,
                    Action::Create | Action::Replace | Action::Delete
                )
        })
    };
    owned(lab, observed)
        .filter_map(|(address, sighting)| {
            let seen = sighting.instance()?;
            let there = !matches!(
                seen.state,
                InstanceState::Terminated | InstanceState::ShuttingDown
            );
            let machine = Machine {
                id: sighting.id.clone(),
                instance_type: seen.instance_type.clone(),
                asleep: matches!(seen.state, InstanceState::Stopped | InstanceState::Stopping),
            };
            (there && !goes(&address)).then_some((address, machine))
        })
        .collect()
}

/// Compares. Hosts without steps are nobody's business; `targets` limits to some, empty for all.
pub fn host_plans(
    wishes: &[HostWish],
    recorded: Option<&Lockfile>,
    targets: &BTreeSet<Address>,
) -> Vec<HostPlan> {
    let aimed = |address: &Address| {
        targets.is_empty() || targets.iter().any(|target| address.is_within(target))
    };
    wishes
        .iter()
        .filter(|wish| !wish.steps.is_empty() && aimed(&wish.address))
        .map(|wish| {
            host_plan(
                wish,
                recorded.and_then(|lock| lock.hosts.get(&wish.address)),
            )
        })
        .collect()
}

fn host_plan(wish: &HostWish, known: Option<&HostRecord>) -> HostPlan {
    let lasting = known.filter(|known| wish.machine.as_deref() == Some(known.machine.as_str()));
    let steps = wish.steps.iter().map(|(name, digest)| {
        let step = match lasting.and_then(|known| known.steps.get(name)) {
            None => StepPlan::New,
            Some(done) if done.digest == *digest => StepPlan::Done,
            Some(_) => StepPlan::Changed,
        };
        (name.clone(), step)
    });
    HostPlan {
        address: wish.address.clone(),
        asleep: wish.asleep,
        replaced: known.is_some() && lasting.is_none(),
        steps: steps.collect(),
        standing: lasting.map(|known| (known.standing, known.lacks.clone())),
        measured: lasting.map(|known| known.measured),
        drift: lasting.map(drift).unwrap_or_default(),
    }
}

fn drift(known: &HostRecord) -> Vec<VersionDrift> {
    let found = known.found.iter();
    found
        .map(|(what, found)| VersionDrift {
            what: what.clone(),
            left: known.versions.get(what).cloned().unwrap_or_default(),
            found: found.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::samples;

    fn wish(machine: Option<&str>, steps: &[(&str, &str)]) -> HostWish {
        let steps = steps.iter();
        HostWish {
            address: Address::new("node.sim.0"),
            machine: machine.map(ToOwned::to_owned),
            asleep: false,
            agent: crate::host::AgentWish::NotAsked,
            steps: steps
                .map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned()))
                .collect(),
        }
    }

    fn plan(wish: &HostWish) -> HostPlan {
        let none = BTreeSet::new();
        let mut plans = host_plans(
            std::slice::from_ref(wish),
            Some(&samples::lockfile()),
            &none,
        );
        plans.pop().expect("it has steps")
    }

    #[test]
    fn each_step_is_new_changed_or_done() {
        use StepPlan::{Changed, Done, New};
        for (machine, digest, steps, replaced) in [
            // As remembered.
            (Some("i-0"), "dd44", [Done, New], false),
            // Another script.
            (Some("i-0"), "ee55", [Changed, New], false),
            // Another machine, and one that is yet to be launched.
            (Some("i-9"), "dd44", [New, New], true),
            (None, "dd44", [New, New], true),
        ] {
            let plan = plan(&wish(machine, &[("base", digest), ("docker", "x")]));
            let found: Vec<StepPlan> = plan.steps.iter().map(|(_, step)| *step).collect();
            assert_eq!(
                (found.as_slice(), plan.replaced),
                (&steps[..], replaced),
                "{machine:?}"
            );
            assert!(plan.has_work());
            assert_eq!(plan.drift.is_empty(), replaced);
        }
        let done = plan(&wish(Some("i-0"), &[("base", "dd44")]));
        assert!(!done.has_work());
        assert_eq!(done.drift[0].found, "27.4.0");
        assert_eq!(
            done.standing.map(|(standing, _)| standing),
            Some(Standing::NotReady)
        );
    }

    #[test]
    fn what_sleeps_is_left_and_what_is_not_aimed_at_is_not_shown() {
        let asleep = HostWish {
            asleep: true,
            ..wish(Some("i-0"), &[("docker", "x")])
        };
        assert!(!plan(&asleep).has_work());
        let wishes = [wish(None, &[("base", "x")]), wish(None, &[])];
        let aimed = |target: &str| {
            let targets = BTreeSet::from([Address::new(target)]);
            host_plans(&wishes, None, &targets).len()
        };
        assert_eq!((aimed("node.sim"), aimed("node.arm")), (1, 0));
        assert_eq!(host_plans(&wishes, None, &BTreeSet::new()).len(), 1);
    }
}
