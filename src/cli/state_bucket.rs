//! `state pull`, `state push` and `state unlock`: shared state by hand.

use std::path::{Path, PathBuf};

use clap::Args;

use super::app::App;
use super::books::Books;
use super::confirm::confirm;
use super::error::CliError;
use super::exit;
use super::session::{OpenError, Session};
use super::shared::claim;
use super::shared_told::{lease_error, shared_error, waiting_for};
use super::show::same_lab;
use super::stepless;
use crate::state::{Lockfile, encode};
use crate::store::{self, Guard, Holder, Occupied, Shared, SharedError};

/// Print the shared lockfile, or take it out of the bucket.
#[derive(Debug, Args)]
pub(super) struct PullArgs {
    /// Write it to this new file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Move it: write it to the lockfile beside the profile, and remove it from the bucket.
    #[arg(long = "move", conflicts_with = "out")]
    moving: bool,
}

/// Put a lockfile in the place of the shared one.
#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// The lockfile; the one beside the profile unless given.
    #[arg(value_name = "FILE")]
    from: Option<PathBuf>,
    /// The copy that this folder keeps of the shared lockfile it saw last.
    #[arg(long, conflicts_with = "from")]
    copy: bool,
    /// Even if it is older than the shared one, or for another lab id, or if the shared one cannot be read.
    #[arg(long)]
    force: bool,
}

/// Break the lease of another run.
#[derive(Debug, Args)]
pub(super) struct UnlockArgs {
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

fn need(session: &Session) -> Result<&Shared, CliError> {
    session.shared.as_ref().ok_or_else(|| {
        CliError::new("this lab's state is not shared: its lockfile is beside the profile")
            .hint("name a bucket under [state] in the profile; roboinfra init --state-bucket NAME{lab} makes one")
    })
}

fn none_yet(shared: &Shared) -> CliError {
    CliError::new(format!("there is no shared lockfile {} yet", shared.url()))
        .hint("it is made by the first `roboinfra apply{lab}`; if it was lost: roboinfra state rebuild{lab}")
}

pub(super) async fn pull(app: &mut App, args: &PullArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let shared = need(&session)?;
    if args.moving {
        return Ok(move_out(app, &session, shared).await?);
    }
    let fetched = shared.fetch(session.clock.as_ref()).await;
    let fetched = fetched.map_err(|error| shared_error(&session, error))?;
    let text = encode(&fetched.ok_or_else(|| none_yet(shared))?.lockfile);
    let Some(path) = &args.out else {
        app.data(&text);
        return Ok(exit::DONE);
    };
    let written = std::fs::File::create_new(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written
        .map_err(|error| CliError::new(format!("could not write {}: {error}", path.display())))?;
    app.say(&format!("Wrote {}.", path.display()));
    Ok(exit::DONE)
}

/// The lockfile moves from the bucket to its place beside the profile.
async fn move_out(app: &mut App, session: &Session, shared: &Shared) -> Result<u8, CliError> {
    let books = Books::open(app, session, "state pull").await?;
    if books.is_open() {
        return Err(
            CliError::new("an earlier run was cut off, and is not settled yet")
                .hint("roboinfra apply{lab} settles it; then move the lockfile"),
        );
    }
    let fetched = shared.fetch(session.clock.as_ref()).await;
    let fetched = fetched.map_err(|error| shared_error(session, error))?;
    let fetched = fetched.ok_or_else(|| none_yet(shared))?;
    let path = &session.local_lockfile;
    let write = store::lockfile::write(path, &session.paths.previous, &fetched.lockfile);
    write.map_err(|error| CliError::from_error(&error))?;
    // The copy is of no use any more, and would be missed in the bucket.
    store::forget_copy(&session.paths).map_err(|error| CliError::from_error(&error))?;
    let removed = shared.remove(&fetched.tag).await;
    removed.map_err(|error| shared_error(session, error))?;
    drop(books);
    app.say(&format!(
        "Moved {} to {}. Take [state] out of the profile before the next command.",
        shared.url(),
        path.display()
    ));
    Ok(exit::DONE)
}

pub(super) async fn push(app: &mut App, args: &PushArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let shared = need(&session)?;
    let path = match (&args.from, args.copy) {
        (Some(path), _) => path,
        (None, true) => &session.paths.lockfile,
        (None, false) => &session.local_lockfile,
    };
    let lock = read(&session, path)?;
    session.paths.prepare().map_err(CliError::from)?;
    let holder = Holder::here(&app.settings.user, "state push", session.clock.now());
    let (timeout, clock) = (app.global.lock_timeout, session.clock.as_ref());
    let guard = Guard::acquire(&session.paths.guard, &holder, timeout, clock, &mut |_| {})
        .await
        .map_err(CliError::from)?;
    let claim = claim(&session, shared, app.settings.lease);
    let taken = claim.take(&holder, timeout, guard, &mut |_| {}).await;
    let (hold, keeper) = taken.map_err(|error| lease_error(&session, error))?;
    app.keepers.push(keeper);
    let there = match shared.fetch(clock).await {
        Ok(there) => there.map(|fetched| fetched.lockfile),
        Err(error @ (SharedError::Problem { .. } | SharedError::NotText { .. })) if args.force => {
            app.say(&format!("Replacing what cannot be read: {error}"));
            None
        }
        Err(error) => return Err(shared_error(&session, error).into()),
    };
    if there.as_ref() == Some(&lock) {
        app.say("Nothing to do: the shared lockfile says the same.");
        return Ok(exit::DONE);
    }
    if let Some(there) = &there {
        let lost = lost(there, &lock);
        refuse(shared, there, &lock, &lost, args.force)?;
        lost.iter().for_each(|line| app.say(line));
    }
    let serial = there.map_or(0, |there| there.serial).max(lock.serial) + 1;
    let next = Lockfile { serial, ..lock };
    let tag = shared.tag_of_any(clock).await;
    let tag = tag.map_err(|error| shared_error(&session, error))?;
    let written = shared.write(clock, &next, tag.as_ref()).await;
    written.map_err(|error| shared_error(&session, error))?;
    // Whoever works next looks twice at the world: this lockfile was put here by hand.
    hold.settle(false);
    app.say(&format!(
        "Wrote {} with serial {serial}, from {}.",
        shared.url(),
        path.display()
    ));
    if *path == session.local_lockfile {
        let kept = store::put_away(&session.paths, path);
        if let Ok(kept) = kept {
            app.say(&format!("The old file is kept as {}.", kept.display()));
        }
    }
    app.say(&format!("Next: roboinfra plan{}", same_lab(app)));
    Ok(exit::DONE)
}

/// A lockfile that may be pushed: one that can be used, and is this lab's.
fn read(session: &Session, path: &Path) -> Result<Lockfile, CliError> {
    let read = store::lockfile::read(path).map_err(store::LoadError::from)?;
    let lock = read.ok_or_else(|| {
        CliError::new(format!("there is no lockfile {}", path.display()))
            .hint("name one: roboinfra state push FILE{lab}")
    })?;
    if lock.lab.name == session.profile.name {
        return Ok(lock);
    }
    Err(CliError::new(format!(
        "{} is for the lab {}, and this profile is for {}",
        path.display(),
        lock.lab.name,
        session.profile.name
    )))
}

/// What the shared lockfile says and this one does not.
fn lost(there: &Lockfile, lock: &Lockfile) -> Vec<String> {
    let gone = there.resources.iter().filter(|(address, recorded)| {
        lock.resources.get(*address).map(|r| &r.id) != Some(&recorded.id)
    });
    gone.map(|(address, recorded)| {
        format!(
            "The shared lockfile remembers {address} as {}, and this one does not.",
            recorded.id
        )
    })
    .collect()
}

fn refuse(
    shared: &Shared,
    there: &Lockfile,
    lock: &Lockfile,
    lost: &[String],
    force: bool,
) -> Result<(), CliError> {
    let why = if there.lab.id != lock.lab.id {
        format!(
            "it is for lab id {}, and this one for {}",
            there.lab.id, lock.lab.id
        )
    } else if there.serial >= lock.serial {
        format!(
            "it has serial {}, and this one {}",
            there.serial, lock.serial
        )
    } else {
        return Ok(());
    };
    if force {
        return Ok(());
    }
    let mut told = CliError::new(format!("{} would be lost: {why}", shared.url()));
    told.causes = lost.iter().take(20).cloned().collect();
    Err(told
        .hint("nothing was changed; roboinfra state pull{lab} prints what is there")
        .hint("--force replaces it all the same; the bucket keeps the old version"))
}

pub(super) async fn unlock(app: &mut App, args: &UnlockArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let Some(shared) = &session.shared else {
        return Err(CliError::new(
            "there is nothing to unlock: without shared state, the lock ends with its process",
        )
        .hint("a run that is at work is named when another one meets it; interrupt it with Ctrl-C")
        .into());
    };
    let claim = claim(&session, shared, app.settings.lease);
    let occupied = claim.occupied().await;
    let (occupied, look) = occupied.map_err(|error| lease_error(&session, error))?;
    let question = match &occupied {
        Occupied::No => {
            app.say("Nothing to do: nobody holds the lease.");
            return Ok(exit::DONE);
        }
        Occupied::By(other) if other.broken_by.is_some() => {
            app.say(&waiting_for(other));
            return Ok(exit::DONE);
        }
        Occupied::By(other) => {
            app.say(&format!("The lease is held by {}.", other.holder));
            "Break it? That run stops at its next step."
        }
        Occupied::Illegible => {
            app.say("The lease is not one that roboinfra wrote: nobody knows who is at work.");
            "Replace it?"
        }
    };
    if !args.yes && (app.global.no_input || !app.settings.is_interactive()) {
        let told = CliError::new("this needs an answer, and there is nobody to ask");
        return Err(told.hint("add --yes to say yes beforehand").into());
    }
    if !confirm(app, question, args.yes).await? {
        return Err(CliError::new("not broken: you did not say yes").into());
    }
    let by = Holder::here(&app.settings.user, "state unlock", session.clock.now());
    let broken = claim.break_it(look, by).await;
    let Some(rest) = broken.map_err(|error| lease_error(&session, error))? else {
        return Err(
            CliError::new("the lease has just changed: its holder is alive, or has ended")
                .hint("roboinfra state unlock{lab} looks again")
                .into(),
        );
    };
    app.say(&format!(
        "Broken. Its holder stops within {} s; the next run waits for so long by itself.",
        rest.as_secs()
    ));
    Ok(exit::DONE)
}
