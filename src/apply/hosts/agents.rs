//! What the agents on hosts say, and holds that are left for them.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use super::answers::answered;
use super::cut::Cut;
use super::job::{HostJob, Tending};
use super::tend::{SHORT, Tender};
use crate::apply::Stop;
use crate::host::{AgentNow, Command, HostEnd};
use crate::model::Hold;

/// Asks the agents of all hosts side by side, none for longer than `limit`; in the order of the jobs, or why not.
/// Nothing is brought to a host: one that has another runner than this is not asked.
pub async fn agents(
    tending: &Tending,
    jobs: &[HostJob],
    limit: Duration,
) -> Vec<Result<AgentNow, String>> {
    join_all(jobs.iter().map(|job| async move {
        tokio::select! {
            answer = ask(tending, job) => answer,
            () = tending.clock.sleep(limit) => Err(format!("no answer within {} s", limit.as_secs())),
        }
    }))
    .await
}

async fn ask(tending: &Tending, job: &HostJob) -> Result<AgentNow, String> {
    let runner = tending.runner(&job.target);
    let mut link = tending
        .hosts
        .connect(&job.target)
        .await
        .map_err(|error| error.message)?;
    let there = link.run(&runner.look(), &[], SHORT).await;
    if !there.map_err(|error| error.message)?.starts_with(b"have") {
        return Err("it was made ready by another version of roboinfra".to_owned());
    }
    let line = runner.line(&Command::Agent);
    let answer = link.run(&line, &[], SHORT).await;
    let answer = answer.map_err(|error| error.message)?;
    Ok(AgentNow::parse(&String::from_utf8_lossy(&answer)))
}

/// Leaves a hold on a host, or takes it away; then asks what its agent says.
pub async fn hold(
    tending: &Tending,
    job: &HostJob,
    wanted: Option<&Hold>,
    limit: Duration,
) -> Result<AgentNow, String> {
    tokio::select! {
        answer = held(tending, job, wanted) => answer.map_err(|cut| match cut {
            Cut::Link(error) => error.message,
            Cut::Over(
                HostEnd::HostKey(why)
                | HostEnd::Refused(why)
                | HostEnd::Strange(why)
                | HostEnd::Unreachable(why),
            ) => why,
            Cut::Over(_) => "it does not answer as it should".to_owned(),
        }),
        () = tending.clock.sleep(limit) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

async fn held(tending: &Tending, job: &HostJob, wanted: Option<&Hold>) -> Result<AgentNow, Cut> {
    let stop = Stop::default();
    let (events, _nobody) = mpsc::unbounded_channel();
    let tender = Tender::new(tending, job, &stop, events);
    let mut link = tending.hosts.connect(&job.target).await?;
    tender.facts(link.as_mut()).await?;
    let (command, text) = match wanted {
        Some(hold) => (Command::Hold, hold.render()),
        None => (Command::Release, String::new()),
    };
    let line = tender.runner.line(&command);
    answered(&link.run(&line, text.as_bytes(), SHORT).await?)?;
    let said = tender.ask(link.as_mut(), &Command::Agent).await?;
    Ok(AgentNow::parse(&said))
}
