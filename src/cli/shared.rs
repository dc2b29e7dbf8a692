//! State in a bucket, as commands use it: the lease of a run, the lockfile before and after it, and what is told when
//! one of them stands in the way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::leased::Leased;
use super::prepare::draw_id;
use super::session::Session;
use crate::model::{Failure, FailureClass};
use crate::port::{Cloud, ObjectTag};
use crate::state::{Folded, Lockfile};
use crate::store::{
    self, Claim, CopyError, Fetched, FileJournal, Guard, Hold, Holder, LeaseError, Loaded, Loss,
    Ready, Shared, SharedError, Taken, Waiting,
};

/// The shared half of a run's books.
#[derive(Debug)]
pub(super) struct SharedBooks {
    hold: Hold,
    shared: Shared,
    /// What is in the bucket; none before the first write.
    tag: Option<ObjectTag>,
    /// The lockfile beside the profile, while it has not been written to the bucket.
    moving_in: Option<PathBuf>,
    /// The run whose traces have to be looked for twice.
    cut_off: Option<Holder>,
}

/// The guard of the lab's folder, and who has it.
pub(super) struct Guarded {
    /// The guard.
    pub(super) guard: Guard,
    /// This run.
    pub(super) holder: Holder,
    /// How long may still be waited.
    pub(super) left: Duration,
}

/// The claim on a lab's lease.
pub(super) fn claim(session: &Session, shared: &Shared, ttl: Duration) -> Claim {
    Claim {
        objects: Arc::clone(&shared.objects),
        key: shared.lease_key(),
        ttl,
        mine: session.paths.lease.clone(),
        nonce: format!("{}{}", draw_id(), draw_id()),
        clock: Arc::clone(&session.clock),
    }
}

impl SharedBooks {
    /// Takes the lease, reads the lockfile, and makes the folder ready. The guard lasts as long as the lease. To `mend`,
    /// a shared lockfile that cannot be used counts as none.
    pub(super) async fn open(
        app: &mut App,
        session: &Session,
        shared: &Shared,
        guarded: Guarded,
        mend: bool,
    ) -> Result<(Self, Loaded, FileJournal), CliError> {
        let Guarded {
            guard,
            holder,
            left,
        } = guarded;
        let claim = claim(session, shared, app.settings.lease);
        let terminal = &mut app.terminal;
        let quiet = app.global.quiet;
        let mut waiting = |other: &Waiting| {
            if !quiet {
                terminal.say(&format!("{}\n", waiting_for(other)));
            }
        };
        let taken = claim.take(&holder, left, guard, &mut waiting).await;
        let (hold, keeper) = taken.map_err(|error| lease_error(session, error))?;
        app.keepers.push(keeper);
        let (fetched, tag) = fetch(app, session, shared, mend).await?;
        let (base, moving_in) = base(app, session, fetched.as_ref())?;
        let ready = store::load_shared_for_run(&session.paths, base.as_ref(), moving_in.is_some());
        let Ready {
            loaded,
            journal,
            goes_on,
        } = ready.map_err(|error| copy_error(shared, error))?;
        let cut_off = match &hold.taken {
            Taken::Fresh => None,
            // The journal knows all that was begun.
            Taken::Own if goes_on => None,
            Taken::Own => Some(holder),
            Taken::Over(other) => Some(other.as_ref().clone()),
        };
        let books = Self {
            hold,
            shared: shared.clone(),
            tag,
            moving_in,
            cut_off,
        };
        Ok((books, loaded, journal))
    }

    /// The cloud, to be changed only while the lease holds.
    pub(super) fn cloud(&self, session: &Session) -> Arc<dyn Cloud> {
        let (cloud, clock) = (Arc::clone(&session.cloud), Arc::clone(&session.clock));
        Arc::new(Leased::new(cloud, Arc::clone(&self.hold.term), clock))
    }

    /// Returns when the lease is lost.
    pub(super) async fn lost(&self) {
        self.hold.term.lost().await;
    }

    /// What to say if the lease was lost.
    pub(super) fn loss(&self) -> Option<CliError> {
        let loss = self.hold.term.loss()?;
        let told = CliError::new(format!(
            "this run stopped, because it must not work on the lab any more: {loss}"
        ))
        .code(exit::LOCKED)
        .hint("what it made carries the lab's tags, and is found by the next run: roboinfra apply{lab}");
        Some(match loss {
            Loss::NotRenewed(_) => told.hint("check the network between here and the bucket"),
            Loss::Taken(_) | Loss::Broken(_) => told,
        })
    }

    /// A run that was cut off elsewhere: its last calls may show late, so the world is read twice, some time apart.
    pub(super) fn cut_off(&self) -> Option<&Holder> {
        self.cut_off.as_ref()
    }

    /// All that was begun under this lease, or before it, is accounted for; or not.
    pub(super) fn settle(&mut self, settled: bool) {
        if settled {
            self.cut_off = None;
        }
        self.hold.settle(settled);
    }

    /// Writes what is known before anything is done, so that whoever comes after this run knows which lab it is. Makes
    /// the folder begin anew from it.
    pub(super) async fn publish(
        &mut self,
        app: &mut App,
        session: &Session,
        next: &Lockfile,
        journal: FileJournal,
        folded: &Folded,
    ) -> Result<(Loaded, FileJournal), CliError> {
        self.write(session, next).await?;
        self.hold.settle(false);
        let at = session.clock.now();
        let ready = store::checkpoint(&session.paths, journal, folded, next, at)
            .map_err(|error| copy_error(&self.shared, error))?;
        self.moved_in(app, session);
        Ok((ready.loaded, ready.journal))
    }

    /// Writes what is known after a run, before the folder's own files say that it has ended.
    pub(super) async fn conclude(
        &mut self,
        app: &mut App,
        session: &Session,
        folded: &Folded,
    ) -> Result<(), CliError> {
        if let Some(loss) = self.loss() {
            return Err(loss);
        }
        let due = store::due(&session.paths, folded);
        // A lockfile that moves into the bucket is due even if nothing is new in it.
        let next = due.or_else(|| folded.lockfile.clone().filter(|_| self.tag.is_none()));
        if let Some(next) = next {
            self.write(session, &next).await?;
        }
        self.moved_in(app, session);
        Ok(())
    }

    async fn write(&mut self, session: &Session, next: &Lockfile) -> Result<(), CliError> {
        let (clock, tag) = (session.clock.as_ref(), self.tag.as_ref());
        let written = self.shared.write(clock, next, tag).await;
        self.tag = Some(written.map_err(|error| shared_error(session, error))?);
        Ok(())
    }

    /// The lockfile beside the profile is in the bucket now.
    fn moved_in(&mut self, app: &mut App, session: &Session) {
        let Some(path) = self.moving_in.take().filter(|_| self.tag.is_some()) else {
            return;
        };
        let kept = store::put_away(&session.paths, &path);
        app.say(&match kept {
            Ok(kept) => format!(
                "The lockfile has moved into {}; the old one is kept as {}. Take it out of git, too.",
                self.shared.url(),
                kept.display()
            ),
            Err(error) => format!(
                "The lockfile has moved into {}; remove {} yourself: {error}",
                self.shared.url(),
                path.display()
            ),
        });
    }
}

/// The shared lockfile, and what is to be replaced.
async fn fetch(
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
fn base(
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

/// What is remembered of the lab, with what the journal knows beyond the lockfile: for commands that only look.
pub(super) async fn load(session: &Session) -> Result<Loaded, CliError> {
    match &session.shared {
        Some(shared) => load_shared(session, shared).await,
        None => Ok(store::load(&session.paths)?),
    }
}

async fn load_shared(session: &Session, shared: &Shared) -> Result<Loaded, CliError> {
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

/// Who is being waited for, and until when.
pub(super) fn waiting_for(other: &Waiting) -> String {
    let rest = other.rest.as_secs();
    match &other.broken_by {
        Some(by) => format!(
            "{by} has broken the lease of {}, which may not have noticed for {rest} s yet: waiting",
            other.holder
        ),
        None => format!(
            "waiting for {}; unless renewed, its lease runs out in {rest} s",
            other.holder
        ),
    }
}

pub(super) fn lease_error(session: &Session, error: LeaseError) -> CliError {
    match error {
        LeaseError::Held { ref waiting } => {
            let rest = waiting.rest.as_secs();
            CliError::from_error(&error)
                .code(exit::LOCKED)
                .hint("wait for it, or let this command wait with --lock-timeout 10m")
                .hint(format!(
                    "if that run was killed, its lease runs out in {rest} s: --lock-timeout 2m takes it over then"
                ))
                .hint("if it hangs: roboinfra state unlock{lab}")
        }
        LeaseError::Illegible { .. } => CliError::from_error(&error)
            .hint("nothing was changed; roboinfra state unlock{lab} replaces it"),
        LeaseError::Call { url, failure } => call_error(session, &url, &failure),
        LeaseError::Mine { .. } => CliError::from_error(&error)
            .hint("roboinfra keeps its journal beside the profile: make that folder writable"),
    }
}

pub(super) fn shared_error(session: &Session, error: SharedError) -> CliError {
    match error {
        SharedError::Call { url, failure } => call_error(session, &url, &failure),
        SharedError::Problem {
            source: crate::state::LockfileProblem::NewerFormat { .. },
            ..
        } => CliError::from_error(&error)
            .hint("nothing was changed; use the roboinfra that wrote it, or a newer one"),
        SharedError::NotText { .. } | SharedError::Problem { .. } => CliError::from_error(&error)
            .hint("nothing was changed; the bucket keeps older versions of it: restore one of them")
            .hint("or put a good lockfile in its place: roboinfra state push --force FILE{lab}"),
        SharedError::Changed { .. } => CliError::from_error(&error)
            .code(exit::LOCKED)
            .hint("what this run made carries the lab's tags; run it again: it begins from what is there now"),
    }
}

fn copy_error(shared: &Shared, error: CopyError) -> CliError {
    match error {
        CopyError::Load(error) => error.into(),
        CopyError::Write(error) => error.into(),
        CopyError::Vanished { .. } => CliError::from_error(&error)
            .hint(format!(
                "if {} was deleted, the bucket keeps older versions of it: restore the last one",
                shared.url()
            ))
            .hint("if the state was moved back to a lockfile, take [state] out of the profile, too")
            .hint("or put this folder's copy in its place, as after a change of bucket: roboinfra state push --copy{lab}"),
    }
}

/// A call that S3 refused, in the words of shared state.
pub(super) fn call_error(session: &Session, url: &str, failure: &Failure) -> CliError {
    let code = failure.code.as_deref().unwrap_or_default();
    let bucket = session.bucket_name();
    let told = match code {
        "NoSuchBucket" => CliError::new(format!("there is no bucket {bucket}"))
            .hint(format!(
                "make it: roboinfra init --state-bucket {bucket}{{lab}}"
            ))
            .hint("or name another under [state] in the profile"),
        _ if failure.class == FailureClass::Permission => {
            CliError::new(format!("you may not use the shared state {url}"))
                .code(exit::CREDENTIALS)
                .hint("it takes s3:GetObject and s3:PutObject on the objects, and s3:ListBucket on the bucket")
                .hint("without s3:ListBucket, S3 does not tell a lockfile that is missing from one that is forbidden")
        }
        _ => return session.told(failure).because(format!("reading or writing {url}")),
    };
    told.because(failure.to_string())
}
