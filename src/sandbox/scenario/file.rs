//! The scenario file. Its format is described in `docs/sandbox.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::durations::{duration, whole};
use super::plot::{HostPlot, StepPlot};

/// A scenario that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, or not of the documented shape.
    #[error("the scenario is not valid: {0}")]
    Shape(#[from] toml::de::Error),
    /// A rule that can never do anything, or that contradicts itself.
    #[error("fault {number} of the scenario: {problem}")]
    Rule {
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What a fault does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// `InsufficientInstanceCapacity`, or only `available` instances of a type in a zone.
    Capacity,
    /// `RequestLimitExceeded`, status 503.
    Throttle,
    /// `InternalError`, status 500.
    ServerError,
    /// The effect happens and the answer is lost: the caller sees a broken connection.
    LostResponse,
    /// The connection is refused: no effect.
    Refused,
    /// What was born less than `for` ago cannot be seen by the action.
    Invisible,
    /// A page comes without anything in it, but with a token for the next.
    EmptyPage,
    /// The instance goes from pending to terminated.
    LaunchFailure,
    /// A spot instance is taken back `after` its launch.
    Interrupt,
    /// `RequestExpired` (EC2) or `ExpiredToken`: credentials that have run out.
    Expired,
    /// `UnauthorizedOperation` (EC2) or `AccessDenied`.
    Denied,
    /// The error of the rule's `code`, `status` and `message`.
    Error,
    /// The process that the sandbox runs in ends by SIGKILL, before or after the effect.
    Kill,
}

/// On which side of a call's effect a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Nothing has happened yet.
    #[default]
    Before,
    /// It has happened, or was refused, and nobody knows it.
    After,
}

/// One rule: what goes wrong, for which calls, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the fault does.
    pub kind: FaultKind,
    /// The action, with `*` and `?`; default: every one that the kind can concern.
    #[serde(default = "any")]
    pub on: String,
    /// The zone of a launch or start, likewise.
    pub zone: Option<String>,
    /// The instance type of a launch or start, likewise.
    #[serde(rename = "type")]
    pub instance_type: Option<String>,
    /// `spot` or `on-demand`.
    pub market: Option<String>,
    /// Only this match, counted from 1.
    pub nth: Option<u64>,
    /// Every so many matches.
    pub every: Option<u64>,
    /// Not the first matches.
    #[serde(default)]
    pub skip: u64,
    /// At most so many times.
    pub times: Option<u64>,
    /// Capacity: how many instances of a type a zone has room for.
    pub available: Option<u64>,
    /// Invisible: for how long after birth.
    #[serde(default, rename = "for", deserialize_with = "duration")]
    pub lasting: Option<Duration>,
    /// Interrupt: how long after the launch.
    #[serde(default, deserialize_with = "duration")]
    pub after: Option<Duration>,
    /// Not before this time since the sandbox was opened.
    #[serde(default, deserialize_with = "duration")]
    pub from: Option<Duration>,
    /// Not after this time since the sandbox was opened.
    #[serde(default, deserialize_with = "duration")]
    pub until: Option<Duration>,
    /// Error, launch failure: the code.
    pub code: Option<String>,
    /// Error, launch failure: the message.
    pub message: Option<String>,
    /// Error: the HTTP status; default 400.
    pub status: Option<u16>,
    /// Kill: before the call's effect, or after it.
    pub when: Option<When>,
    /// A digest of the rule, under which it is counted.
    #[serde(skip)]
    pub(super) digest: String,
}

fn any() -> String {
    "*".to_owned()
}

/// How long transitions take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Times {
    /// pending to running.
    #[serde(deserialize_with = "whole")]
    pub running: Duration,
    /// stopping to stopped.
    #[serde(deserialize_with = "whole")]
    pub stopped: Duration,
    /// shutting-down to terminated.
    #[serde(deserialize_with = "whole")]
    pub terminated: Duration,
    /// A volume's creating to available.
    #[serde(deserialize_with = "whole")]
    pub volume: Duration,
    /// A volume modification's optimizing to completed.
    #[serde(deserialize_with = "whole")]
    pub modification: Duration,
    /// A snapshot's pending to completed.
    #[serde(deserialize_with = "whole")]
    pub snapshot: Duration,
    /// Until a new instance profile can be launched with.
    #[serde(deserialize_with = "whole")]
    pub instance_profile: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            running: Duration::from_secs(1),
            stopped: Duration::from_secs(1),
            terminated: Duration::from_secs(1),
            volume: Duration::ZERO,
            modification: Duration::ZERO,
            snapshot: Duration::from_secs(1),
            instance_profile: Duration::ZERO,
        }
    }
}

/// A whole scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Whether the documented request rates are enforced.
    #[serde(default)]
    pub rate_limits: bool,
    /// How long transitions take.
    #[serde(default)]
    pub times: Times,
    /// Quotas by code, for example `L-DB2E81BA`; what is not named is generous.
    #[serde(default)]
    pub quotas: BTreeMap<String, u64>,
    /// The rules, in the order in which they are tried.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Rule>,
    /// SSM parameters of the account, by name: secure strings.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// How hosts behave.
    #[serde(default)]
    pub hosts: HostPlot,
    /// Bootstrap steps that do not simply succeed.
    #[serde(default, rename = "step")]
    pub steps: Vec<StepPlot>,
}

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text)?;
        for (at, rule) in scenario.faults.iter_mut().enumerate() {
            if let Some(problem) = problem_of(rule) {
                return Err(ScenarioError::Rule {
                    number: at + 1,
                    problem,
                });
            }
            let described = format!("{at} {rule:?}");
            rule.digest = format!("{:x}", Sha256::digest(described));
        }
        Ok(scenario)
    }
}

fn problem_of(rule: &Rule) -> Option<&'static str> {
    let checks = [
        (
            rule.nth == Some(0) || rule.every == Some(0),
            "`nth` and `every` count from 1",
        ),
        (
            rule.kind == FaultKind::Invisible && rule.lasting.is_none(),
            "an `invisible` fault needs `for`",
        ),
        (
            rule.kind == FaultKind::Interrupt && rule.after.is_none(),
            "an `interrupt` fault needs `after`",
        ),
        (
            rule.kind == FaultKind::Error && rule.code.is_none(),
            "an `error` fault needs `code`",
        ),
        (
            rule.available.is_some() && rule.kind != FaultKind::Capacity,
            "only a `capacity` fault has `available`",
        ),
        (
            rule.when.is_some() && rule.kind != FaultKind::Kill,
            "only a `kill` fault has `when`",
        ),
        (
            rule.status
                .is_some_and(|status| !(400..600).contains(&status)),
            "`status` is an HTTP error, 400 to 599",
        ),
    ];
    checks
        .into_iter()
        .find_map(|(wrong, problem)| wrong.then_some(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_scenario() {
        let scenario = Scenario::parse(
            r#"
            [times]
            running = "30s"
            [quotas]
            L-DB2E81BA = 0
            [[fault]]
            kind = "capacity"
            zone = "us-east-1a"
            type = "g5.*"
            times = 2
            [[fault]]
            kind = "invisible"
            on = "DescribeInstances"
            for = "250ms"
            "#,
        )
        .expect("valid");
        assert_eq!(scenario.times.running, Duration::from_secs(30));
        assert_eq!(scenario.times.stopped, Duration::from_secs(1));
        assert_eq!(scenario.quotas["L-DB2E81BA"], 0);
        assert_eq!(scenario.faults[0].on, "*");
        assert_eq!(scenario.faults[1].lasting, Some(Duration::from_millis(250)));
        assert_ne!(scenario.faults[0].digest, scenario.faults[1].digest);
    }

    #[test]
    fn the_scenario_of_the_manual_is_valid() {
        let manual = include_str!("../../../docs/sandbox.md");
        let example = manual
            .split("```toml")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("the manual shows a scenario");
        let scenario = Scenario::parse(example).expect("valid");
        assert!(scenario.rate_limits);
        assert_eq!((scenario.faults.len(), scenario.quotas.len()), (4, 2));
        assert_eq!(scenario.times.modification, Duration::from_mins(10));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("[[fault]]\nkind = \"rain\"", "unknown variant"),
            ("[[fault]]\nkind = \"throttle\"\nnthh = 1", "unknown field"),
            ("[[fault]]\nkind = \"throttle\"\nnth = 0", "count from 1"),
            ("[[fault]]\nkind = \"invisible\"", "needs `for`"),
            (
                "[[fault]]\nkind = \"throttle\"\nwhen = \"after\"",
                "only a `kill`",
            ),
            (
                "[[fault]]\nkind = \"kill\"\nwhen = \"later\"",
                "unknown variant",
            ),
            ("[times]\nrunning = \"soon\"", "not a duration"),
        ] {
            let error = Scenario::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
