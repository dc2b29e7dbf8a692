//! What agents say, and what became of holds.

use jiff::Timestamp;
use serde::Serialize;

use super::line::{Format, line};
use crate::host::AgentNow;
use crate::model::{Address, AgentGpu, AgentNotice, AgentReason, AgentStatus, Hold};
use crate::ui::agent::HoldReport;

/// An agent as it is now.
#[derive(Serialize)]
pub(super) struct AgentMirror<'a> {
    running: bool,
    /// Why it could not be asked.
    unasked: Option<&'a str>,
    silent_s: Option<u64>,
    busy: &'a [AgentReason],
    idle_s: Option<u64>,
    stops_in_s: Option<u64>,
    stopping: bool,
    lease_left_s: Option<u64>,
    held_until: Option<String>,
    held_by: Option<&'a str>,
    notice: Option<&'a AgentNotice>,
    troubles: Vec<Trouble<'a>>,
    gpus: &'a [AgentGpu],
}

#[derive(Serialize)]
struct Trouble<'a> {
    name: &'a str,
    detail: &'a str,
}

pub(super) fn agent(now: &Result<AgentNow, String>) -> AgentMirror<'_> {
    let mut mirror = AgentMirror {
        running: false,
        unasked: now.as_ref().err().map(String::as_str),
        silent_s: None,
        busy: &[],
        idle_s: None,
        stops_in_s: None,
        stopping: false,
        lease_left_s: None,
        held_until: None,
        held_by: None,
        notice: None,
        troubles: Vec::new(),
        gpus: &[],
    };
    let Ok(now) = now else {
        return mirror;
    };
    mirror.running = now.running;
    if let Some(hold) = &now.hold {
        mirror.held_until = Some(end(hold));
        mirror.held_by = Some(&hold.by);
    }
    if let Some(status) = &now.status {
        mirror.silent_s = now.is_stale().then_some(now.age_s);
        said(&mut mirror, status);
    }
    mirror
}

fn said<'a>(mirror: &mut AgentMirror<'a>, status: &'a AgentStatus) {
    if let Some(idle) = &status.idle {
        mirror.busy = &idle.busy;
        mirror.idle_s = idle.busy.is_empty().then_some(idle.idle_s);
        mirror.stops_in_s = idle.ends_in_s.filter(|_| !idle.only_notify);
        mirror.stopping = idle.ending;
    }
    mirror.lease_left_s = status.lease.as_ref().map(|lease| lease.left_s);
    mirror.notice = status.notice.as_ref();
    let troubles = status.troubles.iter();
    mirror.troubles = troubles
        .map(|trouble| Trouble {
            name: &trouble.name,
            detail: &trouble.detail,
        })
        .collect();
    mirror.gpus = &status.gpus;
}

fn end(hold: &Hold) -> String {
    let until = hold.until.as_ref().map(Timestamp::to_string);
    until.unwrap_or_else(|| "forever".to_owned())
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "hold")]
struct HoldMirror<'a> {
    address: &'a Address,
    done: bool,
    until: Option<String>,
    by: Option<&'a str>,
    agent: AgentMirror<'a>,
}

/// What became of a hold on each host; `wanted` is what was to be left, nothing to take it away.
pub fn hold_json(reports: &[HoldReport], wanted: Option<&Hold>) -> String {
    let mut out = Format::Hold.opening();
    for report in reports {
        out.push_str(&line(&HoldMirror {
            address: &report.address,
            done: report.agent.is_ok(),
            until: wanted.map(end),
            by: wanted.map(|hold| hold.by.as_str()),
            agent: agent(&report.agent),
        }));
    }
    out
}
