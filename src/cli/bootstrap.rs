//! `bootstrap`: makes hosts ready, over SSH.

use std::time::Duration;

use clap::Args;

use super::agents::{AGENT_TOPIC, Hosted, notices};
use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::exit;
use super::hosts::hosts;
use super::secrets::known;
use super::session::{OpenError, Session};
use super::tend::{PATIENCE, code_of_hosts, forget_others, tend, told};
use crate::apply::HostJob;
use crate::plan::{Notice, Severity};

/// Make hosts ready: driver, Docker, container toolkit and what else their steps install.
///
/// `apply` does this too. Goes on where it was left: what is done is not done again, what runs on a host is followed.
/// Without an address all running machines of the lab and all edge hosts are made ready.
#[derive(Debug, Args)]
pub(super) struct BootstrapArgs {
    /// Hosts or groups of them, as `sim`, `sim.0` or `arm1`; default: all.
    hosts: Vec<String>,
    /// How long a host that does not answer is asked again, in seconds.
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u64>,
}

/// Says what is amiss with the agents of hosts, and refuses to go on where that would cost.
fn agents(
    app: &mut App,
    session: &Session,
    missing: &[Notice],
    jobs: &[HostJob],
) -> Result<(), CliError> {
    let hosted: Vec<Hosted<'_>> = jobs
        .iter()
        .map(|job| Hosted {
            address: &job.wanted.address,
            agent: &job.wanted.agent,
            asleep: false,
            has_one: false,
        })
        .collect();
    let missing = missing.iter().filter(|notice| notice.topic == AGENT_TOPIC);
    for notice in missing.cloned().chain(notices(&session.profile, &hosted)) {
        if notice.severity == Severity::Error {
            let told = CliError::new(notice.text);
            return Err(notice.help.into_iter().fold(told, CliError::hint));
        }
        app.say(&format!("Note: {}.", notice.text));
    }
    Ok(())
}

pub(super) async fn bootstrap(app: &mut App, args: &BootstrapArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let mut books = Books::open(app, &session, "bootstrap").await?;
    let known = known(&session).await;
    let jobs = hosts(app, &session, &known.at_hand, &args.hosts).await?;
    agents(app, &session, &known.missing, &jobs)?;
    if jobs.is_empty() {
        app.say("There is no host to make ready: no machine of the lab runs, and the profile has no [edge.*].");
        return Ok(exit::DONE);
    }
    let patience = args.patience.map_or(PATIENCE, Duration::from_secs);
    books.begin_without_cloud(&session, "bootstrap")?;
    let verdicts = tend(app, &session, &mut books, &jobs, (patience, false)).await?;
    forget_others(&session, &mut books)?;
    books.conclude(app, &session).await?;
    let code = code_of_hosts(&verdicts);
    let next = if code == exit::DONE {
        Vec::new()
    } else {
        vec![format!("roboinfra bootstrap{}", app.same_lab())]
    };
    told(app, &session, &verdicts, &next);
    Ok(code)
}
