//! `hold`: machines are left alone for a while, however idle they are.

use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::global::duration;
use super::hosts::hosts;
use super::session::{OpenError, Session};
use super::stepless;
use super::tend::{PATIENCE, tending};
use crate::apply;
use crate::lab::AtHand;
use crate::model::Hold;
use crate::ui::{HoldReport, hold_view, json};

/// So long a host may take to answer.
const LIMIT: Duration = Duration::from_secs(30);
/// The longest hold that has an end: a year.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Leave machines alone for a while, however idle they are.
///
/// The hold is kept on the host itself and ends there, with your computer off. It holds off [idle], not the lease of
/// [schedule] ttl. `status` shows it.
#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// A host or a group of them, as `sim`, `sim.0` or `arm1`.
    host: String,
    /// For how long, for example 2h.
    #[arg(value_name = "TIME", value_parser = duration, required_unless_present_any = ["forever", "release"])]
    time: Option<Duration>,
    /// Until it is released.
    #[arg(long, conflicts_with_all = ["time", "release"])]
    forever: bool,
    /// Take the hold away.
    #[arg(long, conflicts_with = "time")]
    release: bool,
}

pub(super) async fn hold(app: &mut App, args: &HoldArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let wanted = wanted(app, &session, args)?;
    let jobs = hosts(
        app,
        &session,
        &AtHand::default(),
        std::slice::from_ref(&args.host),
    )
    .await?;
    let tending = tending(app, &session, PATIENCE);
    let busy = app.busy("telling the hosts");
    let asked = jobs
        .iter()
        .map(|job| apply::hold(&tending, job, wanted.as_ref(), LIMIT));
    let told = join_all(asked).await;
    drop(busy);
    let reports: Vec<HoldReport> = jobs
        .iter()
        .zip(told)
        .map(|(job, agent)| HoldReport {
            address: job.target.address.clone(),
            agent,
        })
        .collect();
    if app.global.json {
        app.data(&json::hold_json(&reports, wanted.as_ref()));
    }
    let shown = hold_view(&reports, wanted.as_ref(), session.clock.now());
    app.say(shown.trim_end());
    let failed = reports.iter().any(|report| report.agent.is_err());
    Ok(if failed { exit::PARTIAL } else { exit::DONE })
}

/// What is to be left; nothing to take it away.
fn wanted(app: &App, session: &Session, args: &HoldArgs) -> Result<Option<Hold>, CliError> {
    if args.release {
        return Ok(None);
    }
    let by = app.settings.user.clone();
    let Some(time) = args.time else {
        return Ok(Some(Hold { until: None, by }));
    };
    if time.is_zero() || time > LONGEST {
        return Err(CliError::new("a hold is for a second to a year")
            .hint("--forever leaves one until it is released"));
    }
    let until = Some(session.clock.now() + time);
    Ok(Some(Hold { until, by }))
}
