//! How long a holder may act: asked before every call that changes something.
//!
//! A holder counts from before it sent the write that renewed its lease, and stops well before the lease runs out.
//! It takes the larger of two measures of the time since then: a timer may stand still while the machine sleeps, and
//! the machine's clock may be set back.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Holder;
use crate::model::Failure;
use crate::port::Clock;

/// Why a lease is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Another run has taken it over.
    Taken(Option<Box<Holder>>),
    /// Somebody has broken it.
    Broken(Option<Box<Holder>>),
    /// It could not be renewed in time.
    NotRenewed(Box<Failure>),
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(Some(holder)) => write!(f, "the lease was taken over by {holder}"),
            Self::Taken(None) => f.write_str("the lease is gone"),
            Self::Broken(Some(holder)) => write!(f, "the lease was broken by {holder}"),
            Self::Broken(None) => f.write_str("the lease was broken"),
            Self::NotRenewed(failure) => {
                write!(f, "the lease ran out and could not be renewed: {failure}")
            }
        }
    }
}

/// A moment by both measures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    timer: Instant,
    clock: Timestamp,
}

impl Moment {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self {
            timer: Instant::now(),
            clock: clock.now(),
        }
    }

    /// How long ago it was, by whichever measure says more.
    pub(super) fn age(&self, clock: &dyn Clock) -> Duration {
        let by_clock = Duration::try_from(clock.now().duration_since(self.clock));
        self.timer.elapsed().max(by_clock.unwrap_or_default())
    }
}

/// The time for which a holder may act.
#[derive(Debug)]
pub struct Term {
    inner: Mutex<Inner>,
    /// Rings when the term is renewed or lost.
    bell: Notify,
    /// How long the lease lasts.
    ttl: Duration,
}

#[derive(Debug)]
struct Inner {
    since: Moment,
    lost: Option<Loss>,
}

impl Term {
    pub(super) fn new(since: Moment, ttl: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner { since, lost: None }),
            bell: Notify::new(),
            ttl,
        }
    }

    /// How long after a renewal calls may still begin. The rest of the lease is for those under way to end.
    fn acting(&self) -> Duration {
        self.ttl * 2 / 3
    }

    pub(super) fn renewed(&self, since: Moment) {
        self.inner().since = since;
        self.bell.notify_waiters();
    }

    pub(super) fn lose(&self, loss: Loss) {
        self.inner().lost.get_or_insert(loss);
        self.bell.notify_waiters();
    }

    /// Why the lease is lost, if it is.
    pub fn loss(&self) -> Option<Loss> {
        self.inner().lost.clone()
    }

    /// How old the last renewal is.
    pub(super) fn age(&self, clock: &dyn Clock) -> Duration {
        self.inner().since.age(clock)
    }

    /// Returns once a call may begin, which is at once while the lease is young; or says that the lease is lost.
    pub async fn admitted(&self, clock: &dyn Clock) -> Result<(), Loss> {
        loop {
            // A bell that rang while nobody listened is not missed: listen first, then look.
            let rung = self.bell.notified();
            if let Some(loss) = self.loss() {
                return Err(loss);
            }
            if self.age(clock) < self.acting() {
                return Ok(());
            }
            rung.await;
        }
    }

    /// Returns when the lease is lost.
    pub async fn lost(&self) {
        loop {
            let rung = self.bell.notified();
            if self.loss().is_some() {
                return;
            }
            rung.await;
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no code panics while it holds the term")
    }
}
