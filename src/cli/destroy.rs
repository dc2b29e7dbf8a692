//! `destroy`: takes the whole lab away and proves that nothing is left.

use std::time::Duration;

use clap::Args;

use super::app::App;
use super::books::Books;
use super::confirm::{confirm, refuse};
use super::error::CliError;
use super::exec::code_of_run;
use super::prepare::{Prepared, Wish, draw_id, needs_no_cloud, price_whole, think};
use super::session::{OpenError, Session};
use super::{exit, report, show, stepless};
use crate::apply::Report;
use crate::inventory::{Inventory, Sighting};
use crate::model::{Failure, Kind, RunId};
use crate::plan::Mode;
use crate::ui;

/// Take the whole lab away and prove that nothing is left.
///
/// Shows what goes and asks. Volumes with `keep = true` stay and are named. At the end the cloud is searched once
/// more for the lab's tags.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Only this address and what is built on it; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,
}

impl DestroyArgs {
    /// What `demo` types.
    pub(super) fn yes() -> Self {
        Self {
            yes: true,
            target: Vec::new(),
        }
    }
}

pub(super) async fn destroy(app: &mut App, args: &DestroyArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let mut books = Books::open(app, &session, "destroy").await?;
    let wish = Wish {
        mode: Mode::Destroy,
        targets: super::plan::targets(&args.target),
    };
    let recorded = books.recorded();
    // Without a lockfile the cloud is searched: it may have been lost.
    if recorded.is_some() && needs_no_cloud(&session, recorded.as_ref()) {
        books.conclude(app, &session).await?;
        if app.global.json {
            app.data(&ui::json::nothing_ran_json());
        }
        app.say(
            "Nothing to destroy: the lab has never been in a cloud. Its hosts stay as they are.",
        );
        return Ok(exit::DONE);
    }
    let reading = books.read(app, &session, wish.mode).await?;
    let (lab, plan) = think(&session, &reading, recorded.as_ref(), &wish)?;
    let prepared = price_whole(&session, reading, lab, plan).await;
    show::plan_to_do(app, &session, &prepared, args.yes);
    refuse(&prepared)?;
    if prepared.plan.has_changes() && !confirm(app, "Destroy all of this?", args.yes).await? {
        return Err(CliError::new("not destroyed: you did not say yes").into());
    }
    Ok(carry_out(app, &session, books, &prepared).await?)
}

/// Runs the plan and proves what is left.
pub(super) async fn carry_out(
    app: &mut App,
    session: &Session,
    books: Books,
    prepared: &Prepared,
) -> Result<u8, CliError> {
    let whole = prepared
        .plan
        .changes
        .iter()
        .all(|change| change.reason != crate::model::Reason::NotTargeted);
    let run = if books.recorded().is_none() && prepared.plan.steps.is_empty() {
        // A lab of which nothing is known and nothing is there gets no lockfile by being destroyed.
        Report::of_nothing(RunId::new(draw_id()))
    } else {
        books.run(app, session, prepared, "destroy").await?.0
    };
    let code = code_of_run(&run);
    blockers(app, session, prepared, &run).await;
    if !whole {
        report::after_part(app, session, prepared, &run);
        return Ok(code);
    }
    let busy = app.busy("searching for what is left");
    let (world, left) = search(session, prepared, run.failures.is_empty()).await;
    drop(busy);
    report::after_destroy(app, session, prepared, &run, &world, &left);
    let proven = left.is_empty() && world.unreadable.is_empty();
    Ok(if proven || code != exit::DONE {
        code
    } else {
        exit::PARTIAL
    })
}

/// Says what keeps the network from being deleted, where EC2 has only said that something does.
async fn blockers(app: &mut App, session: &Session, prepared: &Prepared, run: &Report) {
    let violated = |failure: &Failure| failure.code.as_deref() == Some("DependencyViolation");
    if !run.failures.iter().any(|(_, failure)| violated(failure)) {
        return;
    }
    let vpcs = prepared
        .plan
        .changes
        .iter()
        .filter(|change| change.kind == Kind::Vpc);
    for vpc in vpcs.filter_map(|change| change.id.as_ref()) {
        // What cannot be told now is told by the failure itself.
        for interface in session.cloud.interfaces(vpc).await.unwrap_or_default() {
            app.say(&format!("In the way, and not the lab's: {interface}"));
        }
    }
}

/// Searches the cloud for the lab's tags. What has just gone may be listed for a moment longer.
pub(super) async fn search(
    session: &Session,
    prepared: &Prepared,
    patient: bool,
) -> (Inventory, Vec<Sighting>) {
    let tries = if patient { 4 } else { 1 };
    let (lab, kept) = (&prepared.reading.lab_id, prepared.plan.kept());
    let mut world = session.cloud.collect(&prepared.reading.scope).await;
    for _ in 1..tries {
        if world.left_of(lab, &kept).is_empty() {
            break;
        }
        session.clock.sleep(Duration::from_secs(3)).await;
        world = session.cloud.collect(&prepared.reading.scope).await;
    }
    let left = world.left_of(lab, &kept);
    let left = left.into_iter().cloned().collect();
    (world, left)
}
