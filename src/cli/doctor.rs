//! `doctor`: what is wrong with a host, as measured, and what to do about it.

use std::time::Duration;

use clap::Args;

use super::app::App;
use super::exit;
use super::hosts::hosts;
use super::session::{OpenError, Session};
use super::tend::tending;
use crate::apply::{HostJob, examine};
use crate::host::{Finding, HostEnd, Verdict};
use crate::model::Address;
use crate::ui::examined_view;
use crate::ui::json::verdicts_json;

/// Measure hosts and say what is wrong, why, and what to type next.
///
/// Changes nothing. Exits with 0 if every host is as it should be, 6 if not.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Hosts, as `node.sim.0`; default: all.
    hosts: Vec<String>,
}

pub(super) async fn doctor(app: &mut App, args: &DoctorArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let asked: Vec<Address> = args.hosts.iter().map(Address::new).collect();
    let jobs: Vec<HostJob> = hosts(app, &session, &asked).await?;
    if jobs.is_empty() {
        app.say("There is no host to look at: no machine of the lab runs, and the profile has no [edge.*].");
        return Ok(exit::DONE);
    }
    let tending = tending(app, &session, Duration::ZERO);
    let busy = app.busy("looking at the hosts");
    let verdicts = examine(&tending, &jobs).await;
    drop(busy);
    if app.global.json {
        app.data(&verdicts_json(&verdicts));
    } else {
        let shown = examined_view(&verdicts, &app.look(), &app.same_lab());
        app.data(&shown);
    }
    let well = verdicts.iter().all(is_well);
    Ok(if well { exit::DONE } else { exit::PARTIAL })
}

fn is_well(verdict: &Verdict) -> bool {
    verdict.end == HostEnd::Ready
        && verdict
            .findings
            .iter()
            .all(|finding: &Finding| finding.good)
}
