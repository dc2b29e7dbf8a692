//! The queue on disk: one file for each closed interval, which is `.ready`, then `.sending`, then gone.
//!
//! A file that is `.sending` when the daemon starts was being sent when it was killed: nobody knows whether it arrived, so
//! it is given up and counted, and never sent twice. The oldest goes first when too many wait.
//!
//! What CloudWatch does not take by its time is not sent. By whose clock is the question: that of a machine that has just
//! been started may be years off. So it waits until CloudWatch has taken something else: calls are signed with the time,
//! so then the clock is right, and what was put aside by it is given up.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::batch;
use super::interval::Interval;
use super::ledger::{Drop, Ledger};
use super::outcome::Outcome;
use super::search::{Part, Search};
use crate::agent::files::{self, Lasting};

/// The most intervals that wait in memory while the disk cannot be written.
const IN_MEMORY: usize = 64;

/// Intervals on their way to CloudWatch, with what was counted of them.
#[derive(Debug)]
pub(crate) struct Queue {
    folder: PathBuf,
    ledger_file: PathBuf,
    limit: u64,
    ledger: Ledger,
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
    search: Search,
    /// Why the disk cannot be written, if so.
    unwritable: Option<String>,
}

#[derive(Debug, Clone)]
struct Waiting {
    samples: u64,
    bytes: u64,
    /// When it began, once it was read.
    start_s: Option<i64>,
    /// It could not be written.
    in_memory: Option<Interval>,
    sending: bool,
}

/// What is sent in one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    numbers: Vec<u64>,
    /// It is a part of a call that was refused.
    part: Option<Part>,
    /// What was put aside by the clock that signs the call.
    aside: Vec<(u64, Drop)>,
    /// The intervals.
    pub(crate) intervals: Vec<Interval>,
}

impl Queue {
    /// Opens it; what was being sent when the daemon was killed is given up.
    pub(crate) fn open(state: &Path, limit: u64) -> Self {
        let folder = state.join("queue");
        let ledger_file = state.join("ledger.json");
        let ledger: Ledger = fs::read(&ledger_file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let mut queue = Self {
            folder,
            ledger_file,
            limit,
            waiting: BTreeMap::new(),
            next: ledger.next,
            ledger,
            search: Search::default(),
            unwritable: None,
        };
        let listed = fs::create_dir_all(&queue.folder).and_then(|()| queue.list());
        queue.note(listed);
        queue
    }

    fn list(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some((number, samples, sending)) = name.to_str().and_then(read_name) else {
                // The rest of a write that was cut: it had not been queued yet.
                files::remove(&entry.path())?;
                continue;
            };
            self.next = self.next.max(number + 1);
            if number >= self.ledger.next {
                // The daemon was killed between writing it and counting it.
                self.ledger.queued += samples;
            }
            let waiting = Waiting {
                samples,
                bytes: entry.metadata()?.len(),
                start_s: None,
                in_memory: None,
                sending,
            };
            self.waiting.insert(number, waiting);
        }
        self.save()?;
        let cut: Vec<u64> = self.numbers(|waiting| waiting.sending);
        for number in cut {
            self.drop_one(number, Drop::Uncertain)?;
        }
        Ok(())
    }

    fn numbers(&self, kept: impl Fn(&Waiting) -> bool) -> Vec<u64> {
        let waiting = self.waiting.iter();
        waiting
            .filter(|(_, waiting)| kept(waiting))
            .map(|(number, _)| *number)
            .collect()
    }

    /// The number of the interval that is queued next; none has a number twice.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Queues a closed interval, durably if the disk can be written.
    pub(crate) fn push(&mut self, interval: &Interval) {
        let number = self.next;
        self.next += 1;
        self.ledger.queued += interval.samples;
        self.waiting.insert(
            number,
            Waiting {
                samples: interval.samples,
                bytes: 0,
                start_s: Some(interval.start_s),
                in_memory: Some(interval.clone()),
                sending: false,
            },
        );
        let result = self.write_down().and_then(|()| self.bound());
        let result = result.and_then(|()| self.save());
        self.note(result);
    }

    /// Writes what is in memory only.
    fn write_down(&mut self) -> io::Result<()> {
        for number in self.numbers(|waiting| waiting.in_memory.is_some() && !waiting.sending) {
            let path = self.path(number, false);
            let Some(waiting) = self.waiting.get_mut(&number) else {
                continue;
            };
            let bytes = serde_json::to_vec(&waiting.in_memory).map_err(io::Error::other)?;
            files::replace(&path, &bytes, Lasting::Synced)?;
            waiting.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            waiting.in_memory = None;
        }
        Ok(())
    }

    /// The oldest are given up until the rest is within its bounds.
    fn bound(&mut self) -> io::Result<()> {
        loop {
            let bytes: u64 = self.waiting.values().map(|waiting| waiting.bytes).sum();
            if bytes <= self.limit {
                return Ok(());
            }
            let Some(oldest) = self.oldest() else {
                return Ok(());
            };
            self.drop_one(oldest, Drop::Full)?;
        }
    }

    fn oldest(&self) -> Option<u64> {
        self.numbers(|waiting| !waiting.sending).first().copied()
    }

    fn drop_one(&mut self, number: u64, why: Drop) -> io::Result<()> {
        let Some(waiting) = self.waiting.remove(&number) else {
            return Ok(());
        };
        self.ledger.give_up(why, waiting.samples);
        // Counted before it is gone: at the worst it is counted twice, never not at all.
        self.save()?;
        files::remove(&self.path_of(number, waiting.samples, waiting.sending))
    }

    /// Takes the oldest intervals for one call, or a part of a call that was refused.
    pub(crate) fn take(&mut self, wall_s: i64) -> Option<Batch> {
        loop {
            let part = self.search.next();
            let ended = part.is_none();
            let mut batch = Batch {
                numbers: Vec::new(),
                part,
                aside: Vec::new(),
                intervals: Vec::new(),
            };
            let result = self.gather(wall_s, &mut batch);
            self.note(result);
            if !batch.numbers.is_empty() {
                return Some(batch);
            }
            if ended {
                return None;
            }
        }
    }

    fn gather(&mut self, wall_s: i64, batch: &mut Batch) -> io::Result<()> {
        let mut sets = 0;
        let mut failed = Ok(());
        let ready = match &batch.part {
            Some(part) => part.numbers.clone(),
            None => self.numbers(|waiting| !waiting.sending),
        };
        for number in ready {
            if let Some(why) = self.out_of_window(number, wall_s) {
                batch.aside.push((number, why));
                continue;
            }
            let Some(interval) = self.read(number) else {
                self.drop_one(number, Drop::Damaged)?;
                continue;
            };
            if let Some(waiting) = self.waiting.get_mut(&number) {
                waiting.start_s = Some(interval.start_s);
            }
            if let Some(why) = self.out_of_window(number, wall_s) {
                batch.aside.push((number, why));
                continue;
            }
            if !batch::fits(sets, &interval) {
                break;
            }
            // What cannot be marked on disk waits: it would be sent again after a restart.
            if let Err(error) = self.mark(number) {
                failed = Err(error);
                continue;
            }
            sets += interval.sets.len();
            batch.numbers.push(number);
            batch.intervals.push(interval);
        }
        failed?;
        if batch.numbers.is_empty() {
            return Ok(());
        }
        files::sync_folder(&self.folder)
    }

    /// Why CloudWatch would not take it now, as far as it is known when it began.
    fn out_of_window(&self, number: u64, wall_s: i64) -> Option<Drop> {
        batch::out_of_window(self.waiting.get(&number)?.start_s?, wall_s)
    }

    fn read(&self, number: u64) -> Option<Interval> {
        let waiting = self.waiting.get(&number)?;
        if let Some(interval) = &waiting.in_memory {
            return Some(interval.clone());
        }
        let bytes = fs::read(self.path_of(number, waiting.samples, false)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn mark(&mut self, number: u64) -> io::Result<()> {
        let (from, to) = (self.path(number, false), self.path(number, true));
        let Some(waiting) = self.waiting.get_mut(&number) else {
            return Ok(());
        };
        if waiting.in_memory.is_none() {
            fs::rename(from, to)?;
        }
        waiting.sending = true;
        Ok(())
    }

    /// Says what became of a batch.
    pub(crate) fn settle(&mut self, batch: &Batch, outcome: &Outcome) {
        if *outcome == Outcome::Published {
            let samples = batch.intervals.iter().map(|one| one.samples);
            self.ledger.published += samples.sum::<u64>();
        }
        // Counted before they are gone, as what is given up is.
        let counted = self.save();
        let settled = self.settle_all(batch, outcome);
        self.note(counted.and(settled));
    }

    /// All of them, whatever the disk says to one.
    fn settle_all(&mut self, batch: &Batch, outcome: &Outcome) -> io::Result<()> {
        let given_up = self.searched(batch, outcome);
        let results = batch.numbers.iter().map(|number| match outcome {
            Outcome::Published => self.published(*number),
            Outcome::Rejected(_) if given_up.contains(number) => {
                self.drop_one(*number, Drop::Rejected)
            }
            Outcome::NotTaken(..) | Outcome::Rejected(_) => self.put_back(*number),
            Outcome::Uncertain(_) => self.drop_one(*number, Drop::Uncertain),
        });
        let mut results: Vec<io::Result<()>> = results.collect();
        if *outcome == Outcome::Published {
            let aside = batch.aside.iter();
            results.extend(aside.map(|(number, why)| self.drop_one(*number, *why)));
        }
        results.into_iter().collect()
    }

    /// What the answer tells of the search, and what of the batch is given up by it.
    fn searched(&mut self, batch: &Batch, outcome: &Outcome) -> Vec<u64> {
        match (outcome, &batch.part) {
            (Outcome::Rejected(_), part) => self.search.refused(&batch.numbers, part.is_some()),
            (Outcome::Published, Some(part)) => {
                self.search.taken(part);
                Vec::new()
            }
            (Outcome::NotTaken(..), Some(part)) => {
                self.search.put_back(part.clone());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it is looked for what of a call was refused.
    pub(crate) fn searches(&self) -> bool {
        self.search.goes_on()
    }

    fn published(&mut self, number: u64) -> io::Result<()> {
        let path = self.path(number, true);
        let Some(waiting) = self.waiting.remove(&number) else {
            return Ok(());
        };
        match waiting.in_memory {
            None => files::remove(&path),
            Some(_) => Ok(()),
        }
    }

    fn put_back(&mut self, number: u64) -> io::Result<()> {
        let (from, to) = (self.path(number, true), self.path(number, false));
        let Some(waiting) = self.waiting.get_mut(&number) else {
            return Ok(());
        };
        waiting.sending = false;
        match waiting.in_memory {
            None => fs::rename(from, to),
            Some(_) => Ok(()),
        }
    }

    fn save(&mut self) -> io::Result<()> {
        // What is in memory only is lost if the daemon is killed: its number is free then.
        let held = self.numbers(|waiting| waiting.in_memory.is_some());
        self.ledger.next = held.first().copied().unwrap_or(self.next);
        let bytes = serde_json::to_vec(&self.ledger).map_err(io::Error::other)?;
        files::replace(&self.ledger_file, &bytes, Lasting::Synced)
    }

    /// Remembers whether the disk can be written; if it cannot, what waits in memory is bounded as well.
    fn note(&mut self, result: io::Result<()>) {
        self.unwritable = result.err().map(|error| error.to_string());
        let held = self.numbers(|waiting| waiting.in_memory.is_some() && !waiting.sending);
        for number in held.iter().take(held.len().saturating_sub(IN_MEMORY)) {
            if let Some(waiting) = self.waiting.remove(number) {
                self.ledger.give_up(Drop::Full, waiting.samples);
            }
        }
    }

    /// Why the disk cannot be written, if so.
    pub(crate) fn unwritable(&self) -> Option<&str> {
        self.unwritable.as_deref()
    }

    /// What was counted.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// How many samples wait.
    pub(crate) fn samples(&self) -> u64 {
        self.waiting.values().map(|waiting| waiting.samples).sum()
    }

    fn path(&self, number: u64, sending: bool) -> PathBuf {
        let samples = self
            .waiting
            .get(&number)
            .map_or(0, |waiting| waiting.samples);
        self.path_of(number, samples, sending)
    }

    fn path_of(&self, number: u64, samples: u64, sending: bool) -> PathBuf {
        let end = if sending { "sending" } else { "ready" };
        self.folder.join(format!("{number:012}-{samples}.{end}"))
    }
}

/// A file's name: its number, how many samples it holds, and whether it is being sent.
fn read_name(name: &str) -> Option<(u64, u64, bool)> {
    let (stem, end) = name.split_once('.')?;
    let sending = match end {
        "ready" => false,
        "sending" => true,
        _ => return None,
    };
    let (number, samples) = stem.split_once('-')?;
    Some((number.parse().ok()?, samples.parse().ok()?, sending))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::agent::publish::interval::{Set, Statistics};
    use crate::agent::publish::outcome::Reason;
    use crate::model::AgentMetric;

    fn interval(start_s: i64, samples: u64) -> Interval {
        Interval {
            start_s,
            samples,
            sets: vec![Set {
                metric: AgentMetric::Heartbeat,
                gpu: None,
                statistics: Statistics {
                    count: samples,
                    sum: 1.0,
                    minimum: 1.0,
                    maximum: 1.0,
                },
            }],
        }
    }

    fn not_taken() -> Outcome {
        Outcome::NotTaken(Reason::Unreachable, "x".to_owned())
    }

    fn files_of(folder: &Path) -> Vec<String> {
        let listed = fs::read_dir(folder.join("queue")).expect("a folder");
        let mut names: Vec<String> = listed
            .map(|entry| {
                entry
                    .expect("a file")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_published_is_gone_and_what_is_not_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        queue.push(&interval(60, 12));
        queue.push(&interval(120, 12));
        let batch = queue.take(200).expect("two");
        assert_eq!(batch.intervals.len(), 2);
        assert_eq!(queue.take(200), None, "they are on their way");
        queue.settle(&batch, &not_taken());
        assert_eq!(queue.samples(), 24);
        let batch = queue.take(200).expect("again");
        queue.settle(&batch, &Outcome::Published);
        assert_eq!((queue.samples(), queue.ledger().published), (0, 24));
        assert_eq!(files_of(folder.path()), [""; 0]);
    }

    #[test]
    fn what_was_being_sent_when_the_daemon_died_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        queue.push(&interval(60, 12));
        queue.take(200).expect("one");
        queue.push(&interval(120, 5));
        drop(queue);
        let mut queue = Queue::open(folder.path(), 1 << 20);
        let ledger = queue.ledger();
        assert_eq!((ledger.queued, ledger.uncertain), (17, 12));
        assert_eq!(queue.samples(), 5);
        let batch = queue.take(200).expect("the other");
        assert_eq!(batch.intervals, [interval(120, 5)]);
    }

    #[test]
    fn what_was_queued_and_not_counted_when_the_daemon_died_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.json");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        queue.push(&interval(60, 12));
        let before = fs::read(&ledger).expect("it was counted");
        queue.push(&interval(120, 5));
        drop(queue);
        fs::write(&ledger, before).expect("it is there");
        for _ in 0..2 {
            let queue = Queue::open(folder.path(), 1 << 20);
            assert_eq!((queue.ledger().queued, queue.samples()), (17, 17));
            assert_eq!(queue.next(), 2);
        }
        let mut queue = Queue::open(folder.path(), 1 << 20);
        let batch = queue.take(200).expect("both");
        queue.settle(&batch, &Outcome::Published);
        drop(queue);
        let queue = Queue::open(folder.path(), 1 << 20);
        assert_eq!((queue.ledger().published, queue.next()), (17, 2));
    }

    #[test]
    fn the_oldest_goes_when_too_many_wait() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1000);
        for minute in 0..40 {
            queue.push(&interval(minute * 60, 10));
        }
        let ledger = queue.ledger();
        assert!(ledger.full > 0, "{ledger:?}");
        assert_eq!(ledger.full + queue.samples(), 400);
        let kept = queue.take(40 * 60).expect("the newest");
        assert_eq!(kept.intervals.last(), Some(&interval(39 * 60, 10)));
        assert!(files_of(folder.path()).len() < 20);
    }

    #[test]
    fn what_is_damaged_or_too_old_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        queue.push(&interval(0, 3));
        queue.push(&interval(batch::OLDEST_S, 4));
        queue.push(&interval(batch::OLDEST_S + 60, 5));
        let second = folder.path().join("queue/000000000001-4.ready");
        fs::write(second, "{").expect("it is there");
        fs::write(folder.path().join("queue/000000000009-4.new"), "x").expect("rubbish");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        let batch = queue.take(batch::OLDEST_S + 100).expect("one");
        assert_eq!(batch.intervals.len(), 1);
        let ledger = queue.ledger();
        assert_eq!((ledger.old, ledger.damaged), (0, 4));
        queue.settle(&batch, &Outcome::Rejected(String::new()));
        assert_eq!((queue.ledger().rejected, queue.samples()), (5, 3));
        // Only when something was taken is the clock known to be right.
        assert_eq!(queue.take(batch::OLDEST_S + 100), None);
        queue.push(&interval(batch::OLDEST_S + 60, 6));
        let batch = queue.take(batch::OLDEST_S + 130).expect("one");
        queue.settle(&batch, &Outcome::Published);
        assert_eq!((queue.ledger().old, queue.samples()), (3, 0));
    }

    #[test]
    fn what_a_wrong_clock_measured_does_not_take_the_rest_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        let now = 1_000_000;
        queue.push(&interval(now - 120, 1));
        queue.push(&interval(now + 365 * 86_400, 2));
        queue.push(&interval(now + 3 * 3600, 4));
        queue.push(&interval(now - 60, 8));
        drop(queue);
        let mut queue = Queue::open(folder.path(), 1 << 20);
        // A clock that is years behind gives nothing up, and sends nothing.
        assert_eq!(queue.take(0), None);
        assert_eq!(queue.samples(), 15);
        let batch = queue.take(now).expect("the two that fit");
        assert_eq!(
            batch.intervals,
            [interval(now - 120, 1), interval(now - 60, 8)]
        );
        queue.settle(&batch, &not_taken());
        assert_eq!((queue.ledger().dropped(), queue.samples()), (0, 15));
        let batch = queue.take(now).expect("again");
        queue.settle(&batch, &Outcome::Published);
        let ledger = queue.ledger();
        assert_eq!(
            (ledger.published, ledger.ahead, ledger.dropped()),
            (9, 6, 6)
        );
        assert_eq!(queue.samples(), 0);
        assert_eq!(files_of(folder.path()), [""; 0]);
    }

    #[test]
    fn one_that_is_refused_does_not_take_the_rest_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut queue = Queue::open(folder.path(), 1 << 20);
        for minute in 0..20 {
            queue.push(&interval(minute * 60, 1));
        }
        let mut calls = 0;
        let mut arrived = Vec::new();
        while let Some(batch) = queue.take(3600) {
            calls += 1;
            let starts = batch.intervals.iter().map(|one| one.start_s / 60);
            let starts: Vec<i64> = starts.collect();
            // The network is gone for a moment.
            let outcome = if calls == 3 {
                not_taken()
            } else if starts.contains(&13) {
                Outcome::Rejected("InvalidParameterValue".to_owned())
            } else {
                arrived.extend(starts);
                Outcome::Published
            };
            queue.settle(&batch, &outcome);
        }
        arrived.sort_unstable();
        let others: Vec<i64> = (0..20).filter(|minute| *minute != 13).collect();
        assert_eq!(arrived, others);
        let ledger = queue.ledger();
        assert_eq!(
            (ledger.published, ledger.rejected, ledger.dropped()),
            (19, 1, 1)
        );
        assert!(calls <= 11, "{calls} calls");
        assert!(!queue.searches());
        assert_eq!(files_of(folder.path()), [""; 0]);
    }

    #[test]
    fn without_a_disk_some_wait_in_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let blocked = folder.path().join("state");
        fs::write(&blocked, "a file where a folder should be").expect("a file");
        let mut queue = Queue::open(&blocked, 1 << 20);
        assert!(queue.unwritable().is_some());
        for minute in 0..100 {
            queue.push(&interval(minute * 60, 1));
        }
        assert_eq!(queue.samples(), 64);
        assert_eq!(queue.ledger().full, 36);
        let batch = queue.take(6000).expect("from memory");
        assert_eq!(batch.intervals.len(), 64);
        queue.settle(&batch, &Outcome::Published);
        assert_eq!(queue.ledger().published, 64);
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Push(u64),
        Take,
        Settle(u8),
        Kill,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            4 => (1_u64..20).prop_map(Deed::Push),
            3 => Just(Deed::Take),
            3 => (0_u8..4).prop_map(Deed::Settle),
            1 => Just(Deed::Kill),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whatever happens and whenever the daemon is killed: each sample waits, was published once, or is counted as
        /// given up; and none is handed out again after it may have arrived.
        #[test]
        fn every_sample_is_accounted_for(deeds in prop::collection::vec(deed(), 1..60), limit in 200_u64..3000) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut queue = Queue::open(folder.path(), limit);
            let mut pushed = 0;
            let mut arrived: Vec<i64> = Vec::new();
            let mut on_the_way: Option<Batch> = None;
            for (at, deed) in deeds.into_iter().enumerate() {
                let start = i64::try_from(at).expect("few");
                match deed {
                    Deed::Push(samples) => {
                        queue.push(&interval(start, samples));
                        pushed += samples;
                    }
                    Deed::Take if on_the_way.is_none() => on_the_way = queue.take(start),
                    Deed::Take => {}
                    Deed::Settle(how) => {
                        let Some(batch) = on_the_way.take() else { continue };
                        let outcome = match how {
                            0 => not_taken(),
                            1 => Outcome::Rejected(String::new()),
                            2 => Outcome::Uncertain(String::new()),
                            _ => Outcome::Published,
                        };
                        if how >= 2 {
                            arrived.extend(batch.intervals.iter().map(|one| one.start_s));
                        }
                        queue.settle(&batch, &outcome);
                    }
                    Deed::Kill => {
                        if let Some(batch) = on_the_way.take() {
                            arrived.extend(batch.intervals.iter().map(|one| one.start_s));
                        }
                        drop(queue);
                        queue = Queue::open(folder.path(), limit);
                    }
                }
                let ledger = queue.ledger();
                prop_assert_eq!(ledger.published + ledger.dropped() + queue.samples(), pushed);
            }
            let mut once = arrived.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), arrived.len(), "nothing arrives twice");
        }

        /// However wrong the clock is and whatever is refused: what was measured while it was right is published once,
        /// and what is given up is what was refused by itself, or is of another time.
        #[test]
        fn neither_a_wrong_clock_nor_a_refusal_costs_what_is_well(
            minutes in prop::collection::vec((0_usize..8, 0_u8..4), 1..60),
            bad in prop::collection::btree_set(0_usize..60, 0..3),
            kill in 0_usize..60,
        ) {
            let offsets = [0, 0, 0, 100, 3600, 4 * 3600, -3 * 3600, 400 * 86_400];
            let folder = tempfile::tempdir().expect("a folder");
            let mut queue = Queue::open(folder.path(), 1 << 20);
            let mut world = World { now: 1_000_000_000, ..World::default() };
            let mut well = Vec::new();
            let mut pushed = 0;
            for (at, (offset, network)) in minutes.iter().enumerate() {
                world.now += 60;
                let offset = offsets[*offset];
                // Each has a start of its own by its number, and some are refused by theirs.
                let number = i64::try_from(at).expect("few");
                let start = (world.now + offset) / 100 * 100 + number;
                if bad.contains(&at) {
                    world.bad.push(start);
                } else if offset.abs() < 300 {
                    well.push(start);
                }
                queue.push(&interval(start, 1));
                pushed += 1;
                if at == kill {
                    drop(queue);
                    queue = Queue::open(folder.path(), 1 << 20);
                }
                world.send(&mut queue, offset, *network > 0);
            }
            for number in 98..100 {
                world.now += 60;
                let start = world.now / 100 * 100 + number;
                queue.push(&interval(start, 1));
                well.push(start);
                pushed += 1;
                world.send(&mut queue, 0, true);
            }
            let ledger = queue.ledger();
            prop_assert_eq!(queue.samples(), 0, "{:?}", ledger);
            prop_assert_eq!(ledger.published + ledger.dropped(), pushed);
            prop_assert!(ledger.rejected <= u64::try_from(world.bad.len()).expect("few"), "{:?}", ledger);
            for start in well {
                let times = world.arrived.iter().filter(|arrived| **arrived == start).count();
                prop_assert_eq!(times, 1, "{} of {:?}", start, world.arrived);
            }
            world.arrived.sort_unstable();
            let all = world.arrived.len();
            world.arrived.dedup();
            prop_assert_eq!(world.arrived.len(), all, "nothing arrives twice");
        }
    }

    /// CloudWatch, whose clock is right.
    #[derive(Debug, Default)]
    struct World {
        now: i64,
        bad: Vec<i64>,
        arrived: Vec<i64>,
    }

    impl World {
        /// A machine whose clock is so far off sends what it has.
        fn send(&mut self, queue: &mut Queue, offset: i64, network: bool) {
            for _ in 0..200 {
                let Some(batch) = queue.take(self.now + offset) else {
                    return;
                };
                let starts: Vec<i64> = batch.intervals.iter().map(|one| one.start_s).collect();
                let refused = |start: &i64| {
                    let age = self.now - start;
                    self.bad.contains(start) || !(-2 * 3600..=14 * 86_400).contains(&age)
                };
                let outcome = if !network || offset.abs() > 300 {
                    not_taken()
                } else if starts.iter().any(refused) {
                    Outcome::Rejected(String::new())
                } else {
                    self.arrived.extend(starts);
                    Outcome::Published
                };
                queue.settle(&batch, &outcome);
                if matches!(outcome, Outcome::NotTaken(..)) {
                    return;
                }
            }
            panic!("calls without end");
        }
    }
}
