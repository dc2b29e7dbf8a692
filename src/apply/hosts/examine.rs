//! Looks at hosts without changing anything but bringing them the runner, which looks for us.

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::job::{HostJob, Tending};
use super::tend::{Cut, Tender};
use crate::apply::Stop;
use crate::host::{
    Command, Facts, Finding, HostEnd, StepState, StepStatus, Verdict, Wanted, gate, surroundings,
};

/// Looks at every host, each only once; the verdicts are in the order of the jobs.
pub async fn examine(tending: &Tending, jobs: &[HostJob]) -> Vec<Verdict> {
    let stop = Stop::default();
    let (events, _nobody) = mpsc::unbounded_channel();
    let mut verdicts: Vec<(usize, Verdict)> = futures_util::stream::iter(jobs.iter().enumerate())
        .map(|(place, job)| {
            let tender = Tender::new(tending, job, &stop, events.clone());
            async move { (place, tender.looked().await) }
        })
        .buffer_unordered(tending.parallelism.max(1))
        .collect()
        .await;
    verdicts.sort_by_key(|(place, _)| *place);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

impl Tender<'_> {
    async fn looked(mut self) -> Verdict {
        let mut verdict = Verdict {
            address: self.job.target.address.clone(),
            end: HostEnd::Ready,
            facts: Facts::default(),
            findings: Vec::new(),
            done: Vec::new(),
            wanted: self.job.wanted.steps.len(),
            answered: false,
            ran: 0,
            versions: Facts::default(),
        };
        match self.look().await {
            Ok((facts, steps, versions)) => {
                let now = u64::try_from(self.tending.clock.now().as_second()).unwrap_or(0);
                verdict.findings = standing(&self.job.wanted, &steps);
                verdict
                    .findings
                    .extend(gate(&self.job.wanted.expected, &facts, now));
                verdict.findings.extend(surroundings(&facts));
                verdict.facts = facts;
                verdict.versions = versions;
                verdict.answered = true;
                self.take_in(&steps);
                verdict.done = self.finished();
            }
            Err(Cut::Link(error)) => verdict.end = given(&error),
            Err(Cut::Over(end)) => verdict.end = end,
        }
        verdict
    }

    async fn look(&self) -> Result<(Facts, Vec<StepStatus>, Facts), Cut> {
        let mut link = self.tending.hosts.connect(&self.job.target).await?;
        let facts = self.facts(link.as_mut()).await?;
        let steps = self.ask(link.as_mut(), &Command::Status).await?;
        let versions = self.ask(link.as_mut(), &Command::Versions).await?;
        Ok((facts, StepStatus::parse(&steps), Facts::parse(&versions)))
    }
}

fn given(error: &crate::port::HostError) -> HostEnd {
    use crate::port::HostErrorKind;
    let message = error.message.clone();
    match error.kind {
        HostErrorKind::HostKey => HostEnd::HostKey(message),
        HostErrorKind::Refused => HostEnd::Refused(message),
        HostErrorKind::Strange => HostEnd::Strange(message),
        HostErrorKind::Unreachable | HostErrorKind::Silent => HostEnd::Unreachable(message),
    }
}

/// How each wanted step stands.
fn standing(wanted: &Wanted, steps: &[StepStatus]) -> Vec<Finding> {
    wanted
        .steps
        .iter()
        .map(|step| {
            let known = steps.iter().find(|known| known.name == step.name());
            let current = known.filter(|known| known.digest == step.digest());
            let (good, found) = match (known, current.map(|known| known.state)) {
                (_, Some(StepState::Done)) => (true, "done"),
                (_, Some(StepState::Running)) => (true, "runs now"),
                (_, Some(StepState::Reboot)) => (false, "waits for a reboot"),
                (_, Some(StepState::Failed)) => (false, "failed"),
                (_, Some(StepState::TimedOut)) => (false, "took too long"),
                (_, Some(StepState::Later)) => (false, "met something that may pass"),
                (_, Some(StepState::Interrupted)) => (false, "was interrupted"),
                (_, Some(StepState::Stored)) => (false, "has not run"),
                (Some(_), None) => (false, "has changed since it was done"),
                (None, None) => (false, "has not run"),
            };
            Finding {
                what: step.script.step.header.name.as_str(),
                good,
                found: found.to_owned(),
                help: (!good).then_some("roboinfra bootstrap runs what is missing and goes on"),
                binding: false,
            }
        })
        .collect()
}
