//! `bootstrap`: makes hosts ready, over SSH.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::host_logs::HostLogs;
use super::hosts::hosts;
use super::interrupts::Signals;
use super::session::{OpenError, Session};
use crate::apply::{self, HostJob, Stop, Tending};
use crate::event::HostEvent;
use crate::host::{HOME, HostEnd, Verdict};
use crate::model::Address;
use crate::port;
use crate::ui::json::verdicts_json;
use crate::ui::{choose_display, open_host_display, verdicts_view};

/// A host that runs a step and is silent for so long is not there any more.
pub(super) const SILENCE: Duration = Duration::from_secs(20);
/// For how long a host that does not answer is asked again: a fresh machine boots in about a minute.
const PATIENCE: Duration = Duration::from_secs(300);

/// Make hosts ready: driver, Docker, container toolkit and what else their steps install.
///
/// Goes on where it was left: what is done is not done again, what runs on a host is followed. Without an address all
/// running machines of the lab and all edge hosts are made ready.
#[derive(Debug, Args)]
pub(super) struct BootstrapArgs {
    /// Hosts, as `node.sim.0`, `node.sim` or `edge.arm1`.
    hosts: Vec<String>,
    /// How long a host that does not answer is asked again, in seconds.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
}

impl BootstrapArgs {
    /// What `demo` types.
    pub(super) fn all() -> Self {
        Self {
            hosts: Vec::new(),
            patience: None,
        }
    }
}

pub(super) async fn bootstrap(app: &mut App, args: &BootstrapArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let asked: Vec<Address> = args.hosts.iter().map(Address::new).collect();
    let jobs = hosts(app, &session, &asked).await?;
    if jobs.is_empty() {
        app.say("There is no host to make ready: no machine of the lab runs, and the profile has no [edge.*].");
        return Ok(exit::DONE);
    }
    let patience = args.patience.map_or(PATIENCE, Duration::from_secs);
    let verdicts = tend(app, &session, &jobs, patience).await?;
    Ok(told(app, &session, &verdicts))
}

/// Tends the hosts with a display, logs and Ctrl-C.
pub(super) async fn tend(
    app: &mut App,
    session: &Session,
    jobs: &[HostJob],
    patience: Duration,
) -> Result<Vec<Verdict>, CliError> {
    session.paths.prepare()?;
    let tending = Tending {
        hosts: Arc::clone(&session.hosts),
        clock: Arc::clone(&session.clock),
        parallelism: usize::from(app.global.parallelism),
        patience,
        silence: SILENCE,
        home: HOME.to_owned(),
    };
    let kind = choose_display(app.global.json, app.global.quiet, app.terminal.moving());
    let mut display = open_host_display(kind, &app.terminal, app.global.verbose);
    let mut logs = HostLogs::new(&session.paths.host_logs);
    let clock: &dyn port::Clock = tending.clock.as_ref();
    let mut tell = |event: HostEvent| {
        logs.write(&event);
        display.host(&event, clock.now());
    };
    let stop = Stop::default();
    let _held = app.interrupts.hold();
    let mut signals = Signals::new()?;
    let working = apply::bootstrap(&tending, jobs, &stop, &mut tell);
    tokio::pin!(working);
    let verdicts = loop {
        tokio::select! {
            verdicts = &mut working => break verdicts,
            () = signals.next() => stop.ask(),
        }
    };
    Ok(verdicts)
}

/// Says how it went, and returns the exit code.
pub(super) fn told(app: &mut App, session: &Session, verdicts: &[Verdict]) -> u8 {
    if app.global.json {
        app.data(&verdicts_json(verdicts));
    }
    let logs = &session.paths.host_logs;
    let log = |verdict: &Verdict, step: &str| {
        HostLogs::path(logs, &verdict.address, step)
            .display()
            .to_string()
    };
    let again = format!("roboinfra bootstrap{}", app.same_lab());
    let shown = verdicts_view(verdicts, &log, &again, &app.look_aside());
    app.conclude(&format!("\n{shown}"));
    code(verdicts)
}

/// The exit code of what became of hosts.
fn code(verdicts: &[Verdict]) -> u8 {
    let codes = verdicts.iter().map(|verdict| match &verdict.end {
        HostEnd::Ready => exit::DONE,
        HostEnd::Interrupted { .. } => exit::INTERRUPTED,
        HostEnd::Refused(_) | HostEnd::HostKey(_) => exit::CREDENTIALS,
        HostEnd::NotReady
        | HostEnd::Failed { .. }
        | HostEnd::Unreachable(_)
        | HostEnd::Strange(_) => exit::PARTIAL,
    });
    exit::most_telling(codes)
}
