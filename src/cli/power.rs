//! `start` and `stop`.

use clap::Args;

use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::exec::code_of_run;
use super::named;
use super::prepare::{Prepared, Reading, Wish, price, think};
use super::session::{OpenError, Session};
use super::{exit, report, stepless};
use crate::apply::Report;
use crate::event::RunEnd;
use crate::inventory::Sighting;
use crate::lab::Lab;
use crate::model::{Action, Address, FailureClass, InstanceState, InstanceType};
use crate::plan::{self, Change, Mode, Plan, Power};
use crate::ui;

/// Start or stop machines and wait until they have.
#[derive(Debug, Args)]
pub(super) struct PowerArgs {
    /// Machines or groups of them, as `sim` or `sim.0`; default: all of the lab.
    nodes: Vec<String>,
}

pub(super) async fn power(app: &mut App, args: &PowerArgs, way: Power) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let command = if way == Power::On { "start" } else { "stop" };
    let mut books = Books::open(app, &session, command).await?;
    let reading = books.read(app, &session, Mode::Apply).await?;
    let wish = Wish::whole(Mode::Apply);
    let (lab, _) = think(&session, &reading, books.recorded().as_ref(), &wish)?;
    let targets = args.nodes.iter();
    let targets = targets.map(|node| named::machine(node)).collect();
    let plan = plan::power(&lab, reading.inventory(), way, &targets);
    blocked(&plan)?;
    if plan.changes.is_empty() {
        return Err(match args.nodes.first() {
            Some(asked) => named::no_machine(&session.profile, asked),
            None => CliError::new("the lab has no machines").hint("roboinfra status{lab}"),
        }
        .into());
    }
    if plan.steps.is_empty() {
        books.conclude(app, &session).await?;
        let state = if way == Power::On {
            "runs"
        } else {
            "is stopped"
        };
        if app.global.json {
            app.data(&ui::json::nothing_ran_json());
        }
        app.say(&format!("Nothing to do: every machine {state} already."));
        return Ok(exit::DONE);
    }
    let prepared = price(&session, reading, lab, plan).await;
    let (run, _) = books.run(app, &session, &prepared, command).await?;
    let run = if way == Power::On {
        start_otherwise(app, &session, &prepared, run).await?
    } else {
        run
    };
    let code = code_of_run(&run);
    report::after_power(app, &session, &prepared, &run);
    if (way, code) == (Power::On, exit::CAPACITY) {
        app.say(
            "A stopped machine keeps no place in its zone: when the zone is full, it cannot start. Try again later, \
             or list more `types` in the profile: `start` tries them in the same zone.",
        );
    }
    Ok(code)
}

fn blocked(plan: &Plan) -> Result<(), CliError> {
    let Some(change) = plan
        .changes
        .iter()
        .find(|change| change.action == Action::Blocked)
    else {
        return Ok(());
    };
    Err(CliError::new(format!(
        "{} is between two states ({})",
        change.address, change.summary
    ))
    .hint("wait a minute, then run it again"))
}

/// Machines for which there was no capacity, one after the other: one call starts several or none, so each is tried by
/// itself, and then as the other types that the profile lists, in its own zone.
async fn start_otherwise(
    app: &mut App,
    session: &Session,
    prepared: &Prepared,
    first: Report,
) -> Result<Report, CliError> {
    if !scarce(&first) || first.end == RunEnd::Interrupted {
        return Ok(first);
    }
    let waiting = still_stopped(session, prepared).await;
    let alone = waiting.len() == 1 && prepared.plan.changes.len() == 1;
    let mut whole = Report {
        failures: Vec::new(),
        ..first.clone()
    };
    let others = first
        .failures
        .iter()
        .filter(|(_, f)| f.class != FailureClass::Capacity);
    whole.failures.extend(others.cloned());
    for node in waiting {
        let own = Some(None).filter(|_| !alone);
        let types = choices(&prepared.lab, &prepared.reading, &node);
        let mut last = first.clone();
        for instance_type in own.into_iter().chain(types.into_iter().map(Some)) {
            let how = instance_type
                .as_ref()
                .map_or_else(|| "by itself".to_owned(), |kind| format!("as {kind}"));
            app.say(&format!("No capacity for {node}: trying it {how} …"));
            let again = Prepared {
                plan: plan::start_as(&prepared.plan, &node, instance_type.as_ref()),
                ..prepared.clone()
            };
            let books = Books::open(app, session, "start").await?;
            last = books.run(app, session, &again, "start").await?.0;
            if !scarce(&last) || last.end == RunEnd::Interrupted {
                break;
            }
        }
        for (action, count) in &last.done {
            *whole.done.entry(*action).or_default() += count;
        }
        whole.took += last.took;
        whole.end = last.end;
        let named = last
            .failures
            .into_iter()
            .map(|(_, failure)| (node.clone(), failure));
        whole.failures.extend(named);
        if whole.end == RunEnd::Interrupted {
            return Ok(whole);
        }
    }
    whole.end = if whole.failures.is_empty() {
        RunEnd::Done
    } else {
        RunEnd::Failed
    };
    Ok(whole)
}

fn scarce(report: &Report) -> bool {
    let mut failures = report.failures.iter();
    failures.any(|(_, failure)| failure.class == FailureClass::Capacity)
}

/// Those of the machines to be started that are stopped still.
async fn still_stopped(session: &Session, prepared: &Prepared) -> Vec<Address> {
    let world = session.cloud.collect(&prepared.reading.scope).await;
    let moving = prepared
        .plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Update);
    let stands = |change: &&Change| {
        let seen = change.id.as_ref().and_then(|id| world.by_id(id));
        seen.and_then(Sighting::instance)
            .is_some_and(|instance| instance.state == InstanceState::Stopped)
    };
    moving
        .filter(stands)
        .map(|change| change.address.clone())
        .collect()
}

fn choices(lab: &Lab, reading: &Reading, node: &Address) -> Vec<InstanceType> {
    let found = plan::owned(lab, reading.inventory()).find(|(address, _)| address == node);
    found
        .and_then(|(_, sighting)| sighting.instance())
        .map_or_else(Vec::new, |seen| plan::other_types(lab, node, seen))
}
