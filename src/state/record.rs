//! Journal records. An intent is written and synced before its effect is asked for; what came of it follows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HostRecord, LabEntry, Pins, Recorded};
use crate::model::{Address, ClientToken, CloudId, Failure, Kind, RunId};

/// Something that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Counts up within a run; pairs the intent with its effect.
    pub seq: u64,
    /// What it is for. For a launch of several nodes, the group's address.
    pub address: Address,
    /// The kind.
    pub kind: Kind,
    /// The client token, or for calls that take none the natural key by which the thing is found.
    pub token: ClientToken,
    /// For a launch: the index of the first node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// For a launch: how many nodes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// When it was written.
    pub at: Timestamp,
}

/// What came of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "effect")]
pub enum Effect {
    /// These exist now.
    Made {
        /// Addresses and what is remembered of each.
        resources: Vec<(Address, Recorded)>,
    },
    /// Nothing was made; the cloud refused.
    Refused {
        /// Why.
        failure: Failure,
    },
    /// Nobody knows; the next run looks it up.
    Unknown {
        /// Why.
        failure: Failure,
    },
    /// Looked up twice, some time apart, and not there.
    Cleared,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "record")]
pub enum Record {
    /// A run began. Holds all that recovery needs to know of the lab.
    Begun {
        /// The run.
        run: RunId,
        /// The command, for the reader.
        command: String,
        /// The lab.
        lab: LabEntry,
        /// What was looked up for it.
        pins: Pins,
        /// The lockfile's serial that it began from.
        serial: u64,
        /// When.
        at: Timestamp,
    },
    /// Something is about to be made.
    Intent(Intent),
    /// What came of the intent of the same number.
    Effect {
        /// The intent's number.
        seq: u64,
        /// What came of it.
        #[serde(flatten)]
        effect: Effect,
    },
    /// A resource was taken over or brought up to date.
    Kept {
        /// Its address.
        address: Address,
        /// What is remembered of it.
        recorded: Recorded,
    },
    /// A resource is gone.
    Gone {
        /// Its address.
        address: Address,
        /// Its id.
        id: CloudId,
    },
    /// Nothing of the lab existed when this run began.
    Fresh,
    /// The lab's part in the cloud is as the profile says.
    Applied,
    /// A host was tended or measured.
    Host {
        /// Its address.
        address: Address,
        /// What is remembered of it from now on.
        host: HostRecord,
    },
    /// A host is not part of the lab any more.
    HostGone {
        /// Its address.
        address: Address,
    },
    /// The run ended and its lockfile is written.
    Ended {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
}
