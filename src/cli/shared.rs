//! State in a bucket, as runs use it: the lease, and the lockfile before and after the run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::leased::{Leased, LeasedHosts};
use super::prepare::draw_id;
use super::session::Session;
use super::shared_base::{base, fetch};
use super::shared_told::{copy_error, lease_error, shared_error, waiting_for};
use crate::port::{Cloud, Hosts, ObjectTag};
use crate::state::{Folded, Lockfile};
use crate::store::{
    self, Claim, FileJournal, Guard, Hold, Holder, Loaded, Loss, Ready, Shared, Taken, Term,
    Waiting,
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

    /// The hosts, to be worked on only while the lease holds.
    pub(super) fn hosts(&self, session: &Session) -> Arc<dyn Hosts> {
        let (hosts, clock) = (Arc::clone(&session.hosts), Arc::clone(&session.clock));
        Arc::new(LeasedHosts::new(hosts, self.term(), clock))
    }

    /// How long the lease may be acted under.
    pub(super) fn term(&self) -> Arc<Term> {
        Arc::clone(&self.hold.term)
    }

    /// Nothing is written by a run that has lost its lease, or that slept and does not know yet.
    async fn admitted(&self, session: &Session) -> Result<(), CliError> {
        let admitted = self.hold.term.admitted(session.clock.as_ref()).await;
        admitted.map_err(|loss| stopped(&loss))
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
        self.admitted(session).await?;
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
        self.admitted(session).await?;
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

/// What to say of a run that has lost its lease.
fn stopped(loss: &Loss) -> CliError {
    let told = CliError::new(format!(
        "this run stopped, because it must not work on the lab any more: {loss}"
    ))
    .code(exit::LOCKED)
    .hint(
        "what it made carries the lab's tags, and is found by the next run: roboinfra apply{lab}",
    );
    match loss {
        Loss::NotRenewed(_) => told.hint("check the network between here and the bucket"),
        Loss::Taken(_) | Loss::Broken(_) => told,
    }
}
