//! Folds the events of a run into what a display shows: like resources together, each with what it does now.
//!
//! Pure: it does not know how it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::event::{Event, Outline};
use crate::model::{Action, Address, CloudId, Kind};
use crate::ui::fold::{FOLD_FROM, Shape, short_label};
use crate::ui::style::Look;
use crate::ui::text::since;

/// What a group does between two of its steps.
const BETWEEN: &str = "waiting for others";

/// What has become of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Done,
    Failed,
    Skipped,
}

/// One resource, or several like ones, as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) action: Action,
    pub(super) members: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    /// What is being done: `RunInstances`, `3 of 5 running`.
    pub(super) doing: String,
    /// The id of a single resource.
    pub(super) id: Option<CloudId>,
    pub(super) began: Option<Timestamp>,
    /// How many of its steps are under way.
    running: usize,
}

impl Group {
    /// Whether everything in it has met its fate.
    pub(super) fn is_over(&self) -> bool {
        self.done + self.failed + self.skipped == self.members
    }

    pub(super) fn took(&self, now: Timestamp) -> Duration {
        self.began
            .map(|began| since(began, now))
            .unwrap_or_default()
    }
}

/// The groups that an event was about, by their place in `groups`.
pub(super) type Touched = BTreeSet<usize>;

/// The state of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) groups: Vec<Group>,
    members: BTreeMap<Address, (usize, Fate)>,
    pub(super) began: Option<Timestamp>,
    /// Groups whose end has been told.
    ended: Touched,
    /// What has been said of whom, so that many like things do not say the same.
    said: BTreeSet<(String, String)>,
    /// Once the user has asked to stop: how many steps were still running.
    pub(super) draining: Option<usize>,
}

impl Progress {
    /// Takes an event in; says which groups it was about.
    pub(super) fn fold(&mut self, event: &Event, now: Timestamp, look: &Look) -> Touched {
        match event {
            Event::Begun { run: _, outline } => {
                self.began = Some(now);
                self.open(outline, look);
                Touched::new()
            }
            Event::StepBegun {
                address,
                covers,
                what,
            } => {
                let touched = self.working(address, covers, what, now);
                self.count_steps(&touched, |running| running + 1);
                touched
            }
            Event::Waiting {
                address,
                what,
                elapsed: _,
            } => self.working(address, &[], what, now),
            Event::Retrying {
                address,
                failure,
                tries,
                wait: _,
            } => {
                let why = failure.code.as_deref().unwrap_or(&failure.message);
                self.working(address, &[], &format!("{why}, try {}", tries + 1), now)
            }
            Event::FellBack {
                address,
                from: _,
                to,
                code: _,
            } => self.working(address, &[], &format!("trying {to}"), now),
            Event::Made {
                address,
                kind: _,
                id,
            } => self.made(address, id),
            Event::StepDone {
                address,
                covers,
                took: _,
            } => {
                let touched = self.places(address, covers);
                self.count_steps(&touched, |running| running.saturating_sub(1));
                touched
            }
            Event::ResourceDone {
                address,
                kind: _,
                action: _,
                id,
                took: _,
            } => {
                if let Some(id) = id {
                    self.made(address, id);
                }
                self.meets(std::slice::from_ref(address), Fate::Done)
            }
            Event::StepFailed {
                address,
                covers,
                failure: _,
            } => self.meets(
                if covers.is_empty() {
                    std::slice::from_ref(address)
                } else {
                    covers
                },
                Fate::Failed,
            ),
            Event::Skipped {
                address,
                because: _,
            } => self.meets(std::slice::from_ref(address), Fate::Skipped),
            Event::Draining { running } => {
                self.draining = Some(*running);
                Touched::new()
            }
            Event::Ended { .. } => Touched::new(),
        }
    }

    /// How many resources have met their fate, of how many.
    pub(super) fn counts(&self) -> (usize, usize) {
        let over = self
            .groups
            .iter()
            .map(|group| group.done + group.failed + group.skipped)
            .sum();
        (over, self.members.len())
    }

    /// Whether the group is over and that is news; it is so once.
    pub(super) fn has_just_ended(&mut self, place: usize) -> bool {
        self.groups[place].is_over() && self.ended.insert(place)
    }

    /// Whether nobody of this label has said this before.
    pub(super) fn is_news(&mut self, label: &str, text: &str) -> bool {
        self.said.insert((label.to_owned(), text.to_owned()))
    }

    /// Since the run began.
    pub(super) fn elapsed(&self, now: Timestamp) -> Duration {
        self.began
            .map(|began| since(began, now))
            .unwrap_or_default()
    }

    /// The label of what an event is about: the group's, if it is one resource or stands for several.
    pub(super) fn label(&self, address: &Address) -> String {
        match self.members.get(address) {
            Some((place, _)) => self.groups[*place].label.clone(),
            None => address.to_string(),
        }
    }

    fn open(&mut self, outline: &[Outline], look: &Look) {
        let mut sorted: Vec<(Shape, &Outline)> = outline
            .iter()
            .map(|entry| (Shape::of(&entry.address), entry))
            .collect();
        sorted.sort_by(|(a, x), (b, y)| {
            (x.kind, x.action, a.pattern(), a).cmp(&(y.kind, y.action, b.pattern(), b))
        });
        let alike = |(a, x): &(Shape, &Outline), (b, y): &(Shape, &Outline)| {
            a.is_like(b) && (x.kind, x.action) == (y.kind, y.action)
        };
        for run in sorted.chunk_by(alike) {
            for part in run.chunks(if run.len() >= FOLD_FROM { run.len() } else { 1 }) {
                self.add(part, look);
            }
        }
    }

    fn add(&mut self, part: &[(Shape, &Outline)], look: &Look) {
        let shapes: Vec<Shape> = part.iter().map(|(shape, _)| shape.clone()).collect();
        let first = part[0].1;
        for (_, entry) in part {
            self.members
                .insert(entry.address.clone(), (self.groups.len(), Fate::Open));
        }
        self.groups.push(Group {
            label: short_label(&shapes, look),
            kind: first.kind,
            action: first.action,
            members: part.len(),
            done: 0,
            failed: 0,
            skipped: 0,
            doing: String::new(),
            id: None,
            began: None,
            running: 0,
        });
    }

    /// The groups of what a step covers; of a step that says nothing of that, of what lies at its address.
    fn places(&self, address: &Address, covers: &[Address]) -> Touched {
        let place = |address: &Address| self.members.get(address).map(|(place, _)| *place);
        let covered: Touched = covers.iter().filter_map(place).collect();
        if !covered.is_empty() {
            return covered;
        }
        if let Some(own) = place(address) {
            return Touched::from([own]);
        }
        let below = self
            .members
            .range(address.clone()..)
            .take_while(|(other, _)| other.as_str().starts_with(address.as_str()));
        below
            .filter(|(other, _)| other.is_within(address))
            .map(|(_, (place, _))| *place)
            .collect()
    }

    fn working(
        &mut self,
        address: &Address,
        covers: &[Address],
        what: &str,
        now: Timestamp,
    ) -> Touched {
        let mut touched = self.places(address, covers);
        touched.retain(|place| !self.groups[*place].is_over());
        for place in &touched {
            let group = &mut self.groups[*place];
            what.clone_into(&mut group.doing);
            group.began.get_or_insert(now);
        }
        touched
    }

    fn count_steps(&mut self, touched: &Touched, count: fn(usize) -> usize) {
        for place in touched {
            let group = &mut self.groups[*place];
            group.running = count(group.running);
            if group.running == 0 {
                BETWEEN.clone_into(&mut group.doing);
            }
        }
    }

    fn made(&mut self, address: &Address, id: &CloudId) -> Touched {
        let touched = self.places(address, &[]);
        for place in &touched {
            let group = &mut self.groups[*place];
            group.id = (group.members == 1).then(|| id.clone());
        }
        touched
    }

    fn meets(&mut self, addresses: &[Address], fate: Fate) -> Touched {
        let mut touched = Touched::new();
        for address in addresses {
            let Some((place, now)) = self
                .members
                .get_mut(address)
                .filter(|(_, now)| *now == Fate::Open)
            else {
                continue;
            };
            *now = fate;
            let group = &mut self.groups[*place];
            match fate {
                Fate::Done => group.done += 1,
                Fate::Failed => group.failed += 1,
                Fate::Skipped => group.skipped += 1,
                Fate::Open => {}
            }
            touched.insert(*place);
        }
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, outline};
    use super::*;

    fn progress(addresses: &[&str]) -> Progress {
        let mut progress = Progress::default();
        let begun = Event::Begun {
            run: crate::model::RunId::new("r1"),
            outline: outline(addresses),
        };
        progress.fold(&begun, at(0), &Look::plain(80));
        progress
    }

    fn nodes(count: usize) -> Vec<Address> {
        (0..count)
            .map(|index| Address::new(format!("node.sim.{index}")))
            .collect()
    }

    #[test]
    fn like_resources_are_one_group_and_end_once() {
        let all = nodes(50);
        let names: Vec<&str> = all.iter().map(Address::as_str).collect();
        let mut progress = progress(&names);
        assert_eq!(progress.groups.len(), 1);
        let step = Event::StepBegun {
            address: Address::new("node.sim"),
            covers: all.clone(),
            what: "RunInstances".to_owned(),
        };
        progress.fold(&step, at(1), &Look::plain(80));
        assert_eq!(progress.groups[0].doing, "RunInstances");
        let wait = Event::Waiting {
            address: Address::new("node.sim"),
            what: "3 of 50 running".to_owned(),
            elapsed: Duration::ZERO,
        };
        assert_eq!(
            progress.fold(&wait, at(2), &Look::plain(80)),
            Touched::from([0])
        );
        assert_eq!(progress.groups[0].doing, "3 of 50 running");
        for address in &all {
            assert!(!progress.groups[0].is_over());
            progress.meets(std::slice::from_ref(address), Fate::Done);
        }
        assert!(progress.groups[0].is_over());
        assert_eq!(progress.counts(), (50, 50));
    }

    #[test]
    fn nobody_meets_two_fates() {
        let mut progress = progress(&["node.sim.0", "elastic-ip.sim.0"]);
        let failed = nodes(1);
        progress.meets(&failed, Fate::Failed);
        progress.meets(&failed, Fate::Skipped);
        assert_eq!(progress.counts(), (1, 2));
    }

    #[test]
    fn an_address_is_not_taken_for_one_that_begins_like_it() {
        let progress = progress(&["node.sim.0", "node.simulator.0"]);
        assert_eq!(progress.places(&Address::new("node.sim"), &[]).len(), 1);
    }
}
