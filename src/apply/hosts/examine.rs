//! Looks at hosts without changing anything but bringing them the runner, which looks for us.

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::cut::Cut;
use super::job::{HostJob, Tending};
use super::tend::Tender;
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
                verdict.findings = standing(&self.job.wanted, &steps, &facts);
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
        let steps = {
            self.facts(link.as_mut()).await?;
            self.ask(link.as_mut(), &Command::Status).await?
        };
        let proofs: Vec<String> = StepStatus::parse(&steps)
            .iter()
            .filter(|step| step.state == StepState::Done)
            .filter(|step| {
                self.job
                    .wanted
                    .steps
                    .iter()
                    .any(|wanted| wanted.digest() == step.digest)
            })
            .map(|step| format!("proof:{}", step.name))
            .collect();
        let facts = self.measured(link.as_mut(), &proofs).await?;
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

/// How each wanted step stands, and whether what it made is still so.
fn standing(wanted: &Wanted, steps: &[StepStatus], facts: &Facts) -> Vec<Finding> {
    wanted
        .steps
        .iter()
        .map(|step| {
            let known = steps.iter().find(|known| known.name == step.name());
            let current = known.filter(|known| known.digest == step.digest());
            let (good, found) = match (known, current.map(|known| known.state)) {
                (_, Some(StepState::Done)) => proven(step.name(), facts),
                (_, Some(StepState::Running)) => (true, "runs now".to_owned()),
                (_, Some(state)) => (false, in_words(state).to_owned()),
                (Some(_), None) => (false, "has changed since it was done".to_owned()),
                (None, None) => (false, "has not run".to_owned()),
            };
            Finding {
                what: step.name().to_owned().into(),
                good,
                found,
                expected: step.script.step.header.proof.clone(),
                cause: if good {
                    ""
                } else {
                    "the step is not done, or what it made was changed since"
                },
                next: if good {
                    ""
                } else {
                    "roboinfra bootstrap {host}{lab}"
                },
                binding: false,
            }
        })
        .collect()
}

fn proven(step: &str, facts: &Facts) -> (bool, String) {
    let proof = facts.get(&format!("proof-{step}"));
    match proof.strip_prefix("fails") {
        Some(why) => {
            let why = why.trim_start_matches([':', ' ']);
            (false, format!("done, and does not hold any more: {why}"))
        }
        None => (true, "done".to_owned()),
    }
}

fn in_words(state: StepState) -> &'static str {
    match state {
        StepState::Done => "done",
        StepState::Running => "runs now",
        StepState::Reboot => "waits for a reboot",
        StepState::Failed => "failed",
        StepState::TimedOut => "took too long",
        StepState::Later => "met something that may pass",
        StepState::Interrupted => "was interrupted",
        StepState::Stored => "has not run",
    }
}
