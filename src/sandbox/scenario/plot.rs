//! What a scenario says of hosts: how long steps take, and which end badly.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::durations::whole;
#[cfg(feature = "cli")]
use super::pattern::matches;

/// How hosts behave.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostPlot {
    /// From running to answering SSH, and from a reboot to answering again.
    #[serde(deserialize_with = "whole")]
    pub boot: Duration,
    /// How long a step takes.
    #[serde(deserialize_with = "whole")]
    pub step: Duration,
    /// What hosts say of themselves, in place of what they would.
    pub facts: BTreeMap<String, String>,
    /// The versions that they find, likewise.
    pub versions: BTreeMap<String, String>,
}

impl Default for HostPlot {
    fn default() -> Self {
        Self {
            boot: Duration::from_millis(500),
            step: Duration::from_millis(150),
            facts: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }
}

/// How a step ends that does not simply succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It fails with exit code 1.
    Failed,
    /// It meets something that may pass by itself.
    Later,
    /// It asks for a reboot.
    Reboot,
    /// It takes too long.
    Timeout,
}

/// One rule for steps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepPlot {
    /// The step, with `*` and `?`.
    pub step: String,
    /// The host's alias (an instance id, or `edge.NAME`), likewise; default: all.
    #[serde(default = "any")]
    pub host: String,
    /// How it ends.
    pub ends: Ending,
    /// For the first so many tries on a host; default: always.
    pub tries: Option<u32>,
    /// What it logs.
    #[serde(default)]
    pub says: String,
}

fn any() -> String {
    "*".to_owned()
}

#[cfg(feature = "cli")]
impl StepPlot {
    /// Whether the rule is for this try, counted from 1.
    pub(crate) fn fits(&self, host: &str, step: &str, tries: u32) -> bool {
        matches(&self.step, step)
            && matches(&self.host, host)
            && self.tries.is_none_or(|most| tries <= most)
    }
}
