//! Which lockfile a run on shared state begins from: the shared one, or the one beside the profile that moves in.
//!
//! Owns: what is refused where the two contradict each other. Does not own: reading and writing them (`store`).

use std::path::PathBuf;

use super::app::App;
use super::error::CliError;
use super::session::Session;
use super::shared_told::shared_error;
use crate::port::ObjectTag;
use crate::state::Lockfile;
use crate::store::{self, Fetched, Loaded, Shared, SharedError};

/// The shared lockfile, and what is to be replaced.
pub(super) async fn fetch(
    app: &mut App,
    session: &Session,
    shared: &Shared,
    mend: bool,
) -> Result<(Option<Fetched>, Option<ObjectTag>), CliError> {
    let clock = session.clock.as_ref();
    let told = |error| shared_error(session, error);
    let fetched = match shared.fetch(clock).await {
        Err(error @ (SharedError::Problem { .. } | SharedError::NotText { .. })) if mend => {
            // A newer format is refused here as everywhere.
            let tag = shared.tag_of_any(clock).await.map_err(told)?;
            app.say(&format!(
                "Could not {error}; the bucket keeps older versions of it."
            ));
            store::forget_copy(&session.paths).map_err(|error| CliError::from_error(&error))?;
            return Ok((None, tag));
        }
        fetched => fetched.map_err(told)?,
    };
    if mend && fetched.is_none() {
        store::forget_copy(&session.paths).map_err(|error| CliError::from_error(&error))?;
    }
    let tag = fetched.as_ref().map(|fetched| fetched.tag.clone());
    Ok((fetched, tag))
}

/// What a run begins from: the shared lockfile, or the one beside the profile if that is to move in.
pub(super) fn base(
    app: &mut App,
    session: &Session,
    fetched: Option<&Fetched>,
) -> Result<(Option<Lockfile>, Option<PathBuf>), CliError> {
    let path = &session.local_lockfile;
    let shared = fetched.map(|fetched| &fetched.lockfile);
    let Some(local) = local(session, shared.is_some())? else {
        return Ok((shared.cloned(), None));
    };
    let Some(shared) = shared else {
        check_name(session, &local)?;
        return Ok((Some(local), Some(path.clone())));
    };
    check_beside(session, &local, shared)?;
    app.say(&format!(
        "{} is not used: this lab's lockfile is in {}. Remove it.",
        path.display(),
        session.shared_url()
    ));
    Ok((Some(shared.clone()), None))
}

/// The lockfile beside the profile. Where there is a shared one, one that cannot be read is not in the way.
fn local(session: &Session, is_shared: bool) -> Result<Option<Lockfile>, CliError> {
    match store::lockfile::read(&session.local_lockfile) {
        Err(_) if is_shared => Ok(None),
        read => Ok(read.map_err(store::LoadError::from)?),
    }
}

/// A lockfile that is to move in must be this lab's.
fn check_name(session: &Session, local: &Lockfile) -> Result<(), CliError> {
    let (profile, lab) = (&session.profile, &local.lab);
    if lab.name == profile.name && lab.region == profile.region {
        return Ok(());
    }
    Err(CliError::new(format!(
        "{} is for the lab {} in {}, and this profile is for {} in {}: it does not move into the bucket",
        session.local_lockfile.display(),
        lab.name,
        lab.region,
        profile.name,
        profile.region
    ))
    .hint("use the profile that it belongs to, or move the file away"))
}

/// A lockfile beside the profile that says more than the shared one, or something else, is a conflict.
fn check_beside(session: &Session, local: &Lockfile, shared: &Lockfile) -> Result<(), CliError> {
    let (path, url) = (session.local_lockfile.display(), session.shared_url());
    if local.lab.id != shared.lab.id {
        return Err(CliError::new(format!(
            "{path} is for lab id {}, and {url} is for lab id {}: only one of them can be this lab",
            local.lab.id, shared.lab.id
        ))
        .hint("move the file away to go on with the shared one")
        .hint("or give this lab a `prefix` of its own under [state]"));
    }
    if local.serial > shared.serial {
        return Err(CliError::new(format!(
            "{path} is newer than {url}: serial {} against {}",
            local.serial, shared.serial
        ))
        .hint("roboinfra state push{lab} puts it in the place of the shared one")
        .hint("or move the file away to go on with the shared one"));
    }
    Ok(())
}

impl Session {
    /// What is remembered of the lab, with what the journal knows beyond the lockfile: for commands that only look.
    pub(super) async fn load(&self) -> Result<Loaded, CliError> {
        match &self.shared {
            Some(shared) => load(self, shared).await,
            None => Ok(store::load(&self.paths)?),
        }
    }
}

async fn load(session: &Session, shared: &Shared) -> Result<Loaded, CliError> {
    let fetched = shared.fetch(session.clock.as_ref()).await;
    let fetched = fetched.map_err(|error| shared_error(session, error))?;
    let local = local(session, fetched.is_some())?;
    let base = match (&fetched, &local) {
        (Some(shared), Some(local)) => {
            check_beside(session, local, &shared.lockfile)?;
            Some(&shared.lockfile)
        }
        (Some(shared), None) => Some(&shared.lockfile),
        (None, Some(local)) => {
            check_name(session, local)?;
            // Nothing has moved in yet: the folder's journal is about this one.
            let loaded = store::load(&session.paths.clone().with_lockfile(&session.local_lockfile));
            return Ok(loaded?);
        }
        (None, None) => None,
    };
    Ok(store::load_shared(&session.paths, base)?)
}
