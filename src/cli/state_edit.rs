//! `state rm` and `state mv`: lets go of resources, and gives them other addresses.

use clap::Args;

use super::app::App;
use super::books::Books;
use super::confirm::{confirm, refuse};
use super::error::CliError;
use super::exec::code_of_run;
use super::prepare::{Reading, Wish, price, think};
use super::session::{OpenError, Session};
use super::show::{self, same_lab};
use super::{exit, report, stepless};
use crate::lab::{Lab, Moves};
use crate::model::{Address, Kind, Usd};
use crate::plan::{self, Mode};

/// What to let go of.
#[derive(Debug, Args)]
pub(super) struct RmArgs {
    /// Its address; a group such as node.sim stands for all of its machines.
    address: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

/// What to give another address.
#[derive(Debug, Args)]
pub(super) struct MvArgs {
    /// The address until now: a group such as node.simulator, a machine such as node.sim.1, or a volume.
    from: String,
    /// The address from now on.
    to: String,
}

/// The lab as it is, with its files held.
struct Hand {
    session: Session,
    books: Books,
    reading: Reading,
    lab: Lab,
}

async fn open(app: &mut App, command: &str) -> Result<Hand, OpenError> {
    let session = stepless::open(app).await?;
    let mut books = Books::open(app, &session, command).await?;
    if books.recorded().is_none() {
        return Err(
            CliError::new("there is no lockfile: nothing is remembered of this lab")
                .hint("if it was lost: roboinfra state rebuild{lab}")
                .into(),
        );
    }
    let reading = books.read(app, &session, Mode::Apply).await?;
    let wish = Wish::whole(Mode::Apply);
    let recorded = books.recorded();
    let (lab, _) = think(&session, &reading, recorded.as_ref(), &wish)?;
    Ok(Hand {
        session,
        books,
        reading,
        lab,
    })
}

pub(super) async fn rm(app: &mut App, args: &RmArgs) -> Result<u8, OpenError> {
    let Hand {
        session,
        books,
        reading,
        lab,
    } = open(app, "state rm").await?;
    let target = Address::new(&args.address);
    let bound = plan::bound_parts(&lab, reading.inventory(), &target);
    if let Some(part) = bound.first() {
        return Err(CliError::new(format!(
            "{part} is a part of its route table and carries no tags"
        ))
        .hint("let go of the table instead: roboinfra state rm network.route-table{lab}")
        .into());
    }
    let recorded = books.recorded();
    let plan = plan::release(&lab, recorded.as_ref(), reading.inventory(), &target);
    if plan.changes.is_empty() && plan.forgotten.is_empty() {
        return Err(CliError::new(format!("this lab has no {target}"))
            .hint("roboinfra state list{lab}")
            .into());
    }
    let going: Vec<Address> = plan.changes.iter().map(|c| c.address.clone()).collect();
    let wanted: Vec<&Address> = going
        .iter()
        .filter(|a| lab.resources.contains_key(*a))
        .collect();
    let again = wanted.first().map(|first| still_asked(&lab, first));
    let mut without = lab.clone();
    without
        .resources
        .retain(|address, _| !going.contains(address));
    let mut prepared = price(&session, reading, without, plan).await;
    prepared.lab = lab;
    show::plan_to_do(app, &session, &prepared, args.yes);
    refuse(&prepared)?;
    if !confirm(app, "Let go of this?", args.yes).await? {
        return Err(CliError::new("not let go of: you did not say yes").into());
    }
    let cost: Usd = prepared
        .bill
        .lines
        .iter()
        .filter(|line| going.contains(&line.address))
        .filter_map(|line| line.before)
        .map(|rate| rate.running)
        .sum();
    let (run, _) = books.run(app, &session, &prepared, "state rm").await?;
    let code = code_of_run(&run);
    report::after_part(app, &session, &prepared, &run);
    if code == exit::DONE {
        if cost > Usd::ZERO {
            app.say(&format!(
                "It goes on costing {cost} an hour, and roboinfra neither shows, stops nor deletes it any more."
            ));
        }
        again.iter().for_each(|text| app.say(text));
    }
    Ok(code)
}

/// What becomes of an address that the profile asks for when what stood there was let go of.
fn still_asked(lab: &Lab, address: &Address) -> String {
    let kind = lab.resources.get(address).map(|found| found.spec.kind());
    let then = match kind {
        Some(Kind::Alarm | Kind::Dashboard) => {
            "apply leaves this one alone, and makes a new one once it is deleted."
        }
        Some(Kind::KeyPair | Kind::Role | Kind::InstanceProfile | Kind::PlacementGroup) => {
            "this one has the name, so the next apply stops there until it is deleted."
        }
        _ => "the next apply makes a new one, unless you take it out of the profile.",
    };
    format!("The profile still asks for {address}: {then}")
}

pub(super) async fn mv(app: &mut App, args: &MvArgs) -> Result<u8, OpenError> {
    let (from, to) = (Address::new(&args.from), Address::new(&args.to));
    shapes(&from, &to)?;
    let Hand {
        session,
        books,
        reading,
        lab,
    } = open(app, "state mv").await?;
    let moves = Moves::one(from.clone(), to.clone());
    let plan = plan::relocate(&lab, reading.inventory(), &moves);
    if plan.changes.is_empty() {
        let told = CliError::new(format!("this lab has no {from}"));
        let home = lab.moves.home(&from);
        let told = if home == from {
            told
        } else {
            told.hint(format!("`[[moved]]` of the profile makes it {home}"))
        };
        return Err(told.hint("roboinfra state list{lab}").into());
    }
    let homeless = plan
        .changes
        .iter()
        .map(|change| change.address.clone())
        .find(|address| !lab.resources.contains_key(address));
    let prepared = price(&session, reading, lab, plan).await;
    show::plan_to_do(app, &session, &prepared, true);
    refuse(&prepared)?;
    let (run, _) = books.run(app, &session, &prepared, "state mv").await?;
    let code = code_of_run(&run);
    report::after_part(app, &session, &prepared, &run);
    if let Some(address) = homeless.filter(|_| code == exit::DONE) {
        app.say(&format!(
            "The profile does not ask for {address}: unless you write it there, the next apply deletes it.\nLook first: roboinfra plan{}",
            same_lab(app)
        ));
    }
    Ok(code)
}

/// Whether one can become the other: two groups, two machines, two volumes or two addresses.
fn shapes(from: &Address, to: &Address) -> Result<(), CliError> {
    let shape = |address: &Address| {
        let parts: Vec<String> = address.as_str().split('.').map(str::to_owned).collect();
        let is_index = |part: Option<&String>| {
            part.is_some_and(|part| part.parse::<u32>().is_ok_and(|n| n.to_string() == *part))
        };
        let is_name = |part: Option<&String>| {
            part.is_some_and(|part| crate::model::NodeName::try_from(part.as_str()).is_ok())
        };
        match (parts.first().map(String::as_str), parts.len()) {
            (Some("node"), 2) if is_name(parts.get(1)) => Some("a group"),
            (Some("node"), 3) if is_name(parts.get(1)) && is_index(parts.get(2)) => {
                Some("a machine")
            }
            (Some("volume"), 4)
                if is_name(parts.get(1)) && is_index(parts.get(2)) && is_name(parts.get(3)) =>
            {
                Some("a volume")
            }
            (Some("elastic-ip"), 3) if is_name(parts.get(1)) && is_index(parts.get(2)) => {
                Some("an address")
            }
            _ => None,
        }
    };
    let told = match (shape(from), shape(to)) {
        (Some(a), Some(b)) if a == b && from != to => return Ok(()),
        (Some(a), Some(b)) if a == b => format!("{from} has that address already"),
        (Some(a), Some(b)) => format!("{from} is {a} and {to} is {b}"),
        (None, _) => format!("{from} cannot be moved"),
        (_, None) => format!("{to} is not an address to move to"),
    };
    Err(CliError::new(told)
        .hint("write both like node.sim, node.sim.0, volume.sim.0.data or elastic-ip.sim.0"))
}
