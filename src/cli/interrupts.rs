//! Interruption by the user or the system: SIGINT and SIGTERM.
//!
//! Where no run is under way a command ends at once, at the next point where it waits. While a run is under way the
//! run listens for itself and drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::CliError;

/// Who answers to an interruption.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupts(Arc<AtomicBool>);

/// As long as it lives, somebody else answers.
#[derive(Debug)]
pub(super) struct Held(Interrupts);

impl Interrupts {
    /// From now on the caller answers.
    pub(super) fn hold(&self) -> Held {
        self.0.store(true, Ordering::SeqCst);
        Held(self.clone())
    }

    /// Waits for an interruption that nobody else answers to.
    pub(super) async fn unanswered(&self) -> Result<(), CliError> {
        let mut signals = Signals::new()?;
        loop {
            signals.next().await;
            if !self.0.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

/// Both signals.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn new() -> Result<Self, CliError> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| CliError::new(format!("could not listen for signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of either.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
