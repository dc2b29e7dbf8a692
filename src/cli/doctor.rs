//! `doctor`: what is wrong with a host, as measured, and what to do about it.

use std::time::Duration;

use clap::Args;

use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::exit;
use super::hosts::hosts;
use super::secrets::known;
use super::session::{OpenError, Session};
use super::tend::{tending, write_down};
use crate::apply::{HostJob, examine, remember};
use crate::host::{Finding, HostEnd, Verdict};
use crate::ui::examined_view;
use crate::ui::json::examined_json;

/// Measure hosts and say what is wrong, why, and what to type next.
///
/// Changes nothing on them; it may fetch a small image, once, to try a container with. What differs from what `apply` left
/// is written down, and `plan` shows it. Exits with 0 if every host is as it should be, 6 if not.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Hosts or groups of them, as `sim`, `sim.0` or `arm1`; default: all.
    hosts: Vec<String>,
}

pub(super) async fn doctor(app: &mut App, args: &DoctorArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let secrets = known(&session).await;
    let mut jobs: Vec<HostJob> = hosts(app, &session, &secrets.at_hand, &args.hosts).await?;
    if !secrets.unread.is_empty() {
        take_as_done(&session, &mut jobs).await?;
    }
    if jobs.is_empty() {
        app.say("There is no host to look at: no machine of the lab runs, and the profile has no [edge.*].");
        return Ok(exit::DONE);
    }
    let tending = tending(app, &session, Duration::ZERO);
    let busy = app.busy("looking at the hosts");
    let verdicts = examine(&tending, &jobs).await;
    drop(busy);
    write_down_news(app, &session, &jobs, &verdicts).await?;
    if app.global.json {
        app.data(&examined_json(&verdicts, &app.same_lab()));
    } else {
        let shown = examined_view(&verdicts, &app.look(), &app.same_lab());
        app.data(&shown);
    }
    let well = verdicts.iter().all(is_well);
    Ok(if well { exit::DONE } else { exit::PARTIAL })
}

/// Where a secret cannot be looked at from here, the stack that was brought up last is the one to measure.
async fn take_as_done(session: &Session, jobs: &mut [HostJob]) -> Result<(), CliError> {
    let loaded = session.load().await?;
    let Some(lock) = &loaded.state.folded().lockfile else {
        return Ok(());
    };
    for job in jobs {
        let known = lock.hosts.get(&job.wanted.address);
        let known = known.filter(|known| known.machine == job.target.machine());
        for step in &mut job.wanted.steps {
            let takes_secrets = !step.script.step.header.secrets.is_empty();
            let done = known.and_then(|known| known.steps.get(step.name()));
            if let (true, Some(done)) = (takes_secrets, done) {
                step.script.digest.clone_from(&done.digest);
            }
        }
    }
    Ok(())
}

/// Writes down what differs from what is remembered; where another run is at work, it does that.
async fn write_down_news(
    app: &mut App,
    session: &Session,
    jobs: &[HostJob],
    verdicts: &[Verdict],
) -> Result<(), CliError> {
    let loaded = session.load().await?;
    let Some(lock) = &loaded.state.folded().lockfile else {
        return Ok(());
    };
    let is_news = |(job, verdict): (&HostJob, &Verdict)| {
        let known = lock.hosts.get(&verdict.address);
        let now = session.clock.now();
        known.is_some() && remember(verdict, &job.target.machine(), known, now).is_some()
    };
    if !jobs.iter().zip(verdicts).any(is_news) {
        return Ok(());
    }
    let mut books = match Books::open(app, session, "doctor").await {
        Ok(books) => books,
        Err(error) if error.code == exit::LOCKED => {
            app.say("Another run is at work: what was found is not written down.");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    books.begin_without_cloud(session, "doctor")?;
    for (job, verdict) in jobs.iter().zip(verdicts) {
        let known = books
            .recorded()
            .is_some_and(|lock| lock.hosts.contains_key(&verdict.address));
        if known {
            write_down(session, &mut books, job, verdict)?;
        }
    }
    books.conclude(app, session).await?;
    Ok(())
}

fn is_well(verdict: &Verdict) -> bool {
    verdict.end == HostEnd::Ready
        && verdict
            .findings
            .iter()
            .all(|finding: &Finding| finding.good)
}
