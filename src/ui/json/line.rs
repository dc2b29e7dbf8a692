//! The formats and how a line of them is written.

use serde::Serialize;

use crate::model::Usd;
use crate::plan::Rate;

/// A format with its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `plan --json`.
    Plan,
    /// The events of `apply`, `destroy`, `start` and `stop`.
    Events,
    /// `status --json`.
    Status,
    /// `state list --json` and `state show --json`.
    State,
    /// `validate --json`.
    Problems,
    /// `graph --json`.
    Graph,
    /// An error before anything else.
    Error,
}

impl Format {
    /// Its name and version.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "roboinfra.plan/1",
            Self::Events => "roboinfra.events/1",
            Self::Status => "roboinfra.status/1",
            Self::State => "roboinfra.state/1",
            Self::Problems => "roboinfra.problems/1",
            Self::Graph => "roboinfra.graph/1",
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

/// A value as one line.
pub(super) fn line(value: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string(value).expect("mirrors have text keys and always serialise");
    text.push('\n');
    text
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
