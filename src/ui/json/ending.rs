//! The account at the end of a run.

use serde::Serialize;

use super::error::{AdviceMirror, FailureMirror};
use super::line::{RateMirror, dollars, line};
use crate::model::Address;
use crate::ui::run::{EndReport, Remains, Standing};

#[derive(Serialize)]
#[serde(tag = "type", rename = "summary")]
struct Summary<'a> {
    failures: Vec<Failed<'a>>,
    standing: Vec<StandingMirror<'a>>,
    /// Whether a fresh scan says that `standing` is all there is.
    scanned: bool,
    resources: Option<usize>,
    cost: Option<RateMirror>,
    next: &'a [String],
}

#[derive(Serialize)]
struct Failed<'a> {
    address: &'a Address,
    failure: FailureMirror,
    advice: AdviceMirror,
}

#[derive(Serialize)]
struct StandingMirror<'a> {
    address: &'a Address,
    kind: crate::model::Kind,
    id: &'a str,
    what: &'a str,
    usd_per_hour: f64,
    why: Option<&'a str>,
}

/// The account as one line; it comes after the last event.
pub fn end_json(report: &EndReport<'_>) -> String {
    let failures = report.failures.iter().map(|(address, failure)| Failed {
        address,
        failure: failure.into(),
        advice: AdviceMirror::of(failure, &report.circumstances),
    });
    let standing = report.standing.iter().map(|thing| {
        let Standing {
            address,
            kind,
            id,
            what,
            hourly,
            why,
        } = thing;
        StandingMirror {
            address,
            kind: *kind,
            id: id.as_str(),
            what,
            usd_per_hour: dollars(*hourly),
            why: why.as_deref(),
        }
    });
    line(&Summary {
        failures: failures.collect(),
        standing: standing.collect(),
        scanned: matches!(report.remains, Remains::Scanned | Remains::Kept),
        resources: report.resources,
        cost: report.rate.map(RateMirror::from),
        next: report.next,
    })
}
