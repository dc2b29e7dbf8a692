//! What a plan does to a resource, and why. The words are Terraform's.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Address, CloudId};

/// What happens to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted, then made anew.
    Replace,
    /// It is deleted.
    Delete,
    /// It carries this lab's tags but was not recorded; it is recorded, and updated where it differs.
    Adopt,
    /// The lab lets go of it: it stays as it is, without the lab's tags.
    Forget,
    /// It is as it should be.
    NoOp,
    /// It should change, but may not or cannot now.
    Blocked,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::NoOp => "no-op",
            Self::Blocked => "blocked",
        })
    }
}

/// Why an action was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason", content = "detail")]
pub enum Reason {
    /// The profile asks for it and it does not exist.
    New,
    /// It was there and is gone, and not by us.
    Vanished,
    /// It differs and can be changed in place.
    Differs,
    /// It differs in fields that cannot be changed in place.
    CannotUpdate,
    /// An earlier run began to make it and did not finish.
    Unfinished,
    /// Something it is built on is replaced.
    DependsOnReplaced(Address),
    /// The profile does not ask for it any more.
    NotInProfile,
    /// The whole lab is being destroyed.
    Destroying,
    /// It carries this lab's tags and is not in the lockfile.
    NotRecorded,
    /// It is as the profile says.
    UpToDate,
    /// It is stopped, as someone wanted; that is not drift.
    Stopped,
    /// The profile says it outlives the lab.
    Kept,
    /// Not among the targets of this run.
    NotTargeted,
    /// It has another address now.
    Moved,
    /// The user takes it into the lab.
    Imported,
    /// The user takes it out of the lab.
    LetGo,
    /// An apply that failed takes back what it made.
    RolledBack,
    /// See the block.
    Blocked(BlockReason),
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "block", content = "detail")]
pub enum BlockReason {
    /// It could not be read; unreadable is not absent.
    Unreadable(String),
    /// The profile forbids its deletion; where it says so.
    PreventDestroy(String),
    /// It is to take an address that something else has.
    Occupied(String),
    /// The lockfile knows it, and it carries no tags of the lab.
    Untagged(CloudId),
    /// Something that is not the lab's stands on it.
    InUse(String),
    /// Something of this name exists and is not this lab's.
    Foreign(String),
    /// Two things carry this address.
    Ambiguous(String),
    /// Something it depends on is blocked.
    DependsOnBlocked(Address),
    /// The change is one that EC2 does not allow.
    Impossible(String),
    /// It is between two states and must settle first.
    InTransition(String),
}

/// What a change of a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nothing is interrupted.
    InPlace,
    /// The instance stops and starts.
    Restart,
    /// The resource is replaced.
    Replace,
    /// Shown, but left alone: it takes effect when the resource is next made.
    NextLaunch,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field, as the profile or EC2 names it.
    pub field: String,
    /// What it is now.
    pub before: String,
    /// What it will be.
    pub after: String,
    /// What the change takes.
    pub impact: Impact,
    /// Whether it was changed outside roboinfra: the lockfile says it was as the profile wants.
    pub drift: bool,
}

/// Something that goes for good when a resource is replaced or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Loss(pub String);
