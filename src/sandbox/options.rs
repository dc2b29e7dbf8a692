//! What a sandbox is made with.

use std::sync::Arc;
use std::time::Duration;

use crate::port::{Clock, TokioClock};

use super::call::is_read;
use super::scenario::Scenario;

/// How long calls take, by what they do. The time passes on the sandbox's clock, before the effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// `Describe*`, `Get*` and `List*`.
    pub read: Duration,
    /// Everything else.
    pub write: Duration,
    /// `RunInstances`.
    pub run_instances: Duration,
}

impl Latency {
    /// The time that `action` takes.
    pub(super) fn of(&self, action: &str) -> Duration {
        if action == "RunInstances" {
            self.run_instances
        } else if is_read(action) {
            self.read
        } else {
            self.write
        }
    }
}

/// What a sandbox is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of states and waits.
    pub clock: Arc<dyn Clock>,
    /// What goes wrong, how long transitions take, and the quotas.
    pub scenario: Scenario,
    /// Where ids and addresses come from: the same seed gives the same ones.
    pub seed: u64,
    /// How long calls take.
    pub latency: Latency,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(TokioClock),
            scenario: Scenario::default(),
            seed: 0,
            latency: Latency::default(),
        }
    }
}
