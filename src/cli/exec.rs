//! Runs a plan: engine, displays, signals. Shared by every command that changes something.

use super::app::App;
use super::books::Books;
use super::error::{CliError, code_of};
use super::exit;
use super::interrupts::Signals;
use super::prepare::Prepared;
use super::session::Session;
use crate::apply::{Engine, Report, Run, Stop};
use crate::event::{Event, RunEnd};
use crate::model::Tags;
use crate::state::Lockfile;
use crate::ui::{Display, choose_display, open_display};

impl Books {
    /// Does what the plan says, then writes the lockfile.
    pub(super) async fn run(
        self,
        app: &mut App,
        session: &Session,
        prepared: &Prepared,
        command: &str,
    ) -> Result<(Report, Option<Lockfile>), CliError> {
        let (report, books) = self.work(app, session, prepared, command).await?;
        Ok((report, books.conclude(app, session).await?))
    }

    /// Does what the plan says; the run goes on until the books are concluded.
    pub(super) async fn work(
        self,
        app: &mut App,
        session: &Session,
        prepared: &Prepared,
        command: &str,
    ) -> Result<(Report, Self), CliError> {
        let tags = tags_to_remember(&prepared.reading.gathered.pins.tags, prepared);
        let mut books = self.publish(app, session, prepared, &tags).await?;
        let recorded = books.recorded();
        let run = books.begin(session, &prepared.reading, Some(tags), command)?;
        let engine = Engine {
            cloud: books.cloud(session),
            clock: session.clock.clone(),
            policy: session.policy,
            parallelism: usize::from(app.global.parallelism),
        };
        let details = Run {
            id: &run,
            lab: &prepared.lab,
            plan: &prepared.plan,
            recorded: recorded.as_ref(),
            observed: prepared.reading.inventory(),
            scope: &prepared.reading.scope,
            seed: run.as_str().bytes().fold(0, |seed, byte| {
                seed.wrapping_mul(31).wrapping_add(u64::from(byte))
            }),
            first_seq: books.next_seq(),
        };
        let report = books.drive(app, &engine, &details).await?;
        Ok((report, books))
    }

    async fn drive(
        &mut self,
        app: &mut App,
        engine: &Engine,
        details: &Run<'_>,
    ) -> Result<Report, CliError> {
        let stop = Stop::default();
        let mut display = display(app, details.plan.steps.is_empty());
        // From here on an interruption drains the run instead of ending the command.
        let _held = app.interrupts.hold();
        let clock = engine.clock.clone();
        let mut tell = |event: Event| display.event(&event, clock.now());
        let mut signals = Signals::new()?;
        let lost = self.lost();
        tokio::pin!(lost);
        let running = engine.run(details, &mut self.ledger, &mut tell, &stop);
        tokio::pin!(running);
        let (mut asked, mut is_lost) = (false, false);
        loop {
            tokio::select! {
                report = &mut running => return Ok(report?),
                () = &mut lost, if !is_lost => {
                    is_lost = true;
                    stop.ask();
                }
                () = signals.next() => {
                    if asked {
                        return Err(CliError::new("interrupted twice: stopped at once").code(exit::INTERRUPTED)
                            .hint("the journal knows what was begun: run the same command again to settle it"));
                    }
                    asked = true;
                    stop.ask();
                }
            }
        }
    }
}

/// The display that suits where the output goes. A run that only writes the lockfile has nothing to show.
fn display(app: &App, idle: bool) -> Box<dyn Display> {
    let quiet = app.global.quiet || idle;
    let kind = choose_display(app.global.json, quiet, app.terminal.moving());
    open_display(kind, &app.terminal, app.global.verbose)
}

/// The exit code of a run.
pub(super) fn code_of_run(report: &Report) -> u8 {
    let failures = report
        .failures
        .iter()
        .map(|(_, failure)| code_of(failure.class))
        .filter(|code| *code != exit::FAILED);
    let end = match report.end {
        RunEnd::Done => exit::DONE,
        RunEnd::Interrupted => exit::INTERRUPTED,
        RunEnd::Failed if report.done.is_empty() => exit::FAILED,
        RunEnd::Failed => exit::PARTIAL,
    };
    exit::most_telling(failures.chain([end]))
}

/// The user's tags as they are now, and those of before that something seen still carries: it may not be reached by this
/// run, and the next one is to know of them.
fn tags_to_remember(before: &Tags, prepared: &Prepared) -> Tags {
    let inventory = prepared.reading.inventory();
    let worn = |(key, value): &(&String, &String)| {
        let mut seen = inventory.sightings.iter();
        seen.any(|sighting| sighting.tags.get(*key) == Some(*value))
    };
    let stale = before.iter().filter(worn);
    let mut tags: Tags = stale
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    tags.extend(prepared.lab.tags.clone());
    tags
}
