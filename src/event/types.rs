//! The events of one run, in the order in which the engine's one loop tells them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Action, Address, CloudId, Failure, Kind, RunId};

/// What a run is going to do with one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The resource.
    pub address: Address,
    /// Its kind.
    pub kind: Kind,
    /// What is done to it.
    pub action: Action,
    /// In how many steps.
    pub steps: usize,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// Everything was done.
    Done,
    /// Something failed; what could still be done was done.
    Failed,
    /// The user asked to stop; what had begun was finished.
    Interrupted,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Event {
    /// A run begins.
    Begun {
        /// The run.
        run: RunId,
        /// What it does, one entry for each resource that changes.
        outline: Vec<Outline>,
    },
    /// A step begins.
    StepBegun {
        /// The resource, or the group for a step that covers several.
        address: Address,
        /// Every resource it covers.
        covers: Vec<Address>,
        /// What is done, in the API's words: `RunInstances`, `waiting for running`.
        what: String,
    },
    /// A wait goes on.
    Waiting {
        /// The resource or group.
        address: Address,
        /// What it waits for: `3 of 5 running`.
        what: String,
        /// For how long it has.
        elapsed: Duration,
    },
    /// A call failed and will be sent again.
    Retrying {
        /// The resource or group.
        address: Address,
        /// What failed.
        failure: Failure,
        /// How often it has been tried.
        tries: u32,
        /// After how long.
        wait: Duration,
    },
    /// No capacity: the next choice is tried.
    FellBack {
        /// The resource or group.
        address: Address,
        /// What had none: `on-demand g5.xlarge in us-east-1a`.
        from: String,
        /// What is tried next.
        to: String,
        /// The cloud's code.
        code: String,
    },
    /// Something exists now.
    Made {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: Kind,
        /// Its id.
        id: CloudId,
    },
    /// A step succeeded.
    StepDone {
        /// The resource or group.
        address: Address,
        /// Every resource it covers.
        covers: Vec<Address>,
        /// How long it took.
        took: Duration,
    },
    /// A resource is as it should be, or gone.
    ResourceDone {
        /// The resource.
        address: Address,
        /// Its kind.
        kind: Kind,
        /// What was done to it.
        action: Action,
        /// Its id.
        id: Option<CloudId>,
        /// Since its first step began.
        took: Duration,
    },
    /// A step failed for good.
    StepFailed {
        /// The resource or group.
        address: Address,
        /// Every resource it covers.
        covers: Vec<Address>,
        /// Why.
        failure: Failure,
    },
    /// A resource was not reached because something before it failed.
    Skipped {
        /// The resource.
        address: Address,
        /// What failed.
        because: Address,
    },
    /// The user asked to stop: what has begun is finished, nothing else is begun.
    Draining {
        /// How many steps are still running.
        running: usize,
    },
    /// The run ended.
    Ended {
        /// How.
        end: RunEnd,
        /// How many resources each action was done to.
        done: BTreeMap<Action, usize>,
        /// How many failed.
        failed: usize,
        /// How many were not reached.
        skipped: usize,
        /// How long it took.
        took: Duration,
    },
}
