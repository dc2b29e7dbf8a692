//! `start` and `stop`.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exec::{Books, code_of_run};
use super::prepare::{Prepared, Reading, Wish, price, read, think};
use super::session::{OpenError, Session};
use super::show::same_lab;
use super::{exit, report};
use crate::apply::Report;
use crate::lab::Lab;
use crate::model::{Action, Address, FailureClass};
use crate::plan::{self, Mode, Plan, Power};
use crate::ui;

/// Start or stop machines and wait until they have.
#[derive(Debug, Args)]
pub(super) struct PowerArgs {
    /// Machines or groups, such as node.sim or node.sim.0; all of the lab unless given.
    nodes: Vec<String>,
}

pub(super) async fn power(app: &mut App, args: &PowerArgs, way: Power) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let command = if way == Power::On { "start" } else { "stop" };
    let mut books = Books::open(app, &session, command).await?;
    let mut reading = read(&session, books.recorded().as_ref(), Mode::Apply).await?;
    books.settle(app, &session, &mut reading).await?;
    let wish = Wish {
        mode: Mode::Apply,
        // The lab is needed whole; which machines is for the plan below.
        targets: std::collections::BTreeSet::new(),
    };
    let (lab, _) = think(
        &session,
        &reading,
        books.recorded().as_ref(),
        &wish,
        &session.public_keys,
    )?;
    let targets = args.nodes.iter().map(|node| full(node)).collect();
    let plan = plan::power(&lab, reading.inventory(), way, &targets);
    blocked(&plan)?;
    if plan.changes.is_empty() {
        return Err(CliError::new("there is no such machine")
            .hint(format!("roboinfra status{}", same_lab(app)))
            .into());
    }
    if plan.steps.is_empty() {
        books.close(&session)?;
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

/// `sim` and `sim.0` mean `node.sim` and `node.sim.0`.
fn full(node: &str) -> Address {
    if node.starts_with("node.") {
        Address::new(node)
    } else {
        Address::of(&["node", node])
    }
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

/// Machines for which there is no capacity are tried as the other types that the profile lists, in their own zone.
async fn start_otherwise(
    app: &mut App,
    session: &Session,
    prepared: &Prepared,
    first: Report,
) -> Result<Report, CliError> {
    let scarce = |report: &Report| {
        report
            .failures
            .iter()
            .any(|(_, f)| f.class == FailureClass::Capacity)
    };
    if !scarce(&first) {
        return Ok(first);
    }
    let mut last = first;
    let nodes: Vec<Address> = stopped(prepared, &prepared.plan);
    for node in nodes {
        let Some(types) = choices(&prepared.lab, &prepared.reading, &node) else {
            continue;
        };
        for instance_type in types {
            app.say(&format!(
                "No capacity for {node}: trying it as {instance_type} …"
            ));
            let plan = plan::start_as(&prepared.plan, &node, &instance_type);
            let again = Prepared {
                plan,
                ..prepared.clone()
            };
            last = Books::open(app, session, "start")
                .await?
                .run(app, session, &again, "start")
                .await?
                .0;
            if !scarce(&last) {
                break;
            }
        }
    }
    Ok(last)
}

fn stopped(prepared: &Prepared, plan: &Plan) -> Vec<Address> {
    let is_stopped = |address: &Address| {
        let id = plan.bindings.get(address).map(|binding| &binding.id);
        let seen = id.and_then(|id| prepared.reading.inventory().by_id(id));
        seen.is_some_and(|sighting| sighting.instance().is_some())
    };
    let moving = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Update);
    moving
        .map(|change| change.address.clone())
        .filter(is_stopped)
        .collect()
}

fn choices(
    lab: &Lab,
    reading: &Reading,
    node: &Address,
) -> Option<Vec<crate::model::InstanceType>> {
    let found = reading
        .inventory()
        .owned(&lab.name, &lab.id)
        .find(|(address, _)| *address == node)?;
    Some(plan::other_types(lab, node, found.1.instance()?))
}
