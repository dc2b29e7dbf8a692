//! `state`: what the lockfile remembers, and how to make it again.

use clap::{Args, Subcommand};

use super::app::App;
use super::error::CliError;
use super::exec::Books;
use super::exit;
use super::prepare::draw_id;
use super::session::{OpenError, Session};
use super::show::same_lab;
use crate::model::{Address, LabId, RunId};
use crate::port::{Journal, Scope};
use crate::state::{LabEntry, Pins, Record};
use crate::store;
use crate::ui;

/// Show or mend what the lockfile remembers.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

/// What to do with the lockfile.
#[derive(Debug, Subcommand)]
enum StateCommand {
    /// List the resources that the lockfile remembers.
    List {
        /// Only this address and what lies below it.
        address: Option<String>,
    },
    /// Show all that is remembered of one resource.
    Show {
        /// Its address.
        address: String,
    },
    /// Make a lost lockfile again from the tags in the cloud.
    Rebuild {
        /// Which lab, if several of this name exist.
        #[arg(long, value_name = "ID")]
        lab_id: Option<String>,
    },
}

pub(super) async fn state(app: &mut App, args: &StateArgs) -> Result<u8, OpenError> {
    match &args.command {
        StateCommand::List { address } => Ok(list(app, address.as_deref())?),
        StateCommand::Show { address } => Ok(show(app, address)?),
        StateCommand::Rebuild { lab_id } => rebuild(app, lab_id.as_deref()).await,
    }
}

/// The lockfile with what the journal knows beyond it. Needs neither the profile nor the cloud.
fn recorded(app: &App) -> Result<crate::state::Lockfile, CliError> {
    let target = app.global.target();
    let paths = store::Paths::new(&target.profile, target.lockfile.as_deref(), target.sandbox);
    let loaded = store::load(&paths)?;
    loaded.state.folded().lockfile.clone().ok_or_else(|| {
        CliError::new(format!("there is no lockfile {}", paths.lockfile.display())).hint(
            "it is made by the first `roboinfra apply{lab}`; if it was lost: roboinfra state rebuild{lab}",
        )
    })
}

fn list(app: &mut App, address: Option<&str>) -> Result<u8, CliError> {
    let lock = recorded(app)?;
    let only = address.map(Address::new);
    let shown = if app.global.json {
        ui::json::state_json(&lock, only.as_ref())
    } else {
        ui::state_list_view(&lock, only.as_ref(), &app.look())
    };
    app.data(&shown);
    Ok(exit::DONE)
}

fn show(app: &mut App, address: &str) -> Result<u8, CliError> {
    let lock = recorded(app)?;
    let address = Address::new(address);
    if !lock.resources.keys().any(|known| known.is_within(&address)) {
        return Err(
            CliError::new(format!("the lockfile remembers no {address}"))
                .hint("roboinfra state list{lab}"),
        );
    }
    let shown = if app.global.json {
        ui::json::state_json(&lock, Some(&address))
    } else {
        ui::state_show_view(&lock, Some(&address), &app.look())
    };
    app.data(&shown);
    Ok(exit::DONE)
}

async fn rebuild(app: &mut App, lab_id: Option<&str>) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let mut books = Books::open(app, &session, "state rebuild").await?;
    if books.recorded().is_some() {
        return Err(CliError::new(format!(
            "there is a lockfile already: {}",
            session.paths.lockfile.display()
        ))
        .hint("`roboinfra plan --refresh-only{lab}` shows how it differs from the cloud")
        .into());
    }
    let name = session.profile.name.clone();
    let scope = Scope {
        lab: Some(name.clone()),
        ..Scope::default()
    };
    let (identity, world) = tokio::join!(session.cloud.identity(), session.cloud.collect(&scope));
    let identity = identity.map_err(|failure| session.told(&failure))?;
    let labs = world.other_labs(&name, None);
    let id = match (lab_id, labs.len()) {
        (Some(id), _) if labs.contains_key(&LabId::new(id)) => LabId::new(id),
        (None, 1) => labs.into_keys().next().unwrap_or_else(|| LabId::new("")),
        _ => return Err(which(&name, &labs).into()),
    };
    let lab = LabEntry {
        name,
        id,
        account: identity.account,
        region: identity.region,
        endpoint: identity.endpoint,
    };
    let run = RunId::new(draw_id());
    let (pins, at) = (Pins::default(), session.clock.now());
    let begun = Record::Begun {
        run,
        command: "state rebuild".to_owned(),
        lab: lab.clone(),
        pins,
        serial: 0,
        at,
    };
    books.ledger.append(&[begun])?;
    books.conclude(&session)?;
    app.say(&format!(
        "Wrote {} for lab {} ({}).",
        session.paths.lockfile.display(),
        lab.name,
        lab.id
    ));
    let lab = same_lab(app);
    app.say(&format!(
        "Next: roboinfra plan{lab} shows what was found; roboinfra apply{lab} takes it over"
    ));
    Ok(exit::DONE)
}

fn which(
    name: &crate::model::LabName,
    labs: &std::collections::BTreeMap<LabId, usize>,
) -> CliError {
    if labs.is_empty() {
        return CliError::new(format!(
            "nothing in this account and region carries the tags of a lab named {name}"
        ))
        .hint("check the region and the credentials; a new lab needs no rebuild: roboinfra apply{lab}");
    }
    let list: Vec<String> = labs
        .iter()
        .map(|(id, count)| format!("{id} ({count} resources)"))
        .collect();
    CliError::new(format!(
        "there are several labs named {name}: {}",
        list.join(", ")
    ))
    .hint("choose one with --lab-id ID")
}
