//! From numbers to CloudWatch: fills intervals, queues them, has them sent one call after the other.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::clock::Clock;
use crate::agent::condition::{Condition, Found};
use crate::agent::files::{self, Lasting};
use crate::agent::publish::interval::Interval;
use crate::agent::publish::open::Open;
use crate::agent::publish::outcome::{Outcome, Reason};
use crate::agent::publish::pace::Pace;
use crate::agent::publish::queue::{Batch, Queue};
use crate::agent::publish::sender::{Sender, Told};
use crate::agent::publish::series::Series;
use crate::model::{AgentConfig, AgentPublish, AgentQueue};

/// The longest that the last call waits for its answer when the daemon ends.
const LAST_CALL: Duration = Duration::from_secs(5);

/// The open interval as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The number that it will have in the queue: one that the queue has given away says that it is queued already.
    number: u64,
    interval: Interval,
}

/// Everything between a number and CloudWatch.
#[derive(Debug)]
pub(crate) struct Publishing {
    open: Open,
    open_file: PathBuf,
    queue: Queue,
    sender: Sender,
    pace: Pace,
    ready: bool,
    found: Vec<Found>,
    /// How many had been given up because too many waited when it was last asked.
    full: u64,
    /// How many CloudWatch had refused when it was last asked, and what it said to the last.
    rejected: u64,
    refused: String,
}

impl Publishing {
    /// Goes on where the daemon before left off.
    pub(crate) fn start(
        config: &AgentConfig,
        publish: &AgentPublish,
        clock: &Clock,
        sender: Sender,
    ) -> Self {
        let state = &config.paths.state;
        let open_file = state.join("open.json");
        let mut open = Open::new(publish.interval_s);
        let queue = Queue::open(state, u64::from(publish.queue_kib) * 1024);
        let kept = fs::read(&open_file).ok();
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        let kept = kept.filter(|kept| kept.number >= queue.next());
        let kept = kept.map(|kept| kept.interval);
        if let Some(kept) = &kept {
            open.resume(kept);
        }
        let mut publishing = Self {
            open,
            open_file,
            full: queue.ledger().full,
            rejected: queue.ledger().rejected,
            refused: String::new(),
            queue,
            sender,
            pace: Pace::default(),
            ready: false,
            found: Vec::new(),
        };
        // An interval that was kept over a long pause is not filled any more.
        let age = kept.map_or(0, |kept| clock.wall().as_second() - kept.start_s);
        if !(0..=i64::from(publish.interval_s)).contains(&age) {
            publishing.flush();
        }
        publishing
    }

    /// Takes the numbers of one measurement.
    pub(crate) fn take(&mut self, wall_s: i64, numbers: &[(Series, f64)]) {
        if let Some(closed) = self.open.take(wall_s, numbers) {
            self.queue.push(&closed);
        }
        self.keep();
    }

    /// Queues the interval as it stands.
    pub(crate) fn flush(&mut self) {
        if let Some(closed) = self.open.close() {
            self.queue.push(&closed);
        }
        self.keep();
    }

    /// A daemon that is killed now loses nothing but what the machine's power takes with it.
    fn keep(&self) {
        let kept = match self.open.stands() {
            Some(interval) => {
                let number = self.queue.next();
                serde_json::to_vec(&Kept { number, interval })
                    .map_err(std::io::Error::other)
                    .and_then(|bytes| files::replace(&self.open_file, &bytes, Lasting::Kept))
            }
            None => files::remove(&self.open_file),
        };
        // The queue says that the disk cannot be written.
        drop(kept);
    }

    /// Has something sent, if there is something, nothing is on its way, and it is time.
    pub(crate) fn send(&mut self, clock: &Clock) {
        if !self.ready || self.sender.is_busy() || !self.pace.may(clock.now()) {
            return;
        }
        if let Some(batch) = self.queue.take(clock.wall().as_second()) {
            self.sender.send(batch);
        }
    }

    /// What the sender has to tell.
    pub(crate) async fn told(&mut self) -> Told {
        self.sender.told().await
    }

    /// Takes it.
    pub(crate) fn settle(&mut self, told: Told, clock: &Clock) {
        match told {
            Told::Ready => {
                self.ready = true;
                self.found.clear();
            }
            Told::NotReady(why) => self.found = vec![Found::new(Condition::NoMetadata, why)],
            Told::Settled(batch, outcome) => {
                self.settle_batch(&batch, &outcome, clock);
                self.send(clock);
            }
        }
    }

    fn settle_batch(&mut self, batch: &Batch, outcome: &Outcome, clock: &Clock) {
        self.queue.settle(batch, outcome);
        self.found.clear();
        let (condition, why) = match outcome {
            Outcome::Published => {
                self.pace.well();
                return;
            }
            Outcome::NotTaken(Reason::Denied, why) => (Condition::Denied, why),
            Outcome::NotTaken(_, why) | Outcome::Uncertain(why) => (Condition::Unreachable, why),
            Outcome::Rejected(why) => {
                self.refused.clone_from(why);
                // What is wrong of it is looked for at once: the rest need not wait.
                if self.queue.searches() {
                    self.pace.well();
                    return;
                }
                (Condition::Rejected, why)
            }
        };
        let chance = clock.wall().as_nanosecond().unsigned_abs() % 1021;
        self.pace
            .badly(clock.now(), u64::try_from(chance).unwrap_or(0));
        self.found.push(Found::new(condition, why.clone()));
    }

    /// What is wrong.
    pub(crate) fn found(&mut self) -> Vec<Found> {
        let mut found = self.found.clone();
        if let Some(why) = self.queue.unwritable() {
            found.push(Found::new(Condition::QueueUnwritable, why));
        }
        let rejected = self.queue.ledger().rejected;
        let told = found
            .iter()
            .any(|found| found.condition == Condition::Rejected);
        if rejected > self.rejected && !told {
            // The rest of the refused call was taken since.
            found.push(Found::new(Condition::Rejected, self.refused.clone()));
        }
        self.rejected = rejected;
        let full = self.queue.ledger().full;
        if full > self.full {
            found.push(Found::new(
                Condition::QueueFull,
                format!("{full} samples so far"),
            ));
        }
        self.full = full;
        found
    }

    /// What became of the samples.
    pub(crate) fn counts(&self) -> (AgentQueue, crate::agent::publish::ledger::Ledger) {
        let ledger = self.queue.ledger();
        let counts = AgentQueue {
            waiting: self.queue.samples(),
            published: ledger.published,
            dropped: ledger.dropped(),
        };
        (counts, ledger)
    }

    /// Queues what there is and makes one last call, for which there may not be much time.
    pub(crate) async fn finish(&mut self, clock: &Clock) {
        self.flush();
        let last = async {
            while self.sender.is_busy() {
                let told = self.sender.told().await;
                if let Told::Settled(batch, outcome) = told {
                    self.settle_batch(&batch, &outcome, clock);
                }
            }
            self.send(clock);
            while self.sender.is_busy() {
                let told = self.sender.told().await;
                if let Told::Settled(batch, outcome) = told {
                    self.queue.settle(&batch, &outcome);
                }
            }
        };
        // What is on its way then is counted as given up at the next start.
        let _ = tokio::time::timeout(LAST_CALL, last).await;
    }
}
