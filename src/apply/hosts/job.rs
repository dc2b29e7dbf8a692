//! What there is to do, and with what.

use std::sync::Arc;
use std::time::Duration;

use crate::assets::runner_digest;
use crate::host::{HOME, Runner, Wanted};
use crate::port::{Clock, HostTarget, Hosts};

/// One host and what it should be.
#[derive(Debug, Clone)]
pub struct HostJob {
    /// How it is reached.
    pub target: HostTarget,
    /// What it should be.
    pub wanted: Wanted,
}

/// What tending hosts needs.
#[derive(Debug, Clone)]
pub struct Tending {
    /// Reaches them.
    pub hosts: Arc<dyn Hosts>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How many at once.
    pub parallelism: usize,
    /// For how long a host that does not answer is asked again.
    pub patience: Duration,
    /// For how long a host that runs a step may be silent; the runner beats every four seconds.
    pub silence: Duration,
    /// Where the runner keeps everything on the hosts: [`crate::host::HOME`] but in tests.
    pub home: String,
}

impl Tending {
    /// The runner of a host.
    pub(super) fn runner(&self, target: &HostTarget) -> Runner {
        Runner {
            digest: runner_digest(),
            home: self.home.clone(),
            root: target.user == "root" || self.home != HOME,
        }
    }
}
