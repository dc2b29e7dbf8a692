//! What can go wrong at the cloud, as data: the engine decides by class, the user reads the rest.

use serde::{Deserialize, Serialize};

/// What a failed call means for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// Too many requests: wait and send again.
    Throttled,
    /// A fault of the service or the network: send again a few times.
    Transient,
    /// No capacity in this zone for this type and market: take the next rung.
    Capacity,
    /// The spot price is above the profile's limit.
    SpotPrice,
    /// A quota is used up: stop, say which.
    Quota,
    /// Something else must happen first: wait, bounded, then name the blocker.
    Conflict,
    /// It exists already.
    AlreadyExists,
    /// Just created and not visible everywhere yet: wait, bounded.
    NotVisibleYet,
    /// It does not exist.
    NotFound,
    /// The caller may not do this.
    Permission,
    /// No valid credentials.
    Credentials,
    /// The client token was used for something else, or what it made is gone.
    Token,
    /// The request is wrong and will stay wrong.
    Invalid,
    /// The endpoint cannot be reached.
    Unreachable,
    /// The user asked to stop.
    Interrupted,
    /// The wait ended before what it waited for happened.
    TimedOut,
}

/// What a failed call may have left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leftover {
    /// Nothing: the cloud refused.
    Nothing,
    /// The call may have happened; only a look-up can tell.
    Unknown,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{operation}: {}{message}", code.as_ref().map(|c| format!("{c}: ")).unwrap_or_default())]
pub struct Failure {
    /// What it means.
    pub class: FailureClass,
    /// The API action, for example `RunInstances`.
    pub operation: String,
    /// The cloud's error code, if it gave one.
    pub code: Option<String>,
    /// The cloud's own words.
    pub message: String,
    /// The request's id, for AWS support.
    pub request_id: Option<String>,
    /// What may exist now.
    pub leftover: Leftover,
}

impl Failure {
    /// A failure that the cloud never saw.
    pub fn local(
        class: FailureClass,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            operation: operation.into(),
            code: None,
            message: message.into(),
            request_id: None,
            leftover: Leftover::Nothing,
        }
    }
}
