//! `plan`: what would change and what it costs.

use std::path::PathBuf;

use clap::Args;

use super::app::{App, READING};
use super::confirm::refuse;
use super::error::CliError;
use super::prepare::{Prepared, Wish, price_whole, read, think, with_hosts};
use super::saved::SavedPlan;
use super::session::{OpenError, Session};
use super::{exit, recall, show};
use crate::model::Address;
use crate::plan::Mode;

/// Show what would change and what it costs.
///
/// Reads the profile, the lockfile and the cloud, and changes nothing. What is read only for a launch (quotas,
/// offers, prices) is read only if something would be launched.
#[derive(Debug, Default, Args)]
pub(super) struct PlanArgs {
    /// Save the plan: `roboinfra apply FILE` does exactly this, or refuses if anything has changed since.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 if there are changes, 0 if there are none, and as `apply` would if it refused them.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Only this address and what it needs; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,
    /// Only look: what differs from the lockfile, and change nothing but the lockfile.
    #[arg(long, conflicts_with = "destroy")]
    refresh_only: bool,
    /// Plan the destruction of the lab.
    #[arg(long)]
    destroy: bool,
    /// Look up images, zones and my-ip again instead of using what the lockfile has pinned.
    #[arg(long)]
    refresh_pins: bool,
}

/// The targets as addresses.
pub(super) fn targets(target: &[String]) -> std::collections::BTreeSet<Address> {
    target.iter().map(Address::new).collect()
}

pub(super) async fn plan(app: &mut App, args: &PlanArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let mode = match (args.destroy, args.refresh_only) {
        (true, _) => Mode::Destroy,
        (_, true) => Mode::RefreshOnly,
        _ => Mode::Apply,
    };
    let wish = Wish {
        mode,
        targets: targets(&args.target),
    };
    let loaded = session.load().await?;
    let folded = loaded.state.folded();
    let unfinished = folded.open.len();
    let remembered = folded.lockfile.clone();
    let mut recorded = remembered.clone();
    if args.refresh_pins
        && let Some(lock) = &mut recorded
    {
        lock.pins = lock.pins.to_look_up_again();
    }
    let busy = app.busy(READING);
    let prepared = propose(&session, recorded.as_ref(), &wish, args.refresh_pins).await?;
    let prepared = with_hosts(&session, prepared, recorded.as_ref(), &wish).await?;
    drop(busy);
    show::plan(app, &session, &prepared, &next(app, &prepared, args));
    if unfinished > 0 {
        app.say(&format!(
            "An earlier run was cut off: {unfinished} of its calls have an unknown outcome. `roboinfra apply` looks for \
             what they made before it does anything else."
        ));
    }
    if let Some(path) = &args.out {
        let saved = SavedPlan::of(&session, &prepared, remembered.as_ref(), &wish);
        saved.write(path)?;
        app.say(&format!("Saved the plan to {}.", path.display()));
    }
    if args.detailed_exitcode {
        refuse(&prepared)?;
    }
    let changes = args.detailed_exitcode && prepared.has_work();
    Ok(if changes { exit::CHANGES } else { exit::DONE })
}

/// Reads, thinks and prices.
pub(super) async fn propose(
    session: &Session,
    recorded: Option<&crate::state::Lockfile>,
    wish: &Wish,
    refresh_pins: bool,
) -> Result<Prepared, CliError> {
    let mut reading = read(session, recorded, wish.mode).await?;
    if !refresh_pins && wish.mode != Mode::Destroy {
        recall::images(session, &mut reading, recorded).await?;
    }
    let (lab, plan) = think(session, &reading, recorded, wish)?;
    Ok(price_whole(session, reading, lab, plan).await)
}

/// The command that does what the plan says.
fn next(app: &App, prepared: &Prepared, args: &PlanArgs) -> Vec<String> {
    if !prepared.has_work() || refuse(prepared).is_err() {
        return Vec::new();
    }
    let mut command = match (&args.out, args.destroy) {
        (Some(path), _) => format!("roboinfra apply {}", path.display()),
        (None, true) => "roboinfra destroy".to_owned(),
        (None, false) if args.refresh_only => "roboinfra apply --refresh-only".to_owned(),
        (None, false) => "roboinfra apply".to_owned(),
    };
    if args.out.is_none() {
        for target in &args.target {
            command.push_str(&format!(" --target {target}"));
        }
    }
    command.push_str(&show::same_lab(app));
    vec![command]
}
