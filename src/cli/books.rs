//! The books of a run: guard or lease, journal and lockfile, from the moment they are opened to the one at which what
//! is known is written. Shared by every command that changes something.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::app::{App, READING};
use super::error::CliError;
use super::prepare::{Prepared, Reading, draw_id, read, trace};
use super::session::Session;
use super::shared::{Guarded, SharedBooks};
use crate::apply::{Recovery, recover};
use crate::lab;
use crate::model::{Kind, LabId, RunId, Tags};
use crate::plan::Mode;
use crate::port::{Cloud, Hosts, Journal, JournalError};
use crate::state::{JournalState, LabEntry, Lockfile, Record};
use crate::store::{self, FileJournal, Guard, Holder, SetAside};

/// The files of a lab while this run holds them.
#[derive(Debug)]
pub(super) struct Books {
    /// Where the state is shared, the lease's keeper has it.
    _guard: Option<Guard>,
    shared: Option<SharedBooks>,
    pub(super) ledger: Tee,
}

/// A journal on disk, and what it says so far.
#[derive(Debug)]
pub(super) struct Tee {
    journal: FileJournal,
    state: JournalState,
    path: String,
}

impl Journal for Tee {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        // First in thought: a record that is out of place must never reach the disk, where it would stand for good.
        for record in records {
            let illegal = |error| JournalError {
                path: self.path.clone(),
                source: io::Error::other(error),
            };
            self.state.apply(record).map_err(illegal)?;
        }
        self.journal.append(records)
    }
}

impl Books {
    /// Takes the guard and opens the journal.
    pub(super) async fn open(
        app: &mut App,
        session: &Session,
        command: &str,
    ) -> Result<Self, CliError> {
        let guarded = guarded(app, session, command).await?;
        Self::load(app, session, guarded, false).await
    }

    /// The same after files that cannot be used have been put away; says which.
    pub(super) async fn open_mended(
        app: &mut App,
        session: &Session,
        command: &str,
    ) -> Result<(Self, Vec<SetAside>), CliError> {
        let guarded = guarded(app, session, command).await?;
        let moved = store::set_aside(&session.paths)?;
        Ok((Self::load(app, session, guarded, true).await?, moved))
    }

    async fn load(
        app: &mut App,
        session: &Session,
        guarded: Guarded,
        mend: bool,
    ) -> Result<Self, CliError> {
        let path = session.paths.journal.display().to_string();
        let (guard, shared, (loaded, journal)) = match &session.shared {
            None => {
                let loaded = store::load_for_run(&session.paths)?;
                (Some(guarded.guard), None, loaded)
            }
            Some(shared) => {
                let opened = SharedBooks::open(app, session, shared, guarded, mend).await?;
                (None, Some(opened.0), (opened.1, opened.2))
            }
        };
        Ok(Self {
            _guard: guard,
            shared,
            ledger: Tee {
                journal,
                state: loaded.state,
                path,
            },
        })
    }

    /// Whether an earlier run left something open.
    pub(super) fn is_open(&self) -> bool {
        let cut_off = self.shared.as_ref().and_then(SharedBooks::cut_off);
        cut_off.is_some() || !self.ledger.state.folded().open.is_empty()
    }

    /// The number of the next intent.
    pub(super) fn next_seq(&self) -> u64 {
        self.ledger.state.folded().next_seq
    }

    /// What is remembered, with what the journal knows beyond the lockfile.
    pub(super) fn recorded(&self) -> Option<Lockfile> {
        self.ledger.state.folded().lockfile.clone()
    }

    /// Reads the world and who is asking, and settles what an earlier run left open.
    pub(super) async fn read(
        &mut self,
        app: &mut App,
        session: &Session,
        mode: Mode,
    ) -> Result<Reading, CliError> {
        let busy = app.busy(READING);
        let mut reading = read(session, self.recorded().as_ref(), mode).await?;
        drop(busy);
        self.settle(app, session, &mut reading).await?;
        Ok(reading)
    }

    /// Settles what an earlier run left open; returns the newest reading of the world if it took one.
    pub(super) async fn settle(
        &mut self,
        app: &mut App,
        session: &Session,
        prepared: &mut Reading,
    ) -> Result<(), CliError> {
        self.look_twice(app, session, prepared).await;
        let folded = self.ledger.state.folded();
        if folded.open.is_empty() {
            return Ok(());
        }
        let open = folded.open.clone();
        let kinds = open.values().map(|intent| intent.kind).collect();
        widen(session, prepared, &kinds).await;
        app.say(&format!(
            "An earlier run was cut off. Looking for what {} of its calls may have made …",
            open.len()
        ));
        let (cloud, clock) = (session.cloud.as_ref(), session.clock.as_ref());
        let inventory = prepared.gathered.inventory.clone();
        let recovery: Recovery = recover(
            cloud,
            clock,
            (&prepared.scope, &prepared.lab_id),
            &open,
            inventory,
            session.suspect_age,
        )
        .await;
        // A run that ended in doubt left its suspects behind; what becomes of them belongs to a run of its own.
        self.begin(session, prepared, None, "recover")?;
        self.ledger.append(&recovery.records)?;
        prepared.gathered.inventory = recovery.inventory;
        let recorded = self.recorded();
        trace(session, recorded.as_ref(), &mut prepared.gathered.inventory).await?;
        match recovery.unsettled.first() {
            None => Ok(()),
            Some(intent) => Err(CliError::new(format!(
                "whether {} was made by an earlier run cannot be told now: its kind could not be read",
                intent.address
            ))
            .hint("run it again when the cloud answers")),
        }
    }

    /// A run that was cut off on another machine left its journal there: what it made last may show late.
    async fn look_twice(&mut self, app: &mut App, session: &Session, reading: &mut Reading) {
        let Some(shared) = &mut self.shared else {
            return;
        };
        if let Some(other) = shared.cut_off() {
            app.say(&format!(
                "A run was cut off: {other}. Looking twice for what it may have made …"
            ));
            session.clock.sleep(session.suspect_age).await;
            widen(session, reading, &Kind::ALL.into()).await;
            reading.gathered.inventory = session.cloud.collect(&reading.scope).await;
        }
        shared.settle(reading.gathered.inventory.unreadable.is_empty());
    }

    /// The cloud, as this run may change it.
    pub(super) fn cloud(&self, session: &Session) -> Arc<dyn Cloud> {
        match &self.shared {
            Some(shared) => shared.cloud(session),
            None => Arc::clone(&session.cloud),
        }
    }

    /// The hosts, as this run may work on them.
    pub(super) fn hosts(&self, session: &Session) -> Arc<dyn Hosts> {
        match &self.shared {
            Some(shared) => shared.hosts(session),
            None => Arc::clone(&session.hosts),
        }
    }

    /// Returns when this run must not go on: its lease is lost. Without shared state that never happens.
    pub(super) fn lost(&self) -> impl Future<Output = ()> + use<> {
        let term = self.shared.as_ref().map(SharedBooks::term);
        async move {
            match term {
                Some(term) => term.lost().await,
                None => std::future::pending().await,
            }
        }
    }

    /// Writes what is known to the shared lockfile before the first step: above all, which lab this is.
    pub(super) async fn publish(
        mut self,
        app: &mut App,
        session: &Session,
        prepared: &Prepared,
        tags: &Tags,
    ) -> Result<Self, CliError> {
        let folded = self.ledger.state.folded();
        let Some(shared) = &mut self.shared else {
            return Ok(self);
        };
        if !folded.open.is_empty() {
            // Suspects keep their journal.
            shared.settle(false);
            return Ok(self);
        }
        if prepared.plan.steps.is_empty() {
            return Ok(self);
        }
        let known = folded.lockfile.clone();
        let mut next = known.unwrap_or_else(|| Lockfile::new(prepared.reading.entry(session)));
        next.pins = prepared.reading.gathered.pins.clone();
        next.pins.tags = tags.clone();
        let next = next.next();
        let Tee {
            journal,
            state,
            path,
        } = self.ledger;
        let folded = state.folded();
        let published = shared.publish(app, session, &next, journal, folded).await;
        let (loaded, journal) = published?;
        self.ledger = Tee {
            journal,
            state: loaded.state,
            path,
        };
        Ok(self)
    }

    /// Writes down that a run begins.
    pub(super) fn begin(
        &mut self,
        session: &Session,
        reading: &Reading,
        tags: Option<Tags>,
        command: &str,
    ) -> Result<RunId, JournalError> {
        let run = RunId::new(draw_id());
        let recorded = self.ledger.state.folded().lockfile.as_ref();
        let mut pins = reading.gathered.pins.clone();
        pins.tags = tags.unwrap_or(pins.tags);
        let begun = Record::Begun {
            run: run.clone(),
            command: command.to_owned(),
            lab: reading.entry(session),
            pins,
            serial: recorded.map_or(0, |lock| lock.serial),
            at: session.clock.now(),
        };
        let nothing_known = recorded.is_none_or(|lock| lock.resources.is_empty());
        let fresh = nothing_known && is_empty(session, reading);
        let records = std::iter::once(begun).chain(fresh.then_some(Record::Fresh));
        self.ledger.append(&records.collect::<Vec<_>>())?;
        Ok(run)
    }

    /// Writes down that a run begins which needs no cloud: hosts are tended or measured.
    pub(super) fn begin_without_cloud(
        &mut self,
        session: &Session,
        command: &str,
    ) -> Result<(), JournalError> {
        let recorded = self.ledger.state.folded().lockfile.as_ref();
        let profile = &session.profile;
        let lab = recorded.map_or_else(
            || {
                let id = LabId::new(draw_id());
                LabEntry::without_cloud(profile.name.clone(), id, profile.region.clone())
            },
            |lock| lock.lab.clone(),
        );
        let begun = Record::Begun {
            run: RunId::new(draw_id()),
            command: command.to_owned(),
            lab,
            pins: recorded.map(|lock| lock.pins.clone()).unwrap_or_default(),
            serial: recorded.map_or(0, |lock| lock.serial),
            at: session.clock.now(),
        };
        self.ledger.append(&[begun])
    }

    /// Writes the lockfile: the shared one first, if there is one.
    pub(super) async fn conclude(
        mut self,
        app: &mut App,
        session: &Session,
    ) -> Result<Option<Lockfile>, CliError> {
        let Tee { journal, state, .. } = self.ledger;
        let folded = state.folded();
        if let Some(shared) = &mut self.shared {
            shared.conclude(app, session, folded).await?;
        }
        let lockfile = store::conclude(&session.paths, journal, folded, session.clock.now())?;
        if let Some(shared) = &mut self.shared {
            // A run that did not look twice leaves that to the next one.
            shared.settle(folded.is_settled() && shared.cut_off().is_none());
        }
        Ok(lockfile)
    }
}

/// Whether all was read, and nothing of the lab is there.
fn is_empty(session: &Session, reading: &Reading) -> bool {
    let world = reading.inventory();
    let mut owned = world.owned(&session.profile.name, &reading.lab_id);
    world.unreadable.is_empty() && owned.next().is_none()
}

/// Makes the lab's folder ready and takes the guard.
async fn guarded(app: &mut App, session: &Session, command: &str) -> Result<Guarded, CliError> {
    session.paths.prepare()?;
    app.leases_given_back().await;
    let holder = Holder::here(&app.settings.user, command, session.clock.now());
    let (terminal, quiet) = (&mut app.terminal, app.global.quiet);
    let mut waiting = |other: Option<&Holder>| {
        let other = other.map_or_else(|| "another run".to_owned(), ToString::to_string);
        if !quiet {
            terminal.say(&format!("waiting for {other}\n"));
        }
    };
    let timeout = app.global.lock_timeout;
    let guard = Guard::acquire(
        &session.paths.guard,
        &holder,
        timeout,
        session.clock.as_ref(),
        &mut waiting,
    )
    .await;
    let waited = session.clock.now().duration_since(holder.since);
    let left = timeout.saturating_sub(waited.try_into().unwrap_or_default());
    Ok(Guarded {
        guard: guard?,
        holder,
        left,
    })
}
/// What a run that was cut off was making is looked for, whatever the profile says by now.
async fn widen(session: &Session, reading: &mut Reading, kinds: &BTreeSet<Kind>) {
    let mut wider = reading.scope.clone();
    if kinds.contains(&Kind::Alarm) || kinds.contains(&Kind::Dashboard) {
        wider.watch = Some(lab::watch_names(&session.profile, &reading.lab_id));
    }
    wider.placement_groups |= kinds.contains(&Kind::PlacementGroup);
    if wider != reading.scope {
        reading.gathered.inventory = session.cloud.collect(&wider).await;
        reading.scope = wider;
    }
}
