//! Which step may begin next. Pure: it knows steps by number and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Op;
use crate::plan::{Step, StepId};

/// The order of a run as it goes on.
#[derive(Debug)]
pub(super) struct Schedule {
    /// How many steps each waits for.
    missing: Vec<usize>,
    /// What waits for each.
    waiting: Vec<Vec<StepId>>,
    /// How much work, in rough milliseconds, stands behind each until the end.
    behind: Vec<u64>,
    /// May begin, the one with most behind it first.
    ready: BTreeSet<(std::cmp::Reverse<u64>, StepId)>,
    /// Will never begin, and because of which step.
    lost: BTreeMap<StepId, StepId>,
}

impl Schedule {
    /// The schedule of steps of which each comes after those it waits for.
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut waiting = vec![Vec::new(); steps.len()];
        for (id, step) in steps.iter().enumerate() {
            for other in &step.after {
                waiting[*other].push(id);
            }
        }
        let mut behind = vec![0; steps.len()];
        for id in (0..steps.len()).rev() {
            let most: u64 = waiting[id]
                .iter()
                .map(|next| behind[*next])
                .max()
                .unwrap_or(0);
            behind[id] = most + weight(&steps[id].op);
        }
        let missing: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        let ready = (0..steps.len())
            .filter(|id| missing[*id] == 0)
            .map(|id| (std::cmp::Reverse(behind[id]), id));
        Self {
            ready: ready.collect(),
            missing,
            waiting,
            behind,
            lost: BTreeMap::new(),
        }
    }

    /// Takes the next step that may begin.
    pub(super) fn next(&mut self) -> Option<StepId> {
        self.ready.pop_first().map(|(_, id)| id)
    }

    /// A step succeeded.
    pub(super) fn succeeded(&mut self, id: StepId) {
        for next in std::mem::take(&mut self.waiting[id]) {
            self.missing[next] -= 1;
            if self.missing[next] == 0 && !self.lost.contains_key(&next) {
                self.ready
                    .insert((std::cmp::Reverse(self.behind[next]), next));
            }
        }
    }

    /// A step failed: nothing that comes after it will begin. Returns what is lost newly.
    pub(super) fn failed(&mut self, id: StepId) -> Vec<StepId> {
        let mut newly = Vec::new();
        let mut queue = std::mem::take(&mut self.waiting[id]);
        while let Some(next) = queue.pop() {
            if self.lost.insert(next, id).is_none() {
                newly.push(next);
                queue.extend(self.waiting[next].iter().copied());
            }
        }
        newly
    }
}

/// About how long a step takes, to begin what most waits for. Waits for machines dwarf calls.
fn weight(op: &Op) -> u64 {
    match op {
        Op::AwaitInstances { .. } => 30_000,
        Op::RunInstances { .. } => 1_500,
        Op::AwaitVolume { .. } => 1_000,
        _ => 200,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Address;

    fn steps(after: &[&[StepId]]) -> Vec<Step> {
        let step = |after: &&[StepId]| Step {
            address: Address::new("x"),
            covers: Vec::new(),
            op: Op::AllocateAddress,
            after: after.iter().copied().collect(),
        };
        after.iter().map(step).collect()
    }

    #[test]
    fn what_most_waits_for_begins_first() {
        let mut schedule = Schedule::new(&steps(&[&[], &[], &[1], &[2]]));
        assert_eq!(schedule.next(), Some(1));
        assert_eq!(schedule.next(), Some(0));
        assert_eq!(schedule.next(), None);
        schedule.succeeded(1);
        assert_eq!(schedule.next(), Some(2));
    }

    #[test]
    fn nothing_begins_after_a_failure() {
        let mut schedule = Schedule::new(&steps(&[&[], &[0], &[1], &[]]));
        assert_eq!(schedule.next(), Some(0));
        let mut lost = schedule.failed(0);
        lost.sort_unstable();
        assert_eq!(lost, [1, 2]);
        assert_eq!(schedule.next(), Some(3));
        assert_eq!(schedule.next(), None);
    }

    proptest! {
        #[test]
        fn every_step_begins_once_and_after_its_own(edges in prop::collection::vec((0usize..30, 0usize..30), 0..90)) {
            let mut after = vec![BTreeSet::new(); 30];
            for (a, b) in edges.into_iter().filter(|(a, b)| a > b) {
                after[a].insert(b);
            }
            let plan: Vec<Step> = after
                .iter()
                .map(|after| Step { address: Address::new("x"), covers: vec![], op: Op::AllocateAddress, after: after.clone() })
                .collect();
            let mut schedule = Schedule::new(&plan);
            let mut begun = BTreeSet::new();
            while let Some(id) = schedule.next() {
                prop_assert!(after[id].is_subset(&begun));
                prop_assert!(begun.insert(id));
                schedule.succeeded(id);
            }
            prop_assert_eq!(begun.len(), 30);
        }
    }
}
