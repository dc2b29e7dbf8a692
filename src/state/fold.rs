//! One transition function for the journal: what is known, and one more record, give what is known next.
//!
//! Recovery, the running engine and every display go through it, so a record means the same to all of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Effect, Intent, LabEntry, Lockfile, Record};
use crate::model::{LabId, RunId};

/// The head of a run: what its first record says, but for what went into the lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The run.
    pub run: RunId,
    /// The command.
    pub command: String,
    /// The lab.
    pub lab: LabEntry,
    /// The lockfile's serial that it began from.
    pub serial: u64,
    /// When it began.
    pub at: Timestamp,
}

/// What a lockfile and a journal together say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Folded {
    /// The lockfile with everything that the journal knows; its serial is that of the last one written.
    pub lockfile: Option<Lockfile>,
    /// The suspects: what may exist although nobody saw it. By the intent's number.
    pub open: BTreeMap<u64, Intent>,
    /// The last run that began.
    pub run: Option<RunId>,
    /// How it began.
    pub begun: Option<Begun>,
    /// Whether it ended. True also if none began.
    pub ended: bool,
    /// The next number that no intent in the journal has.
    pub next_seq: u64,
}

impl Folded {
    /// Whether the journal holds nothing that the lockfile does not: it may be put away once that is written.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }
}

/// Why a record cannot stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegality {
    /// No run has begun, or the last one ended.
    #[error("it belongs to no run")]
    OutsideRun,
    /// A run of this name began before.
    #[error("the run {0} began before")]
    RunTwice(RunId),
    /// The run that ends is not the run that began.
    #[error("the run {ended} ends where {begun} is under way")]
    OtherRunEnds {
        /// The run that is under way.
        begun: RunId,
        /// The run that is said to end.
        ended: RunId,
    },
    /// The run is about another lab than the lockfile or the runs before.
    #[error("it is about the lab {found}, and what was there before is about {expected}")]
    OtherLab {
        /// The lab until now.
        expected: LabId,
        /// The lab of this record.
        found: LabId,
    },
    /// An intent has a number that was given already.
    #[error("the intent {0} was written before")]
    IntentTwice(u64),
    /// An effect has no open intent.
    #[error("nothing is open under the number {0}")]
    NoSuchIntent(u64),
}

/// A record that cannot stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {number} of the journal is out of place: {what}")]
pub struct IllegalRecord {
    /// Which record, from 1.
    pub number: u64,
    /// What is wrong with it.
    pub what: Illegality,
}

/// What is known after some records.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalState {
    folded: Folded,
    records: u64,
    runs: BTreeSet<RunId>,
    /// The highest number of this run's intents.
    last_seq: Option<u64>,
    /// Runs whose effects the lockfile held from the start: what it says since then is newer.
    contained: BTreeSet<RunId>,
}

impl JournalState {
    /// What is known before the first record: nothing but the lockfile.
    pub fn new(lockfile: Option<Lockfile>) -> Self {
        Self {
            folded: Folded {
                lockfile,
                ended: true,
                next_seq: 1,
                ..Folded::default()
            },
            records: 0,
            runs: BTreeSet::new(),
            last_seq: None,
            contained: BTreeSet::new(),
        }
    }

    /// What is known from a journal and the lockfile it began from, or a later one. A new run goes on from here.
    ///
    /// A run that ended and began from an older lockfile is contained in this one. A run that did not end is folded
    /// again, which changes nothing that is there already.
    pub fn recover(lockfile: Option<Lockfile>, records: &[Record]) -> Result<Self, IllegalRecord> {
        let serial = lockfile.as_ref().map(|lockfile| lockfile.serial);
        let mut state = Self::new(lockfile);
        if let Some(serial) = serial {
            state.contained = contained(serial, records);
        }
        for record in records {
            state.apply(record)?;
        }
        Ok(state)
    }

    /// What is known now.
    pub fn folded(&self) -> &Folded {
        &self.folded
    }

    /// What is known in the end.
    pub fn into_folded(self) -> Folded {
        self.folded
    }

    /// Takes one record in. After an error nothing has changed.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        self.check(record).map_err(|what| IllegalRecord {
            number: self.records + 1,
            what,
        })?;
        self.records += 1;
        match record {
            Record::Begun { .. } => self.begin(record),
            Record::Intent(intent) => {
                self.last_seq = Some(intent.seq);
                self.folded.next_seq = self.folded.next_seq.max(intent.seq.saturating_add(1));
                self.folded.open.insert(intent.seq, intent.clone());
            }
            Record::Effect { seq, effect } => self.settle(*seq, effect),
            Record::Kept { address, recorded } => {
                if let Some(lockfile) = self.target() {
                    lockfile.take_in(address, recorded);
                }
            }
            Record::Gone { address, id } => {
                if let Some(lockfile) = self.target() {
                    lockfile.forget(address, id);
                }
            }
            Record::Fresh | Record::Applied => {
                let unfinished = matches!(record, Record::Fresh);
                if let Some(lockfile) = self.target() {
                    lockfile.unfinished = unfinished;
                }
            }
            Record::Host { address, host } => {
                if let Some(lockfile) = self.target() {
                    lockfile.hosts.insert(address.clone(), host.clone());
                }
            }
            Record::HostGone { address } => {
                if let Some(lockfile) = self.target() {
                    lockfile.hosts.remove(address);
                }
            }
            Record::Ended { .. } => self.folded.ended = true,
        }
        Ok(())
    }

    /// Whether `record` may come next.
    fn check(&self, record: &Record) -> Result<(), Illegality> {
        if let Record::Begun { run, lab, .. } = record {
            return self.check_begun(run, lab);
        }
        let Some(begun) = self.folded.run.as_ref().filter(|_| !self.folded.ended) else {
            return Err(Illegality::OutsideRun);
        };
        match record {
            Record::Intent(Intent { seq, .. })
                if self.last_seq.is_some_and(|last| *seq <= last)
                    || self.folded.open.contains_key(seq) =>
            {
                Err(Illegality::IntentTwice(*seq))
            }
            Record::Effect { seq, .. } if !self.folded.open.contains_key(seq) => {
                Err(Illegality::NoSuchIntent(*seq))
            }
            Record::Ended { run, .. } if run != begun => Err(Illegality::OtherRunEnds {
                begun: begun.clone(),
                ended: run.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn check_begun(&self, run: &RunId, lab: &LabEntry) -> Result<(), Illegality> {
        if self.runs.contains(run) {
            return Err(Illegality::RunTwice(run.clone()));
        }
        match self.folded.lockfile.as_ref().map(|lockfile| &lockfile.lab) {
            Some(known) if known.id != lab.id => Err(Illegality::OtherLab {
                expected: known.id.clone(),
                found: lab.id.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, record: &Record) {
        let Record::Begun {
            run,
            command,
            lab,
            pins,
            serial,
            at,
        } = record
        else {
            return;
        };
        self.runs.insert(run.clone());
        self.last_seq = None;
        self.folded.ended = false;
        self.folded.run = Some(run.clone());
        self.folded.begun = Some(Begun {
            run: run.clone(),
            command: command.clone(),
            lab: lab.clone(),
            serial: *serial,
            at: *at,
        });
        let lockfile = self
            .folded
            .lockfile
            .get_or_insert_with(|| Lockfile::new(lab.clone()));
        // A lockfile that was written since this run began has pins that are at least as new.
        if lockfile.serial <= *serial {
            lockfile.serial = *serial;
            lockfile.pins = pins.clone();
        }
        if !lockfile.lab.has_cloud() {
            lockfile.lab = lab.clone();
        }
    }

    fn settle(&mut self, seq: u64, effect: &Effect) {
        match effect {
            Effect::Made { resources } => {
                if let Some(lockfile) = self.target() {
                    for (address, recorded) in resources {
                        lockfile.take_in(address, recorded);
                    }
                }
            }
            Effect::Refused { failure: _ } | Effect::Cleared => {}
            Effect::Unknown { failure: _ } => return,
        }
        self.folded.open.remove(&seq);
    }

    /// The lockfile that takes this run's effects; `None` if it had them from the start.
    fn target(&mut self) -> Option<&mut Lockfile> {
        let contained = self
            .folded
            .run
            .as_ref()
            .is_some_and(|run| self.contained.contains(run));
        self.folded.lockfile.as_mut().filter(|_| !contained)
    }
}

/// Folds a journal into a lockfile; see [`JournalState::recover`].
pub fn fold(lockfile: Option<Lockfile>, records: &[Record]) -> Result<Folded, IllegalRecord> {
    JournalState::recover(lockfile, records).map(JournalState::into_folded)
}

/// The runs that a lockfile of this serial contains: those that ended and began from an older one, and those
/// before them, since a run begins with what the runs before it left.
fn contained(serial: u64, records: &[Record]) -> BTreeSet<RunId> {
    let ended: BTreeSet<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Ended { run, .. } => Some(run),
            _ => None,
        })
        .collect();
    let runs: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Begun {
                run, serial: from, ..
            } => Some((run, *from < serial && ended.contains(run))),
            _ => None,
        })
        .collect();
    let last = runs.iter().rposition(|(_, contained)| *contained);
    let count = last.map_or(0, |index| index + 1);
    runs.into_iter()
        .take(count)
        .map(|(run, _)| run.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Address, CloudId, Failure, FailureClass, Kind};
    use crate::state::{Recorded, samples};

    fn begun(run: &str, serial: u64) -> Record {
        samples::begun(run, serial)
    }

    fn ended(run: &str) -> Record {
        Record::Ended {
            run: RunId::new(run),
            at: samples::at(9),
        }
    }

    fn intent(seq: u64, address: &str) -> Record {
        Record::Intent(samples::intent(seq, address))
    }

    fn made(seq: u64, address: &str, id: &str) -> Record {
        Record::Effect {
            seq,
            effect: Effect::Made {
                resources: vec![(Address::new(address), samples::recorded(Kind::Vpc, id))],
            },
        }
    }

    fn unknown(seq: u64) -> Record {
        let failure = Failure::local(FailureClass::Unreachable, "CreateVpc", "cut");
        Record::Effect {
            seq,
            effect: Effect::Unknown { failure },
        }
    }

    fn cleared(seq: u64) -> Record {
        Record::Effect {
            seq,
            effect: Effect::Cleared,
        }
    }

    fn gone(address: &str, id: &str) -> Record {
        Record::Gone {
            address: Address::new(address),
            id: CloudId::new(id),
        }
    }

    fn ids(folded: &Folded) -> Vec<(&str, &str)> {
        folded
            .lockfile
            .iter()
            .flat_map(|lockfile| &lockfile.resources)
            .map(|(address, recorded)| (address.as_str(), recorded.id.as_str()))
            .collect()
    }

    #[test]
    fn nothing_folds_to_nothing() {
        let folded = fold(None, &[]).expect("nothing is legal");
        assert_eq!((folded.lockfile.clone(), folded.run.clone()), (None, None));
        assert!(folded.ended && folded.is_settled());
        assert_eq!(folded.next_seq, 1);
    }

    #[test]
    fn a_first_run_that_crashed_is_known_without_a_lockfile() {
        let records = [
            begun("r1", 0),
            intent(1, "network.vpc"),
            made(1, "network.vpc", "vpc-1"),
            intent(2, "node.sim"),
        ];
        let folded = fold(None, &records).expect("it is legal");
        assert_eq!(ids(&folded), [("network.vpc", "vpc-1")]);
        assert_eq!(folded.open.keys().copied().collect::<Vec<_>>(), [2]);
        assert_eq!(
            folded.lockfile.map(|l| (l.lab, l.pins)),
            Some((samples::lab(), samples::pins()))
        );
        assert!(!folded.ended);
        assert_eq!(folded.next_seq, 3);
    }

    #[test]
    fn a_suspect_stays_until_a_later_run_settles_it() {
        let mut records = vec![begun("r1", 0), intent(1, "a"), unknown(1), intent(2, "b")];
        records.extend([begun("r2", 0), made(2, "b", "b-1"), unknown(1)]);
        let folded = fold(None, &records).expect("it is legal");
        assert_eq!(folded.open.keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(ids(&folded), [("b", "b-1")]);
        records.extend([cleared(1), intent(1, "a"), made(1, "a", "a-1"), ended("r2")]);
        let folded = fold(None, &records).expect("a number is unique within its run only");
        assert!(folded.is_settled() && folded.ended);
        assert_eq!(ids(&folded), [("a", "a-1"), ("b", "b-1")]);
    }

    #[test]
    fn what_goes_after_its_successor_came_does_not_take_it_along() {
        let records = [
            begun("r1", 0),
            intent(1, "a"),
            made(1, "a", "old"),
            intent(2, "a"),
            made(2, "a", "new"),
            gone("a", "old"),
            gone("b", "never"),
        ];
        let folded = fold(None, &records).expect("it is legal");
        assert_eq!(ids(&folded), [("a", "new")]);
    }

    #[test]
    fn what_is_known_of_a_host_goes_with_its_machine() {
        let host = |address: &str, machine: &str| Record::Host {
            address: Address::new(address),
            host: crate::state::HostRecord {
                machine: machine.to_owned(),
                ..samples::host()
            },
        };
        let tended = [
            begun("r1", 0),
            intent(1, "n.0"),
            made(1, "n.0", "i-1"),
            host("n.0", "i-1"),
            host("edge.a", "192.0.2.1:22"),
        ];
        let kept = Record::Kept {
            address: Address::new("n.0"),
            recorded: samples::recorded(Kind::Instance, "i-2"),
        };
        let dropped = Record::HostGone {
            address: Address::new("edge.a"),
        };
        for (then, hosts) in [
            (vec![], &["edge.a", "n.0"][..]),
            // Another machine took its place.
            (vec![intent(2, "n.0"), made(2, "n.0", "i-2")], &["edge.a"]),
            (vec![kept], &["edge.a"]),
            (vec![gone("n.0", "i-1")], &["edge.a"]),
            // The old machine goes after the new one was tended.
            (
                vec![
                    intent(2, "n.0"),
                    made(2, "n.0", "i-2"),
                    host("n.0", "i-2"),
                    gone("n.0", "i-1"),
                ],
                &["edge.a", "n.0"],
            ),
            (vec![dropped], &["n.0"]),
        ] {
            let records = [&tended[..], &then[..]].concat();
            let folded = fold(None, &records).expect("it is legal");
            let known = folded.lockfile.expect("a run began").hosts;
            let known: Vec<&str> = known.keys().map(Address::as_str).collect();
            assert_eq!(known, hosts, "{then:?}");
        }
    }

    #[test]
    fn an_ended_run_is_folded_once() {
        let run = [
            begun("r1", 3),
            intent(1, "a"),
            made(1, "a", "a-1"),
            gone("b", "b-1"),
            ended("r1"),
        ];
        let with = |serial, resources: &[(&str, &str)]| Lockfile {
            serial,
            resources: resources
                .iter()
                .map(|(address, id)| (Address::new(*address), samples::recorded(Kind::Vpc, id)))
                .collect(),
            ..samples::lockfile()
        };
        // A lockfile written later, perhaps elsewhere, is newer than the journal.
        let later = with(5, &[("b", "b-1")]);
        let folded = fold(Some(later), &run).expect("it is legal");
        assert_eq!(ids(&folded), [("b", "b-1")]);
        // The same lockfile as before the run, for example an older copy that was put back: it is folded in again.
        let before = with(3, &[("b", "b-1")]);
        let folded = fold(Some(before), &run).expect("it is legal");
        assert_eq!(ids(&folded), [("a", "a-1")]);
        // Cut between the lockfile's write and the record of it.
        let after = with(4, &[("a", "a-1")]);
        let folded = fold(Some(after.clone()), &run[..4]).expect("it is legal");
        assert_eq!(folded.lockfile, Some(after));
        // An older lockfile than the run began from does not turn the serial back.
        let older = with(1, &[]);
        let folded = fold(Some(older), &run).expect("it is legal");
        assert_eq!(folded.lockfile.map(|lockfile| lockfile.serial), Some(3));
    }

    #[test]
    fn a_record_out_of_place_is_named() {
        let other_lab = |record: Record| match record {
            Record::Begun {
                run,
                command,
                lab,
                pins,
                serial,
                at,
            } => Record::Begun {
                run,
                command,
                lab: LabEntry {
                    id: LabId::new("other"),
                    ..lab
                },
                pins,
                serial,
                at,
            },
            other => other,
        };
        let cases: [(Vec<Record>, u64, &str); 9] = [
            (vec![intent(1, "a")], 1, "belongs to no run"),
            (
                vec![begun("r1", 0), ended("r1"), gone("a", "a-1")],
                3,
                "belongs to no run",
            ),
            (
                vec![begun("r1", 0), begun("r1", 0)],
                2,
                "the run r1 began before",
            ),
            (
                vec![begun("r1", 0), ended("r2")],
                2,
                "the run r2 ends where r1",
            ),
            (
                vec![begun("r1", 0), other_lab(begun("r2", 0))],
                2,
                "about the lab other",
            ),
            (
                vec![begun("r1", 0), intent(1, "a"), intent(1, "b")],
                3,
                "intent 1 was written",
            ),
            (
                vec![
                    begun("r1", 0),
                    intent(1, "a"),
                    begun("r2", 0),
                    intent(1, "b"),
                ],
                4,
                "intent 1",
            ),
            (
                vec![begun("r1", 0), made(1, "a", "a-1")],
                2,
                "open under the number 1",
            ),
            (
                vec![
                    begun("r1", 0),
                    intent(1, "a"),
                    cleared(1),
                    made(1, "a", "x"),
                ],
                4,
                "number 1",
            ),
        ];
        for (records, number, expected) in cases {
            let illegal = fold(None, &records).expect_err(expected);
            assert_eq!(illegal.number, number, "{illegal}");
            assert!(illegal.to_string().contains(expected), "{illegal}");
        }
    }

    #[test]
    fn after_an_illegal_record_nothing_has_changed() {
        let mut state = JournalState::new(None);
        state.apply(&begun("r1", 0)).expect("a run may begin");
        let before = state.clone();
        state.apply(&cleared(4)).expect_err("nothing is open");
        assert_eq!(state, before);
    }

    /// What a run may do next, as small numbers that `journal` turns into a record that is legal there.
    type Choice = (u8, u8);

    /// A legal journal of several runs.
    fn journal(choices: &[Choice]) -> Vec<Record> {
        let mut state = JournalState::new(None);
        let mut records = Vec::new();
        let mut push = |state: &mut JournalState, record: Record| {
            state
                .apply(&record)
                .expect("the generator writes legal records");
            records.push(record);
        };
        push(&mut state, begun("r0", 0));
        let mut serial = 0;
        for (index, (what, which)) in choices.iter().enumerate() {
            let address = format!("node.n{}", which % 5);
            let open: Vec<_> = state.folded().open.keys().copied().collect();
            let seq = open.get(usize::from(*which) % open.len().max(1)).copied();
            let record = match (what % 8, seq) {
                _ if state.folded().ended => begun(&format!("r{}", index + 1), serial),
                (0, _) => begun(&format!("r{}", index + 1), serial),
                (1, _) => ended(state.folded().run.as_ref().expect("a run began").as_str()),
                (2 | 3, Some(seq)) => made(seq, &address, &format!("id-{index}")),
                (4, Some(seq)) => unknown(seq),
                (5, Some(seq)) => cleared(seq),
                (6, _) => gone(&address, &format!("id-{which}")),
                _ => intent(state.folded().next_seq, &address),
            };
            // With the end of a run the next lockfile has been written.
            serial += u64::from(matches!(record, Record::Ended { .. }));
            push(&mut state, record);
        }
        records
    }

    proptest! {
        #[test]
        fn any_prefix_folds_and_loses_nothing_made(
            choices in proptest::collection::vec(any::<Choice>(), 0..60),
        ) {
            let records = journal(&choices);
            for end in 0..=records.len() {
                let folded = fold(None, &records[..end]).expect("a prefix of a legal journal is legal");
                let mut expected: BTreeMap<Address, Recorded> = BTreeMap::new();
                let mut suspects = BTreeSet::new();
                for record in &records[..end] {
                    match record {
                        Record::Intent(intent) => {
                            suspects.insert(intent.seq);
                        }
                        Record::Effect { effect: Effect::Unknown { .. }, .. } => {}
                        Record::Effect { seq, effect } => {
                            suspects.remove(seq);
                            if let Effect::Made { resources } = effect {
                                expected.extend(resources.iter().cloned());
                            }
                        }
                        Record::Gone { address, id } => expected.retain(|a, r| a != address || r.id != *id),
                        _ => {}
                    }
                }
                let resources = folded.lockfile.map(|l| l.resources).unwrap_or_default();
                prop_assert_eq!(resources, expected);
                prop_assert_eq!(folded.open.keys().copied().collect::<BTreeSet<_>>(), suspects);
            }
        }

        #[test]
        fn folding_into_a_lockfile_that_has_it_all_changes_nothing(
            choices in proptest::collection::vec(any::<Choice>(), 0..60),
            bump in any::<bool>(),
        ) {
            let records = journal(&choices);
            let folded = fold(None, &records).expect("it is legal");
            let once = folded.lockfile.clone().expect("a run began");
            // Written, and either the end was recorded or the run was cut before that.
            let once = if bump || folded.ended { once.next() } else { once };
            let twice = fold(Some(once.clone()), &records).expect("it is legal");
            prop_assert_eq!(twice.lockfile, Some(once));
            prop_assert_eq!(twice.open, folded.open);
        }
    }
}
