//! What is remembered of a host: which machine it was, which steps are done on it, what it was measured to be.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a host stood when it was last tended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Every step is done, and it measures up.
    Ready,
    /// Every step is done, and it does not measure up.
    NotReady,
    /// Some step is not done.
    Unfinished,
}

/// A step that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoneStep {
    /// The digest of the script that is done.
    pub digest: String,
    /// When it was done.
    pub finished: Timestamp,
}

/// What is remembered of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRecord {
    /// Which machine it was: an instance id, or the place of an edge host. Another machine makes all of this void.
    pub machine: String,
    /// How it stood.
    pub standing: Standing,
    /// What it lacked: the things that did not measure up, or the step that is not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// When that was measured; measuring the same again does not change it.
    pub measured: Timestamp,
    /// The steps that are done, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, DoneStep>,
    /// Its bill of materials: the versions that its steps left on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// What was measured later and differs from that; empty for what is gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<String, String>,
    /// The services of its stack, each with how it was: `healthy`, `unhealthy`, `starting`, or Docker's word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, String>,
}

impl HostRecord {
    /// Whether a step is done with this digest.
    pub fn is_done(&self, step: &str, digest: &str) -> bool {
        self.steps
            .get(step)
            .is_some_and(|done| done.digest == digest)
    }

    /// The same host after it was measured without a step having run: what differs now is remembered as found.
    pub fn measured_again(&self, versions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let keys = self.versions.keys().chain(versions.keys());
        keys.filter_map(|key| {
            let now = versions.get(key).map_or("", String::as_str);
            let then = self.versions.get(key).map_or("", String::as_str);
            (now != then).then(|| (key.clone(), now.to_owned()))
        })
        .collect()
    }

    /// The same host with what was found taken for right.
    pub fn accepted(mut self) -> Self {
        for (key, now) in std::mem::take(&mut self.found) {
            if now.is_empty() {
                self.versions.remove(&key);
            } else {
                self.versions.insert(key, now);
            }
        }
        self
    }

    /// Every text in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let Self {
            machine,
            standing: _,
            lacks,
            measured: _,
            steps,
            versions,
            found,
            services,
        } = self;
        let steps = steps.iter().map(|(name, done)| (name, &done.digest));
        let pairs = steps.chain(versions).chain(found).chain(services);
        std::iter::once(machine)
            .chain(lacks)
            .chain(pairs.flat_map(|(key, value)| [key, value]))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::samples;

    fn versions(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_differs_is_found_until_it_is_accepted() {
        let host = HostRecord {
            versions: versions(&[("docker", "27.3.1"), ("driver", "580.1"), ("kernel", "6.8")]),
            found: BTreeMap::new(),
            ..samples::host()
        };
        let now = versions(&[("docker", "27.4.0"), ("kernel", "6.8"), ("toolkit", "1.20")]);
        let found = host.measured_again(&now);
        assert_eq!(
            found,
            versions(&[("docker", "27.4.0"), ("driver", ""), ("toolkit", "1.20")])
        );
        let accepted = HostRecord { found, ..host }.accepted();
        assert_eq!(accepted.versions, now);
        assert!(accepted.found.is_empty());
        assert!(accepted.measured_again(&now).is_empty());
    }

    #[test]
    fn a_step_is_done_with_its_own_digest_only() {
        let host = samples::host();
        let (name, done) = host.steps.iter().next().expect("it has a step");
        assert!(host.is_done(name, &done.digest));
        assert!(!host.is_done(name, "other") && !host.is_done("other", &done.digest));
    }
}
