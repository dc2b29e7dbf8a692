//! One step being done: what it shares with the others, how it waits, and how it speaks to the driver.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::event::Event;
use crate::lab::Lab;
use crate::model::{Address, CloudId, Failure, FailureClass, Ref, RetryPolicy, RunId};
use crate::port::{Clock, Cloud, Scope};
use crate::state::{Record, Recorded};

/// What a worker asks of the driver.
#[derive(Debug)]
pub(super) enum Request {
    /// Write these records and say when they are safe.
    Journal(Vec<Record>, oneshot::Sender<()>),
    /// Tell the user.
    Tell(Event),
}

/// What all steps of a run share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) clock: &'a dyn Clock,
    pub(super) policy: &'a RetryPolicy,
    pub(super) lab: &'a Lab,
    pub(super) run: &'a RunId,
    pub(super) scope: &'a Scope,
    /// Numbers intents.
    pub(super) seq: &'a AtomicU64,
    /// Draws jitter.
    pub(super) draws: &'a AtomicU64,
    /// Whether the user has asked to stop, and the bell that wakes sleepers.
    pub(super) stop: &'a AtomicBool,
    pub(super) bell: &'a Notify,
    pub(super) requests: &'a mpsc::UnboundedSender<Request>,
    /// Digests of the specs, by address; a resource of several steps gets its digest when the last is done.
    pub(super) digests: &'a BTreeMap<Address, String>,
}

/// One step being done.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    shared: &'a Shared<'a>,
    pub(super) address: Address,
    pub(super) covers: Vec<Address>,
    /// Whether it refers to something that this run made, which may not be visible everywhere yet.
    pub(super) fresh: bool,
}

impl<'a> std::ops::Deref for Worker<'a> {
    type Target = Shared<'a>;
    fn deref(&self) -> &Shared<'a> {
        self.shared
    }
}

/// What a step brought.
pub(super) type Made = Vec<(Address, Recorded)>;

impl<'a> Worker<'a> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        address: Address,
        covers: Vec<Address>,
        fresh: bool,
    ) -> Self {
        Self {
            shared,
            address,
            covers,
            fresh,
        }
    }

    /// Tells the user something.
    pub(super) fn tell(&self, event: Event) {
        // A driver that is gone has nobody left to tell.
        drop(self.requests.send(Request::Tell(event)));
    }

    /// Waits, but not when the user asks to stop.
    pub(super) async fn sleep(&self, duration: Duration) -> Result<(), Failure> {
        let rung = self.bell.notified();
        if !self.stop.load(Ordering::SeqCst) {
            tokio::select! {
                () = self.clock.sleep(duration) => return Ok(()),
                () = rung => {}
            }
        }
        Err(Failure::local(
            FailureClass::Interrupted,
            "wait",
            "you asked to stop",
        ))
    }

    pub(super) fn since(&self, began: Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(began)).unwrap_or_default()
    }

    /// A number in 0..1, the same in every run with the same draws.
    pub(super) fn jitter(&self) -> f64 {
        let draw = self
            .draws
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (draw ^ (draw >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    pub(super) fn id<'r>(&self, reference: &'r Ref) -> Result<&'r CloudId, Failure> {
        reference.id().map_err(|unresolved| {
            Failure::local(
                FailureClass::Invalid,
                self.address.to_string(),
                unresolved.to_string(),
            )
        })
    }

    /// Says that a call is sent again, and waits for the time.
    pub(super) async fn retry(
        &self,
        failure: Failure,
        tries: u32,
        wait: Duration,
    ) -> Result<(), Failure> {
        let stopped = failure.clone();
        self.tell(Event::Retrying {
            address: self.address.clone(),
            failure,
            tries,
            wait,
        });
        self.sleep(wait).await.map_err(|_| stopped)
    }

    /// Returns once the records are safe.
    pub(super) async fn journal(&self, records: Vec<Record>) {
        let (done, safe) = oneshot::channel();
        drop(self.requests.send(Request::Journal(records, done)));
        // The driver ends the run when the journal cannot be written; a worker then waits here until it is dropped.
        if safe.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
