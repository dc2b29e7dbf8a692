//! `state rebuild`: the lockfile from the tags in the cloud, whatever has become of the lab's files.

use super::app::{App, READING};
use super::books::Books;
use super::error::CliError;
use super::exec::code_of_run;
use super::prepare::{Reading, Wish, price, read_as, read_known, think};
use super::recall;
use super::session::{OpenError, Session};
use super::show::same_lab;
use super::stepless;
use crate::inventory::Inventory;
use crate::model::{LabId, LabName};
use crate::plan::Mode;
use crate::port::Scope;
use crate::state::{Lockfile, Pins};
use crate::store::SetAside;

pub(super) async fn rebuild(app: &mut App, wanted: Option<&str>) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let (mut books, moved) = Books::open_mended(app, &session, "state rebuild").await?;
    for SetAside { what, to } in &moved {
        app.say(&format!(
            "The {what} cannot be used: it is now {}.",
            to.display()
        ));
    }
    let known = books.recorded();
    let busy = app.busy(READING);
    let (id, pins) = identify(&session, known.as_ref(), wanted).await?;
    let mode = Mode::RefreshOnly;
    let mut reading = match &known {
        // Files that are fine may still be another lab's.
        Some(known) => read_as(&session, Some(known), mode, id, pins).await?,
        None => read_known(&session, None, mode, id, pins).await?,
    };
    drop(busy);
    books.settle(app, &session, &mut reading).await?;
    if known.is_none() {
        recall::zones(&session, &mut reading);
    }
    let recorded = books.recorded();
    recall::images(&session, &mut reading, recorded.as_ref()).await?;
    unreadable(&reading)?;
    let wish = Wish::whole(mode);
    let (lab, plan) = think(&session, &reading, recorded.as_ref(), &wish)?;
    let prepared = price(&session, reading, lab, plan).await;
    let (run, lockfile) = books.run(app, &session, &prepared, "state rebuild").await?;
    let count = lockfile.map_or(0, |lock| lock.resources.len());
    app.say(&format!(
        "{} holds lab {} ({}) as it is in the cloud: {count} resources.",
        session.shared_url(),
        session.profile.name,
        prepared.reading.lab_id,
    ));
    let lab = same_lab(app);
    app.say(&format!(
        "Next: roboinfra plan{lab} shows whether anything differs from the profile"
    ));
    Ok(code_of_run(&run))
}

/// Which lab it is: the one that the files still tell, the one that was asked for, or the only one of this name.
async fn identify(
    session: &Session,
    known: Option<&Lockfile>,
    wanted: Option<&str>,
) -> Result<(LabId, Pins), CliError> {
    let wanted = wanted.map(LabId::new);
    if let Some(known) = known {
        let id = &known.lab.id;
        return match wanted {
            Some(wanted) if wanted != *id => Err(CliError::new(format!(
                "the files beside the profile are of lab {id}, not of lab {wanted}"
            ))
            .hint("move them away to rebuild another lab's lockfile here")),
            _ => Ok((id.clone(), known.pins.clone())),
        };
    }
    let name = &session.profile.name;
    let scope = Scope {
        lab: Some(name.clone()),
        ..Scope::default()
    };
    let world: Inventory = session.cloud.collect(&scope).await;
    if let Some(failure) = world.unreadable.values().next() {
        return Err(session.told(failure));
    }
    let labs = world.other_labs(name, None);
    let id = match (wanted, labs.len()) {
        (Some(id), _) if labs.contains_key(&id) => id,
        (None, 1) => labs.into_keys().next().unwrap_or_else(|| LabId::new("")),
        _ => return Err(which(name, &labs)),
    };
    let pins = recall::pins(session, &world, &id);
    Ok((id, pins))
}

/// A lockfile must not leave out what could not be read.
fn unreadable(reading: &Reading) -> Result<(), CliError> {
    match reading.inventory().unreadable.iter().next() {
        None => Ok(()),
        Some((kind, failure)) => Err(CliError::new(format!(
            "not every kind of resource could be read ({}): the lockfile would not be whole",
            kind.label()
        ))
        .code(super::error::code_of(failure.class))
        .hint("nothing was written; run it again when the cloud answers")),
    }
}

fn which(name: &LabName, labs: &std::collections::BTreeMap<LabId, usize>) -> CliError {
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
