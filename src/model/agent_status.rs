//! What the daemon on a host thinks, as the file that it leaves there: read by `status` and `doctor`.
//!
//! Owns: the file's shape. Does not own: how it is written, read or shown.

use serde::{Deserialize, Serialize};

/// The format of the file that this version writes.
pub const AGENT_STATUS_FORMAT: u32 = 1;

/// The whole file. A reader takes what it knows and leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentStatus {
    /// The format: [`AGENT_STATUS_FORMAT`].
    pub version: u32,
    /// The daemon's version.
    pub agent: String,
    /// The lab.
    pub lab: String,
    /// The machine in the lab.
    pub node: String,
    /// When it was written, in seconds since 1970: an old one comes from a daemon that does not run.
    pub at: i64,
    /// Seconds between two of them.
    pub every_s: u32,
    /// Who tells about the GPUs: `nvml`, `nvidia-smi`, `tegrastats` or `none`.
    pub source: String,
    /// The driver.
    pub driver: Option<String>,
    /// How many GPUs there should be, if that is known.
    pub expected_gpus: Option<u32>,
    /// Those that answer.
    pub gpus: Vec<AgentGpu>,
    /// What is not as it should be.
    pub troubles: Vec<AgentTrouble>,
    /// What idleness leads to; nothing, if the profile does not say.
    pub idle: Option<AgentIdleStatus>,
    /// The hard lease, if there is one.
    pub lease: Option<AgentLeaseStatus>,
    /// What the spot market said last.
    pub notice: Option<AgentNotice>,
    /// What became of the samples.
    pub queue: AgentQueue,
}

/// One GPU. What it does not tell is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentGpu {
    /// Its number on the machine.
    pub index: u32,
    /// Its model.
    pub name: String,
    /// Percent.
    pub utilization: Option<f64>,
    /// Percent.
    pub memory: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Watts.
    pub power_w: Option<f64>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentTrouble {
    /// Its name, such as `gpu-lost`.
    pub name: String,
    /// In words.
    pub detail: String,
    /// How often it began since the daemon's start.
    pub began: u64,
}

/// A reason to be busy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentReason {
    /// Which signal, such as `login`.
    pub signal: String,
    /// In words.
    pub why: String,
}

/// How idle the machine is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentIdleStatus {
    /// Why it is busy; nothing means that it is idle.
    pub busy: Vec<AgentReason>,
    /// For how long it has been idle, in seconds.
    pub idle_s: u64,
    /// After so many idle seconds it ends.
    pub after_s: u64,
    /// So many seconds until it ends if nothing happens.
    pub ends_in_s: Option<u64>,
    /// It is only said.
    pub only_notify: bool,
    /// It was told to shut down.
    pub ending: bool,
}

/// How long the lease still is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentLeaseStatus {
    /// In seconds.
    pub left_s: u64,
}

/// What the spot market said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentNotice {
    /// `stop`, `terminate`, `hibernate`, or `rebalance` for a recommendation.
    pub action: String,
    /// When, as the notice says.
    pub time: String,
    /// What became of the hook: empty if there is none.
    pub hook: String,
}

/// What became of the samples that were to be published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentQueue {
    /// They wait.
    pub waiting: u64,
    /// They were published.
    pub published: u64,
    /// They were given up, for whatever reason; none of them was published as far as anybody can tell.
    pub dropped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_version_is_read_as_far_as_it_is_known() {
        let text = r#"{"version":2,"node":"sim.0","moon":"full","idle":{"busy":[{"signal":"login","why":"x"}]}}"#;
        let status: AgentStatus = serde_json::from_str(text).expect("it is read");
        assert_eq!((status.version, status.node.as_str()), (2, "sim.0"));
        let idle = status.idle.expect("it is told");
        assert_eq!(idle.busy[0].signal, "login");
        assert_eq!(status.lease, None);
    }
}
