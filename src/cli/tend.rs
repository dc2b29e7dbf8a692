//! Tending hosts: display, logs, Ctrl-C, and what is written down of each host. Shared by `apply` and `bootstrap`.

use std::sync::Arc;
use std::time::Duration;

use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::exit;
use super::host_logs::HostLogs;
use super::interrupts::Signals;
use super::secrets::with_secrets;
use super::session::Session;
use crate::apply::{self, HostJob, Stop, Tending, remember};
use crate::event::HostEvent;
use crate::host::{HOME, HostEnd, Verdict};
use crate::model::Address;
use crate::port::{self, Journal, JournalError};
use crate::state::Record;
use crate::ui::json::verdicts_json;
use crate::ui::{choose_display, open_host_display, verdicts_view};

/// A host that runs a step and is silent for so long is not there any more.
pub(super) const SILENCE: Duration = Duration::from_secs(20);
/// For how long a host that does not answer is asked again: a fresh machine boots in about a minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// What the hosts of a session are reached with.
pub(super) fn tending(app: &App, session: &Session, patience: Duration) -> Tending {
    Tending {
        hosts: Arc::clone(&session.hosts),
        clock: Arc::clone(&session.clock),
        parallelism: usize::from(app.global.parallelism),
        patience,
        silence: SILENCE,
        home: HOME.to_owned(),
    }
}

/// Tends the hosts and writes down what became of each as soon as it is known. `idle` shows nothing unless it is JSON.
pub(super) async fn tend(
    app: &mut App,
    session: &Session,
    books: &mut Books,
    jobs: &[HostJob],
    (patience, idle): (Duration, bool),
) -> Result<Vec<Verdict>, CliError> {
    let jobs = &with_secrets(session, jobs).await;
    let tending = Tending {
        hosts: books.hosts(session),
        ..tending(app, session, patience)
    };
    let quiet = app.global.quiet || idle;
    let kind = choose_display(app.global.json, quiet, app.terminal.moving());
    let mut display = open_host_display(kind, &app.terminal, app.global.verbose);
    let mut logs = HostLogs::new(&session.paths.host_logs);
    let clock: &dyn port::Clock = tending.clock.as_ref();
    let mut tell = |event: HostEvent| {
        logs.write(&event);
        display.host(&event, clock.now());
    };
    let lost = books.lost();
    tokio::pin!(lost);
    let mut is_lost = false;
    let mut unwritten = None;
    let mut over = |place: usize, verdict: &Verdict| {
        let job: &HostJob = &jobs[place];
        if let Err(error) = write_down(session, books, job, verdict) {
            unwritten.get_or_insert(error);
        }
    };
    let verdicts = {
        let stop = Stop::default();
        let _held = app.interrupts.hold();
        let mut signals = Signals::new()?;
        let working = apply::bootstrap(&tending, jobs, &stop, &mut tell, &mut over);
        tokio::pin!(working);
        loop {
            tokio::select! {
                verdicts = &mut working => break verdicts,
                () = &mut lost, if !is_lost => {
                    is_lost = true;
                    stop.ask();
                }
                () = signals.next() => stop.ask(),
            }
        }
    };
    match unwritten {
        Some(error) => Err(error.into()),
        None => Ok(verdicts),
    }
}

/// Writes down what of a verdict is news.
pub(super) fn write_down(
    session: &Session,
    books: &mut Books,
    job: &HostJob,
    verdict: &Verdict,
) -> Result<(), JournalError> {
    let recorded = books.recorded();
    let before = recorded
        .as_ref()
        .and_then(|lock| lock.hosts.get(&verdict.address));
    let machine = job.target.machine();
    match remember(verdict, &machine, before, session.clock.now()) {
        None => Ok(()),
        Some(host) => books.ledger.append(&[Record::Host {
            address: verdict.address.clone(),
            host,
        }]),
    }
}

/// Forgets edge hosts that the profile does not name any more.
pub(super) fn forget_others(session: &Session, books: &mut Books) -> Result<(), JournalError> {
    let named: Vec<Address> = session
        .profile
        .edge
        .keys()
        .map(|name| Address::of(&["edge", name.as_str()]))
        .collect();
    let known = books.recorded().map(|lock| lock.hosts).unwrap_or_default();
    let gone: Vec<Record> = known
        .into_keys()
        .filter(|address| address.as_str().starts_with("edge.") && !named.contains(address))
        .map(|address| Record::HostGone { address })
        .collect();
    books.ledger.append(&gone)
}

/// Says how it went with hosts, and what to type next.
pub(super) fn told(app: &mut App, session: &Session, verdicts: &[Verdict], next: &[String]) {
    if app.global.json {
        app.data(&verdicts_json(verdicts, &app.same_lab()));
    }
    let logs = &session.paths.host_logs;
    let log = |verdict: &Verdict, step: &str| {
        HostLogs::path(logs, &verdict.address, step)
            .display()
            .to_string()
    };
    let shown = verdicts_view(verdicts, &log, (next, &app.same_lab()), &app.look_aside());
    app.conclude(&format!("\n{shown}"));
}

/// The exit code of what became of hosts.
pub(super) fn code_of_hosts(verdicts: &[Verdict]) -> u8 {
    let codes = verdicts.iter().map(|verdict| match &verdict.end {
        HostEnd::Ready => exit::DONE,
        HostEnd::Interrupted { .. } => exit::INTERRUPTED,
        HostEnd::Refused(_) | HostEnd::HostKey(_) => exit::CREDENTIALS,
        HostEnd::NotReady
        | HostEnd::Failed { .. }
        | HostEnd::NoSecret { .. }
        | HostEnd::Unreachable(_)
        | HostEnd::Strange(_) => exit::PARTIAL,
    });
    exit::most_telling(codes)
}
