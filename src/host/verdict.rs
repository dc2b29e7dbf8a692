//! How it went with one host.

use super::facts::Facts;
use super::gate::Finding;
use super::status::StepState;
use super::wanted::NoSecret;
use crate::model::Address;

/// How many lines of a failed step's log are shown.
pub const TAIL: usize = 20;

/// How it ended with one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEnd {
    /// All steps are done and it measures up.
    Ready,
    /// All steps are done, but it does not measure up.
    NotReady,
    /// A step failed.
    Failed {
        /// The step.
        step: String,
        /// How it ended.
        state: StepState,
        /// Its exit code.
        code: Option<i32>,
        /// The end of its log.
        tail: Vec<String>,
    },
    /// A step that is still to be done takes a secret that cannot be read.
    NoSecret {
        /// The step.
        step: String,
        /// Which secret, why, and what to do.
        why: NoSecret,
    },
    /// It could not be reached for too long.
    Unreachable(String),
    /// Its host key is not the pinned one.
    HostKey(String),
    /// It lets us in with no key, or not become root.
    Refused(String),
    /// What it says is not what the runner says.
    Strange(String),
    /// The user asked to stop; what runs on the host goes on.
    Interrupted {
        /// The step that goes on.
        step: Option<String>,
    },
}

/// A step that is done on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The step.
    pub step: String,
    /// The digest of its script.
    pub digest: String,
    /// When it ended, in seconds since 1970, as far as is known.
    pub at: Option<i64>,
}

/// How it went with one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The host.
    pub address: Address,
    /// How it ended.
    pub end: HostEnd,
    /// What it is, as far as it was asked.
    pub facts: Facts,
    /// What was measured at the end.
    pub findings: Vec<Finding>,
    /// The wanted steps that are done, in their order.
    pub done: Vec<Finished>,
    /// How many steps it should have.
    pub wanted: usize,
    /// Whether it answered; if not, nothing else of this is known.
    pub answered: bool,
    /// How many steps ran now; the others were done already.
    pub ran: usize,
    /// The versions of what is installed.
    pub versions: Facts,
}
