//! `apply`: makes the lab as the profile says.

use std::path::PathBuf;

use clap::Args;

use super::agents::AGENT_TOPIC;
use super::app::{App, CHECKING, READING};
use super::books::Books;
use super::confirm::{confirm, refuse};
use super::error::CliError;
use super::exec::code_of_run;
use super::plan::targets;
use super::prepare::{Prepared, Wish, price_whole, read, read_as, think, with_hosts};
use super::saved::SavedPlan;
use super::secrets::SECRET_TOPIC;
use super::session::{OpenError, Session};
use super::tend::code_of_hosts;
use super::{exit, hosts_after, recall, report, rollback, show};
use crate::event::RunEnd;
use crate::model::{Action, Kind};
use crate::plan::{Mode, Notice, Severity};
use crate::port::Journal;
use crate::state::{Lockfile, Record};
use crate::store;

/// Make the lab as the profile says.
///
/// Shows the plan and asks; then makes the machines ready, over SSH. With a saved plan it does exactly that, or refuses if anything has changed since.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// A plan saved with `roboinfra plan --out FILE`.
    plan: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Only this address and what it needs; may be given several times.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "plan")]
    target: Vec<String>,
    /// Only bring the lockfile up to date with what exists.
    #[arg(long, conflicts_with = "plan")]
    refresh_only: bool,
    /// Look up images, zones and my-ip again instead of using what the lockfile has pinned.
    #[arg(long, conflicts_with = "plan")]
    refresh_pins: bool,
    /// Leave the hosts as they are: only what is in the cloud is made.
    #[arg(long)]
    no_bootstrap: bool,
    /// If the first apply of a lab fails, delete all that was made for it. A lab that was applied before stays as the
    /// failure left it.
    #[arg(long, conflicts_with = "refresh_only")]
    rollback: bool,
}

impl ApplyArgs {
    /// What `demo` types.
    pub(super) fn yes() -> Self {
        Self {
            plan: None,
            yes: true,
            target: Vec::new(),
            refresh_only: false,
            refresh_pins: false,
            no_bootstrap: false,
            rollback: false,
        }
    }
}

pub(super) async fn apply(app: &mut App, args: &ApplyArgs) -> Result<u8, OpenError> {
    let mut session = Session::open(&app.global.target(), &app.settings).await?;
    let saved = args.plan.as_deref().map(SavedPlan::read).transpose()?;
    let mut books = Books::open(app, &session, "apply").await?;
    let mut recorded = books.recorded();
    if args.refresh_pins
        && let Some(lock) = &mut recorded
    {
        lock.pins = lock.pins.to_look_up_again();
    }
    let wish = wish(args, saved.as_ref());
    let busy = app.busy(READING);
    let mut reading = match &saved {
        Some(saved) => {
            let (id, pins) = (saved.lab_id.clone(), saved.pins.clone());
            read_as(&session, recorded.as_ref(), wish.mode, id, pins).await?
        }
        None => read(&session, recorded.as_ref(), wish.mode).await?,
    };
    drop(busy);
    books.settle(app, &session, &mut reading).await?;
    let recorded = books.recorded();
    if saved.is_none() && !args.refresh_pins {
        recall::images(&session, &mut reading, recorded.as_ref()).await?;
    }
    let (lab, plan) = think(&session, &reading, recorded.as_ref(), &wish)?;
    let busy = app.busy(CHECKING);
    let prepared = price_whole(&session, reading, lab, plan).await;
    let mut prepared = with_hosts(&session, prepared, recorded.as_ref(), &wish).await?;
    drop(busy);
    if let Some(saved) = &saved {
        saved.check(&session, &prepared, recorded.as_ref())?;
    }
    if args.no_bootstrap {
        prepared.hosts.clear();
        prepared
            .notices
            .retain(|notice| notice.topic != SECRET_TOPIC);
        // No agent is put anywhere by this run: that it is missing is worth knowing, and stands in nobody's way.
        let of_agent = |notice: &&mut Notice| notice.topic == AGENT_TOPIC;
        for notice in prepared.notices.iter_mut().filter(of_agent) {
            notice.severity = Severity::Warning;
        }
    }
    let decided = args.yes || saved.is_some();
    show::plan_to_do(app, &session, &prepared, decided);
    refuse(&prepared)?;
    let nothing = !prepared.has_work();
    if !nothing && !confirm(app, "Apply this plan?", decided).await? {
        return Err(CliError::new("not applied: you did not say yes").into());
    }
    let prepared = with_key(&mut session, prepared, recorded.as_ref(), &wish)?;
    if wish.mode == Mode::Destroy {
        return super::destroy::carry_out(app, &session, books, &prepared)
            .await
            .map_err(OpenError::from);
    }
    let (run, mut books) = books.work(app, &session, &prepared, "apply").await?;
    let tended = match wish.mode {
        Mode::Apply => {
            hosts_after::tend_hosts(app, &session, &mut books, &prepared, &run, nothing).await
        }
        Mode::RefreshOnly | Mode::Destroy => {
            hosts_after::accept_drift(&mut books, &wish.targets)?;
            Ok(Vec::new())
        }
    };
    let reached = matches!(&tended, Ok(verdicts) if code_of_hosts(verdicts) == exit::DONE);
    if wish.mode == Mode::Apply && run.end == RunEnd::Done && (reached || !args.rollback) {
        books.ledger.append(&[Record::Applied])?;
    }
    // Whatever became of the hosts, what was done is written down.
    let lockfile = books.conclude(app, &session).await?;
    let (verdicts, broken) = match tended {
        Ok(verdicts) => (verdicts, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let code = exit::most_telling([code_of_run(&run), code_of_hosts(&verdicts)]);
    let quiet = nothing && code == exit::DONE && verdicts.iter().all(|host| host.ran == 0);
    if !quiet {
        let result = (&run, verdicts.as_slice());
        report::after_apply(app, &session, &prepared, result, lockfile.as_ref());
    }
    let failed = broken.is_some() || code != exit::DONE;
    match broken {
        _ if !(args.rollback && failed) => broken.map_or(Ok(code), |error| Err(error.into())),
        broken => {
            let code =
                exit::most_telling(std::iter::once(code).chain(broken.iter().map(|e| e.code)));
            broken.iter().for_each(|error| app.failed(error));
            Ok(rollback::roll_back(app, &session, &run, code).await)
        }
    }
}

/// What a saved plan was made for, or what the command line asks for.
fn wish(args: &ApplyArgs, saved: Option<&SavedPlan>) -> Wish {
    let mode = if args.refresh_only {
        Mode::RefreshOnly
    } else {
        Mode::Apply
    };
    saved.map_or_else(
        || Wish {
            mode,
            targets: targets(&args.target),
        },
        |saved| Wish {
            mode: saved.mode,
            targets: saved.targets.clone(),
        },
    )
}

/// Makes the lab's key pair if the plan needs one, and puts its public half into the plan.
fn with_key(
    session: &mut Session,
    prepared: Prepared,
    recorded: Option<&Lockfile>,
    wish: &Wish,
) -> Result<Prepared, CliError> {
    let imports = |change: &crate::plan::Change| {
        change.kind == Kind::KeyPair && matches!(change.action, Action::Create | Action::Replace)
    };
    if !session.public_keys.is_empty() || !prepared.plan.changes.iter().any(imports) {
        return Ok(prepared);
    }
    let comment = format!("roboinfra {}", session.profile.name);
    session.public_keys = vec![store::ensure_key(&session.paths.private_key, &comment)?];
    let (lab, plan) = think(session, &prepared.reading, recorded, wish)?;
    Ok(Prepared {
        lab,
        plan,
        ..prepared
    })
}
