//! What happens with hosts, as it happens.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::line::{Format, line};
use crate::event::{HostEvent, HostNews};
use crate::host::{HostEnd, Verdict};
use crate::model::Address;
use crate::ui::hosts::{HostDisplay, explain, next_of};

/// Writes one JSON object for each event.
pub struct HostEvents<W> {
    out: W,
}

impl<W: Write + Send> HostEvents<W> {
    /// Begins with the line that names the format.
    pub fn new(out: W) -> Self {
        let mut events = Self { out };
        events.write(&Format::Hosts.opening());
        events
    }

    fn write(&mut self, line: &str) {
        // A reader that is gone is no reason to stop.
        let _unread = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

impl<W: Write + Send> HostDisplay for HostEvents<W> {
    fn host(&mut self, event: &HostEvent, now: Timestamp) {
        self.write(&line(&Stamped {
            news: mirror(&event.news),
            address: &event.address,
            at: now,
        }));
    }
}

#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    news: Mirror<'a>,
    address: &'a Address,
    at: Timestamp,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Reaching {
        host: &'a str,
    },
    Waiting {
        why: &'a str,
        elapsed_s: f64,
    },
    Reached {
        system: &'a str,
        first_use: Option<&'a str>,
        introduced: bool,
        steps: usize,
        done: usize,
    },
    Sending {
        step: &'a str,
        sent: u64,
        of: u64,
    },
    StepBegun {
        step: &'a str,
        position: usize,
        of: usize,
        resumed: bool,
    },
    Log {
        step: &'a str,
        offset: u64,
        text: String,
    },
    StepDone {
        step: &'a str,
        took_s: f64,
    },
    StepAgain {
        step: &'a str,
        why: &'a str,
        wait_s: f64,
    },
    Rebooting {
        step: &'a str,
    },
    Back {
        took_s: f64,
    },
    Over {
        ready: bool,
        how: &'a str,
        took_s: f64,
    },
}

fn mirror(news: &HostNews) -> Mirror<'_> {
    match news {
        HostNews::Reaching { host } => Mirror::Reaching { host },
        HostNews::Waiting { why, elapsed } => Mirror::Waiting {
            why,
            elapsed_s: elapsed.as_secs_f64(),
        },
        HostNews::Reached {
            system,
            first_use,
            introduced,
            steps,
            done,
        } => Mirror::Reached {
            system,
            first_use: first_use.as_deref(),
            introduced: *introduced,
            steps: *steps,
            done: *done,
        },
        HostNews::Sending { step, sent, of } => Mirror::Sending {
            step,
            sent: *sent,
            of: *of,
        },
        HostNews::StepBegun {
            step,
            position,
            of,
            resumed,
        } => Mirror::StepBegun {
            step,
            position: *position,
            of: *of,
            resumed: *resumed,
        },
        HostNews::Log {
            step,
            offset,
            bytes,
        } => Mirror::Log {
            step,
            offset: *offset,
            text: String::from_utf8_lossy(bytes).into_owned(),
        },
        HostNews::StepDone { step, took } => Mirror::StepDone {
            step,
            took_s: took.as_secs_f64(),
        },
        HostNews::Again { step, why, wait } => Mirror::StepAgain {
            step,
            why,
            wait_s: wait.as_secs_f64(),
        },
        HostNews::Rebooting { step } => Mirror::Rebooting { step },
        HostNews::Back { took } => Mirror::Back {
            took_s: took.as_secs_f64(),
        },
        HostNews::Over { ready, how, took } => Mirror::Over {
            ready: *ready,
            how,
            took_s: took.as_secs_f64(),
        },
    }
}

#[derive(Serialize)]
struct VerdictMirror<'a> {
    r#type: &'static str,
    address: &'a Address,
    ready: bool,
    end: &'static str,
    step: Option<&'a str>,
    exit_code: Option<i32>,
    tail: &'a [String],
    meaning: Option<String>,
    help: Option<String>,
    message: Option<&'a str>,
    findings: Vec<FindingMirror<'a>>,
    facts: std::collections::BTreeMap<&'a str, &'a str>,
    versions: std::collections::BTreeMap<&'a str, &'a str>,
    steps_run: usize,
}

#[derive(Serialize)]
struct FindingMirror<'a> {
    what: &'a str,
    good: bool,
    found: &'a str,
    expected: &'a str,
    cause: Option<&'a str>,
    next: Option<String>,
    binding: bool,
}

/// What was measured of hosts, without any event: a format of its own line and a line for each verdict.
pub fn examined_json(verdicts: &[Verdict], same_lab: &str) -> String {
    Format::Hosts.opening() + &verdicts_json(verdicts, same_lab)
}

/// One line for each verdict, after the events.
pub fn verdicts_json(verdicts: &[Verdict], same_lab: &str) -> String {
    verdicts
        .iter()
        .map(|verdict| line(&verdict_mirror(verdict, same_lab)))
        .collect()
}

fn verdict_mirror<'a>(verdict: &'a Verdict, same_lab: &str) -> VerdictMirror<'a> {
    let (end, message) = match &verdict.end {
        HostEnd::Ready => ("ready", None),
        HostEnd::NotReady => ("not-ready", None),
        HostEnd::Failed { .. } => ("step-failed", None),
        HostEnd::NoSecret { why, .. } => ("no-secret", Some(why.what.as_str())),
        HostEnd::Unreachable(why) => ("unreachable", Some(why.as_str())),
        HostEnd::HostKey(why) => ("host-key", Some(why.as_str())),
        HostEnd::Refused(why) => ("refused", Some(why.as_str())),
        HostEnd::Strange(why) => ("strange", Some(why.as_str())),
        HostEnd::Interrupted { .. } => ("interrupted", None),
    };
    let (step, exit_code, tail) = match &verdict.end {
        HostEnd::Failed {
            step, code, tail, ..
        } => (Some(step.as_str()), *code, tail.as_slice()),
        HostEnd::NoSecret { step, .. } => (Some(step.as_str()), None, &[][..]),
        HostEnd::Interrupted { step } => (step.as_deref(), None, &[][..]),
        _ => (None, None, &[][..]),
    };
    let meaning = explain(tail);
    VerdictMirror {
        r#type: "verdict",
        address: &verdict.address,
        ready: verdict.end == HostEnd::Ready,
        end,
        step,
        exit_code,
        tail,
        help: meaning.as_ref().map(|meaning| meaning.help.clone()),
        meaning: meaning.map(|meaning| meaning.what),
        message,
        findings: verdict
            .findings
            .iter()
            .map(|finding| FindingMirror {
                what: &finding.what,
                good: finding.good,
                found: &finding.found,
                expected: &finding.expected,
                cause: (!finding.good).then_some(finding.cause),
                next: (!finding.good).then(|| next_of(finding, verdict, same_lab)),
                binding: finding.binding,
            })
            .collect(),
        facts: verdict.facts.iter().collect(),
        versions: verdict.versions.iter().collect(),
        steps_run: verdict.ran,
    }
}
