//! `apply --rollback`: takes back what was made for a lab whose first apply failed. The first error stays the first, and its exit code too.

use std::time::Duration;

use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::prepare::{Prepared, Wish, price, think};
use super::session::Session;
use super::show::same_lab;
use super::{confirm, exit, report, show};
use crate::apply::Report;
use crate::event::RunEnd;
use crate::inventory::{Inventory, Sighting};
use crate::plan::{self, Made, Mode};

/// Takes back what was made for a lab of which no apply has succeeded, and says what is left. Returns the exit code of
/// all of it.
pub(super) async fn roll_back(app: &mut App, session: &Session, failed: &Report, code: u8) -> u8 {
    match take_back(app, session, failed).await {
        Ok(RunEnd::Interrupted) => exit::most_telling([code, exit::INTERRUPTED]),
        Ok(_) => code,
        Err(error) => {
            let mut told = CliError::new(format!("not rolled back: {}", error.message)).code(code);
            told.causes = error.causes;
            told.hints = error.hints;
            app.failed(&told.hint("what exists is listed by `roboinfra status{lab}`; `roboinfra destroy{lab}` takes it away"));
            exit::most_telling(
                [code, error.code]
                    .into_iter()
                    .filter(|c| *c == code || *c == exit::INTERRUPTED),
            )
        }
    }
}

async fn take_back(app: &mut App, session: &Session, failed: &Report) -> Result<RunEnd, CliError> {
    let mut books = Books::open(app, session, "rollback").await?;
    if !books.recorded().is_some_and(|lock| lock.unfinished) {
        return Err(CliError::new(
            "this lab was applied before, and only a first apply is taken back",
        )
        .hint("what is left to do: roboinfra plan{lab}"));
    }
    app.say("\nTaking back all that was made for this lab …");
    let reading = books.read(app, session, Mode::Destroy).await?;
    let wish = Wish::whole(Mode::Destroy);
    let recorded = books.recorded();
    let (lab, _) = think(session, &reading, recorded.as_ref(), &wish)?;
    let made = Made { ids: &failed.made };
    let plan = plan::rollback(&lab, reading.inventory(), made);
    if plan.changes.is_empty() {
        app.say("Nothing was made: nothing is to be taken back.");
        return Ok(RunEnd::Done);
    }
    let whole = plan::owned(&lab, reading.inventory()).all(|(_, owned)| made.has(&lab, owned));
    let prepared = price(session, reading, lab, plan).await;
    if prepared.plan.is_blocked() {
        show::plan(app, session, &prepared, &[]);
    }
    confirm::refuse(&prepared)?;
    let (run, _) = books.run(app, session, &prepared, "rollback").await?;
    if whole {
        let busy = app.busy("searching for what is left");
        let (world, left) =
            super::destroy::search(session, &prepared, run.failures.is_empty()).await;
        drop(busy);
        report::after_destroy(app, session, &prepared, &run, &world, &left);
    } else {
        report::after_part(app, session, &prepared, &run);
        let left = remaining(session, &prepared, made).await;
        tell_left(app, &left);
    }
    Ok(run.end)
}

/// What was made and is still there. What has just gone may be listed for a moment longer.
async fn remaining(session: &Session, prepared: &Prepared, made: Made<'_>) -> Vec<Sighting> {
    let still = |world: &Inventory| -> Vec<Sighting> {
        let all = world.sightings.iter();
        all.filter(|s| !s.is_gone() && made.has(&prepared.lab, s))
            .cloned()
            .collect()
    };
    let mut left = still(&session.cloud.collect(&prepared.reading.scope).await);
    for _ in 0..3 {
        if left.is_empty() {
            break;
        }
        session.clock.sleep(Duration::from_secs(3)).await;
        left = still(&session.cloud.collect(&prepared.reading.scope).await);
    }
    left
}

fn tell_left(app: &mut App, left: &[Sighting]) {
    if left.is_empty() {
        app.say("Nothing of what was made is left. What was imported stays.");
        return;
    }
    let ids: Vec<&str> = left.iter().map(|s| s.id.as_str()).collect();
    app.say(&format!(
        "Of what was made, this is left: {}",
        ids.join(", ")
    ));
    app.say(&format!("Next: roboinfra status{}", same_lab(app)));
}
