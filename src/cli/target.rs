//! Which lab a command is about, and where it lives.

use std::path::PathBuf;

/// Where to find a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The profile.
    pub(super) profile: PathBuf,
    /// Another lockfile than the one beside the profile.
    pub(super) lockfile: Option<PathBuf>,
    /// Whether the sandbox stands in for AWS.
    pub(super) sandbox: bool,
    /// What the sandbox should do wrong.
    pub(super) scenario: Option<PathBuf>,
    /// The agent's programs that the user has named.
    pub(super) agent_binaries: Vec<PathBuf>,
    /// The AWS profile to take credentials from.
    pub(super) aws_profile: Option<String>,
}
