//! `state`: what the lockfile remembers, and how to make it again.

use clap::{Args, Subcommand};

use super::app::App;
use super::error::CliError;
use super::profile_file::read_lab;
use super::session::{OpenError, Session};
use super::state_bucket::{self, PullArgs, PushArgs, UnlockArgs};
use super::{exit, state_edit};
use crate::model::Address;
use crate::store;
use crate::ui;

/// Show or mend what the lockfile remembers.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

/// What to do with the lockfile.
#[derive(Debug, Subcommand)]
enum StateCommand {
    /// List the resources that the lockfile remembers.
    List {
        /// Only this address and what lies below it.
        address: Option<String>,
    },
    /// Show all that is remembered of one resource.
    Show {
        /// Its address.
        address: String,
    },
    /// Make a lost or damaged lockfile again from the tags in the cloud. A damaged file is put away, not removed.
    Rebuild {
        /// Which lab, if several of this name exist.
        #[arg(long, value_name = "ID")]
        lab_id: Option<String>,
    },
    /// Let go of resources: they go on existing, and on costing, without the lab.
    ///
    /// The lab's tags are taken off them, or the next command would see them as the lab's again.
    Rm(state_edit::RmArgs),
    /// Give a group, a machine, a volume or an Elastic IP another address, at once.
    ///
    /// For a change that colleagues are to get as well, write `[[moved]]` into the profile instead.
    Mv(state_edit::MvArgs),
    Pull(PullArgs),
    Push(PushArgs),
    Unlock(UnlockArgs),
}

pub(super) async fn state(app: &mut App, args: &StateArgs) -> Result<u8, OpenError> {
    match &args.command {
        StateCommand::List { address } => list(app, address.as_deref()).await,
        StateCommand::Show { address } => show(app, address).await,
        StateCommand::Rm(args) => state_edit::rm(app, args).await,
        StateCommand::Mv(args) => state_edit::mv(app, args).await,
        StateCommand::Rebuild { lab_id } => super::rebuild::rebuild(app, lab_id.as_deref()).await,
        StateCommand::Pull(args) => state_bucket::pull(app, args).await,
        StateCommand::Push(args) => state_bucket::push(app, args).await,
        StateCommand::Unlock(args) => state_bucket::unlock(app, args).await,
    }
}

/// The lockfile with what the journal knows beyond it. Needs neither the profile nor the cloud, unless the profile says
/// that the state is shared.
async fn recorded(app: &App) -> Result<crate::state::Lockfile, OpenError> {
    let target = app.global.target();
    let parsed = read_lab(&target.profile, &app.settings).ok();
    let profile = parsed.and_then(|(_, parsed)| parsed.profile.or(parsed.without_steps));
    if profile.is_some_and(|profile| profile.state.is_some()) {
        let (session, _) = Session::open_without_steps(&target, &app.settings).await?;
        let loaded = session.load().await?;
        return loaded.state.folded().lockfile.clone().ok_or_else(|| {
            let url = session.shared_url();
            CliError::new(format!("there is no shared lockfile {url}"))
                .hint("it is made by the first `roboinfra apply{lab}`; if it was lost: roboinfra state rebuild{lab}")
                .into()
        });
    }
    let paths = store::Paths::new(&target.profile, target.lockfile.as_deref(), target.sandbox);
    let loaded = store::load(&paths)?;
    loaded.state.folded().lockfile.clone().ok_or_else(|| {
        CliError::new(format!("there is no lockfile {}", paths.lockfile.display()))
            .hint("it is made by the first `roboinfra apply{lab}`; if it was lost: roboinfra state rebuild{lab}")
            .into()
    })
}

async fn list(app: &mut App, address: Option<&str>) -> Result<u8, OpenError> {
    let lock = recorded(app).await?;
    let only = address.map(Address::new);
    let shown = if app.global.json {
        ui::json::state_json(&lock, only.as_ref())
    } else {
        ui::state_list_view(&lock, only.as_ref(), &app.look())
    };
    app.data(&shown);
    Ok(exit::DONE)
}

async fn show(app: &mut App, address: &str) -> Result<u8, OpenError> {
    let lock = recorded(app).await?;
    let address = Address::new(address);
    let mut known = lock.resources.keys().chain(lock.hosts.keys());
    if !known.any(|known| known.is_within(&address)) {
        return Err(
            CliError::new(format!("the lockfile remembers no {address}"))
                .hint("roboinfra state list{lab}")
                .into(),
        );
    }
    let shown = if app.global.json {
        ui::json::state_json(&lock, Some(&address))
    } else {
        ui::state_show_view(&lock, Some(&address), &app.look())
    };
    app.data(&shown);
    Ok(exit::DONE)
}
