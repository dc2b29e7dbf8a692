//! What a plan tells besides its changes.

use serde::{Deserialize, Serialize};

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// May surprise.
    Warning,
    /// Applying would fail.
    Error,
}

/// One line of preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, stable: `quota`, `offered`, `retired`, `workload`, `world-open`, `price`, `interruption`.
    pub topic: String,
    /// What is the case.
    pub text: String,
    /// What to type or change, if something helps.
    pub help: Option<String>,
}
