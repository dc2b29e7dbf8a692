//! The formats and how a line of them is written.

use std::borrow::Cow;

use serde::Serialize;

use crate::model::Usd;
use crate::plan::Rate;
use crate::profile::is_unsafe;

/// A format with its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `plan --json`.
    Plan,
    /// The events of `apply`, `destroy`, `start` and `stop`.
    Events,
    /// What happens with hosts: `bootstrap --json`.
    Hosts,
    /// `status --json`.
    Status,
    /// `hold --json`.
    Hold,
    /// `state list --json` and `state show --json`.
    State,
    /// `validate --json`.
    Problems,
    /// `graph --json`.
    Graph,
    /// `policy --json`.
    Policy,
    /// `metrics --json`.
    Metrics,
    /// An error before anything else.
    Error,
}

impl Format {
    /// Its name and version.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "roboinfra.plan/1",
            Self::Events => "roboinfra.events/1",
            Self::Hosts => "roboinfra.hosts/1",
            Self::Status => "roboinfra.status/1",
            Self::Hold => "roboinfra.hold/1",
            Self::State => "roboinfra.state/1",
            Self::Problems => "roboinfra.problems/1",
            Self::Graph => "roboinfra.graph/1",
            Self::Policy => "roboinfra.policy/1",
            Self::Metrics => "roboinfra.metrics/1",
            Self::Error => "roboinfra.error/1",
        }
    }

    /// The first line.
    pub(super) fn opening(self) -> String {
        line(&Opening {
            r#type: "version",
            format: self.name(),
            roboinfra: env!("CARGO_PKG_VERSION"),
        })
    }
}

#[derive(Serialize)]
struct Opening {
    r#type: &'static str,
    format: &'static str,
    roboinfra: &'static str,
}

/// A value as one line. JSON is read on terminals too: what would act on one is escaped.
pub fn line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("mirrors have text keys and always serialise");
    tame(&text).into_owned() + "\n"
}

/// JSON with the characters escaped that a terminal obeys and JSON lets stand: they occur in its texts only.
fn tame(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut tame = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_unsafe(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                tame.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            tame.push(character);
        }
    }
    Cow::Owned(tame)
}

/// An hourly cost in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct RateMirror {
    running_usd_per_hour: f64,
    stopped_usd_per_hour: f64,
    running_usd_per_month: f64,
}

impl From<Rate> for RateMirror {
    fn from(rate: Rate) -> Self {
        let Rate { running, stopped } = rate;
        Self {
            running_usd_per_hour: running.dollars(),
            stopped_usd_per_hour: stopped.dollars(),
            running_usd_per_month: running.per_month().dollars(),
        }
    }
}

/// A sum in dollars.
pub(super) fn dollars(amount: Usd) -> f64 {
    amount.dollars()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_obeys_a_line_and_no_program_sees_a_difference() {
        let text = "\u{1b}[2J \u{9b}31m \u{202e} \u{7f} \u{e0041} größe \\u";
        let written = line(&[text]);
        let bad = written
            .trim_end_matches('\n')
            .chars()
            .find(|c| is_unsafe(*c));
        assert_eq!(bad, None, "{written}");
        let read: Vec<String> = serde_json::from_str(&written).expect("it is JSON");
        assert_eq!(read, [text]);
    }
}
