//! The events of a run, as they happen.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::error::FailureMirror;
use super::line::{Format, line};
use crate::event::{Event, Outline, RunEnd};
use crate::model::{Action, Address, CloudId, Kind};
use crate::ui::run::Display;

/// Writes one JSON object for each event.
#[derive(Debug)]
pub struct Events<W> {
    out: W,
}

impl<W: Write + Send> Events<W> {
    /// Begins with the line that names the format.
    pub fn new(out: W) -> Self {
        let mut events = Self { out };
        events.write(&Format::Events.opening());
        events
    }

    fn write(&mut self, line: &str) {
        // A reader that is gone is no reason to stop the run.
        let _unread = self
            .out
            .write_all(line.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

impl<W: Write + Send> Display for Events<W> {
    fn event(&mut self, event: &Event, now: Timestamp) {
        self.write(&line(&Stamped {
            event: mirror(event),
            at: now,
        }));
    }

    fn note(&mut self, _: &str) {}
}

/// The events of a run that was not needed.
pub fn nothing_ran_json() -> String {
    Format::Events.opening()
        + &line(&mirror(&Event::Ended {
            end: RunEnd::Done,
            done: BTreeMap::new(),
            failed: 0,
            skipped: 0,
            took: Duration::ZERO,
        }))
}

#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    event: Mirror<'a>,
    at: Timestamp,
}

#[derive(Serialize)]
struct OutlineMirror<'a> {
    address: &'a Address,
    kind: Kind,
    action: Action,
    steps: usize,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Begun {
        run: &'a str,
        outline: Vec<OutlineMirror<'a>>,
    },
    StepBegun {
        address: &'a Address,
        covers: &'a [Address],
        what: &'a str,
    },
    Waiting {
        address: &'a Address,
        what: &'a str,
        elapsed_s: f64,
    },
    Retrying {
        address: &'a Address,
        failure: FailureMirror,
        tries: u32,
        wait_s: f64,
    },
    FellBack {
        address: &'a Address,
        from: &'a str,
        to: &'a str,
        code: &'a str,
    },
    Made {
        address: &'a Address,
        kind: Kind,
        id: &'a str,
    },
    StepDone {
        address: &'a Address,
        covers: &'a [Address],
        took_s: f64,
    },
    ResourceDone {
        address: &'a Address,
        kind: Kind,
        action: Action,
        id: Option<&'a str>,
        took_s: f64,
    },
    StepFailed {
        address: &'a Address,
        covers: &'a [Address],
        failure: FailureMirror,
    },
    Skipped {
        address: &'a Address,
        because: &'a Address,
    },
    Draining {
        running: usize,
    },
    Ended {
        end: RunEnd,
        done: &'a BTreeMap<Action, usize>,
        failed: usize,
        skipped: usize,
        took_s: f64,
    },
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn outlines(outline: &[Outline]) -> Vec<OutlineMirror<'_>> {
    outline
        .iter()
        .map(
            |Outline {
                 address,
                 kind,
                 action,
                 steps,
             }| OutlineMirror {
                address,
                kind: *kind,
                action: *action,
                steps: *steps,
            },
        )
        .collect()
}

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event and nothing else"
)]
fn mirror(event: &Event) -> Mirror<'_> {
    match event {
        Event::Begun { run, outline } => Mirror::Begun {
            run: run.as_str(),
            outline: outlines(outline),
        },
        Event::StepBegun {
            address,
            covers,
            what,
        } => Mirror::StepBegun {
            address,
            covers,
            what,
        },
        Event::Waiting {
            address,
            what,
            elapsed,
        } => Mirror::Waiting {
            address,
            what,
            elapsed_s: seconds(*elapsed),
        },
        Event::Retrying {
            address,
            failure,
            tries,
            wait,
        } => {
            let (failure, tries, wait_s) = (failure.into(), *tries, seconds(*wait));
            Mirror::Retrying {
                address,
                failure,
                tries,
                wait_s,
            }
        }
        Event::FellBack {
            address,
            from,
            to,
            code,
        } => Mirror::FellBack {
            address,
            from,
            to,
            code,
        },
        Event::Made { address, kind, id } => Mirror::Made {
            address,
            kind: *kind,
            id: id.as_str(),
        },
        Event::StepDone {
            address,
            covers,
            took,
        } => Mirror::StepDone {
            address,
            covers,
            took_s: seconds(*took),
        },
        Event::ResourceDone {
            address,
            kind,
            action,
            id,
            took,
        } => {
            let (kind, action, took_s) = (*kind, *action, seconds(*took));
            Mirror::ResourceDone {
                address,
                kind,
                action,
                id: id.as_ref().map(CloudId::as_str),
                took_s,
            }
        }
        Event::StepFailed {
            address,
            covers,
            failure,
        } => Mirror::StepFailed {
            address,
            covers,
            failure: failure.into(),
        },
        Event::Skipped { address, because } => Mirror::Skipped { address, because },
        Event::Draining { running } => Mirror::Draining { running: *running },
        Event::Ended {
            end,
            done,
            failed,
            skipped,
            took,
        } => {
            let (end, failed, skipped, took_s) = (*end, *failed, *skipped, seconds(*took));
            Mirror::Ended {
                end,
                done,
                failed,
                skipped,
                took_s,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::run::story;

    #[test]
    fn a_run_in_json() {
        let mut out = Vec::new();
        let mut events = Events::new(&mut out);
        for (millis, event) in story() {
            events.event(&event, crate::ui::run::at(millis));
        }
        let text = String::from_utf8(out).expect("JSON is text");
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
            assert!(value["type"].is_string(), "{line}");
        }
        insta::assert_snapshot!(text);
    }
}
