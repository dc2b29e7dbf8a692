//! One host, from the first contact to its verdict. The host's own record is read again whenever a step did not simply
//! end well, and before the verdict, so that a lost connection, another client or a reboot are nothing special.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::answers::{answered, broken, environment, in_words, reason, strange};
use super::cut::Cut;
use super::job::{HostJob, Tending};
use crate::apply::Stop;
use crate::assets::RUNNER;
use crate::event::{HostEvent, HostNews};
use crate::host::{
    Command, End, Facts, Finding, Finished, HostEnd, Move, Runner, Seen, StepState, StepStatus,
    Verdict, WantedStep, again, next,
};
use crate::port::{HostError, HostErrorKind, HostLink};

/// For a command that only looks or starts something.
pub(super) const SHORT: Duration = Duration::from_secs(60);
/// For a script to arrive.
const UPLOAD: Duration = Duration::from_secs(120);
/// Between two attempts to reach a host, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Between two looks at a step that somebody else has started.
const OTHER: Duration = Duration::from_secs(5);
/// Before a step that met something transient is started again; the first time, then doubled.
const AGAIN: Duration = Duration::from_secs(15);

/// Tends one host.
pub(super) struct Tender<'a> {
    pub(super) tending: &'a Tending,
    pub(super) job: &'a HostJob,
    pub(super) stop: &'a Stop,
    events: UnboundedSender<HostEvent>,
    pub(super) runner: Runner,
    /// How much of each step's log is known, by digest.
    pub(super) known: BTreeMap<String, u64>,
    /// The last lines of the step that is followed.
    pub(super) tail: Vec<String>,
    starts: BTreeMap<String, u32>,
    pub(super) reboots: BTreeMap<String, u32>,
    ran: usize,
    /// The wanted steps that are done, as far as is known.
    done: BTreeMap<usize, Finished>,
    pub(super) facts: Facts,
    began: Timestamp,
    /// When it was last in reach.
    pub(super) reached: Timestamp,
    told_reached: bool,
    /// Since when the step is followed.
    pub(super) watching: Timestamp,
}

impl<'a> Tender<'a> {
    pub(super) fn new(
        tending: &'a Tending,
        job: &'a HostJob,
        stop: &'a Stop,
        events: UnboundedSender<HostEvent>,
    ) -> Self {
        let now = tending.clock.now();
        Self {
            tending,
            job,
            stop,
            events,
            runner: tending.runner(&job.target),
            known: BTreeMap::new(),
            tail: Vec::new(),
            starts: BTreeMap::new(),
            reboots: BTreeMap::new(),
            ran: 0,
            done: BTreeMap::new(),
            facts: Facts::default(),
            began: now,
            reached: now,
            told_reached: false,
            watching: now,
        }
    }

    pub(super) fn tell(&self, news: HostNews) {
        // Whoever listened may be gone; the work goes on.
        let _ = self.events.send(HostEvent {
            address: self.job.target.address.clone(),
            news,
        });
    }

    pub(super) fn since(&self, from: Timestamp) -> Duration {
        Duration::try_from(self.tending.clock.now().duration_since(from)).unwrap_or_default()
    }

    /// From the first contact to the verdict.
    pub(super) async fn through(mut self) -> Verdict {
        // The bound on hosts at once may have let it wait.
        self.began = self.tending.clock.now();
        self.reached = self.began;
        self.tell(HostNews::Reaching {
            host: self.job.target.host.clone(),
        });
        let mut wait = Duration::from_millis(500);
        let (end, findings, versions) = loop {
            if self.stop.is_asked() {
                break (
                    HostEnd::Interrupted { step: None },
                    Vec::new(),
                    Facts::default(),
                );
            }
            match self.visit(&mut wait).await {
                Ok((findings, versions)) => {
                    let ready = findings.iter().all(|finding| finding.good);
                    let end = if ready {
                        HostEnd::Ready
                    } else {
                        HostEnd::NotReady
                    };
                    break (end, findings, versions);
                }
                Err(Cut::Over(end)) => break (end, Vec::new(), Facts::default()),
                Err(Cut::Link(error)) => {
                    if let Some(end) = self.given_up(&error) {
                        break (end, Vec::new(), Facts::default());
                    }
                    self.tell(HostNews::Waiting {
                        why: error.message,
                        elapsed: self.since(self.reached),
                    });
                    self.pause(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        };
        self.verdict(end, findings, versions)
    }

    fn verdict(self, end: HostEnd, findings: Vec<Finding>, versions: Facts) -> Verdict {
        let ready = end == HostEnd::Ready;
        self.tell(HostNews::Over {
            ready,
            how: in_words(&end, &findings),
            took: self.since(self.began),
        });
        Verdict {
            address: self.job.target.address.clone(),
            end,
            findings,
            done: self.finished(),
            facts: self.facts,
            wanted: self.job.wanted.steps.len(),
            answered: self.told_reached,
            ran: self.ran,
            versions,
        }
    }

    /// Nothing is begun on a system for which a step that is still to be done was not written.
    fn runs_here(&self) -> Result<(), Cut> {
        let (id, version) = (self.facts.get("os_id"), self.facts.get("os_version"));
        let steps = self.job.wanted.steps.iter().enumerate();
        let mut undone = steps.filter(|(at, _)| !self.done.contains_key(at));
        match undone.find(|(_, step)| !step.script.step.header.supports(id, version)) {
            None => Ok(()),
            Some((_, step)) => Err(Cut::Over(HostEnd::Strange(format!(
                "the step {} does not run on {id} {version}: it is for {}",
                step.name(),
                step.script.step.header.systems.join(", ")
            )))),
        }
    }

    /// The wanted steps that are done, in their order.
    pub(super) fn finished(&self) -> Vec<Finished> {
        self.done.values().cloned().collect()
    }

    /// Takes in what the host says of the wanted steps.
    pub(super) fn take_in(&mut self, steps: &[StepStatus]) {
        let wanted = self.job.wanted.steps.iter().enumerate();
        self.done = wanted
            .filter_map(|(at, step)| {
                let known = steps.iter().find(|known| {
                    known.name == step.name()
                        && known.digest == step.digest()
                        && known.state == StepState::Done
                })?;
                let finished = Finished {
                    step: known.name.clone(),
                    digest: known.digest.clone(),
                    at: known.ended,
                };
                Some((at, finished))
            })
            .collect();
    }

    /// Whether a connection that failed is the end of it.
    fn given_up(&self, error: &HostError) -> Option<HostEnd> {
        let message = error.message.clone();
        match error.kind {
            HostErrorKind::HostKey => Some(HostEnd::HostKey(message)),
            HostErrorKind::Strange => Some(HostEnd::Strange(message)),
            // A fresh machine answers before cloud-init has written its authorized keys.
            HostErrorKind::Refused if self.told_reached => Some(HostEnd::Refused(message)),
            _ if self.since(self.reached) < self.tending.patience => None,
            HostErrorKind::Refused => Some(HostEnd::Refused(message)),
            HostErrorKind::Unreachable | HostErrorKind::Silent => {
                Some(HostEnd::Unreachable(message))
            }
        }
    }

    /// Waits, unless the user asks to stop.
    pub(super) async fn pause(&self, duration: Duration) {
        tokio::select! {
            () = self.tending.clock.sleep(duration) => {}
            () = self.stop.asked() => {}
        }
    }

    /// One connection, until everything is done or it breaks.
    async fn visit(&mut self, wait: &mut Duration) -> Result<(Vec<Finding>, Facts), Cut> {
        let mut link = self.tending.hosts.connect(&self.job.target).await?;
        let link = link.as_mut();
        self.facts = self.facts(link).await?;
        self.reached = self.tending.clock.now();
        *wait = Duration::from_millis(500);
        let mut known = None;
        loop {
            if self.stop.is_asked() {
                return Err(Cut::Over(HostEnd::Interrupted { step: None }));
            }
            let fresh = known.is_none();
            let seen = match known.take() {
                Some(seen) => seen,
                None => self.stands(link).await?,
            };
            let turn = next(&self.job.wanted, &seen);
            if let Move::Put(at) | Move::Start(at) | Move::Stop(at) = turn {
                // Before anything is touched: another script in the place of what is done would undo that it is.
                self.secrets(at)?;
            }
            match turn {
                Move::Done if fresh => break,
                // It is measured by what the host says, not by what was told of single steps.
                Move::Done => {}
                Move::Put(at) => {
                    self.put(link, at).await?;
                    self.start(link, at, &seen).await?;
                    known = self.with(seen, at);
                }
                Move::Start(at) => {
                    self.start(link, at, &seen).await?;
                    known = self.with(seen, at);
                }
                Move::Follow(at) => {
                    self.follow(link, at, true).await?;
                    known = self.with(seen, at);
                }
                Move::Stop(at) => {
                    let step = self.step(at).name();
                    self.ask(link, &Command::Stop { step }).await?;
                }
                Move::WaitForOther => self.pause(OTHER).await,
                Move::Reboot(at) => return Err(self.reboot(link, at).await?),
            }
        }
        self.measure(link).await
    }

    /// Asks the host how its steps stand.
    async fn stands(&mut self, link: &mut dyn HostLink) -> Result<Seen, Cut> {
        let steps = self.ask(link, &Command::Status).await?;
        let seen = Seen {
            facts: self.facts.clone(),
            steps: StepStatus::parse(&steps),
        };
        self.reached = self.tending.clock.now();
        self.take_in(&seen.steps);
        self.tell_reached(link);
        self.runs_here()?;
        Ok(seen)
    }

    /// What was seen, and that this step is done by now; nothing if it is not, and the host has to be asked again.
    fn with(&mut self, mut seen: Seen, at: usize) -> Option<Seen> {
        self.done.get(&at)?;
        self.reached = self.tending.clock.now();
        let step = self.step(at);
        seen.steps.retain(|known| known.name != step.name());
        seen.steps.push(StepStatus {
            name: step.name().to_owned(),
            digest: step.digest().to_owned(),
            state: StepState::Done,
            code: Some(0),
            tries: 1,
            ended: None,
        });
        Some(seen)
    }

    pub(super) fn step(&self, at: usize) -> &'a WantedStep {
        &self.job.wanted.steps[at]
    }

    fn tell_reached(&mut self, link: &dyn HostLink) {
        if self.told_reached {
            return;
        }
        self.told_reached = true;
        self.tell(HostNews::Reached {
            system: self.facts.system(),
            first_use: link.trusted_on_first_use().map(ToOwned::to_owned),
            introduced: link.was_introduced(),
            steps: self.job.wanted.steps.len(),
            done: self.done.len(),
        });
    }

    /// What the host is; brings it the runner first if it has not this one.
    pub(super) async fn facts(&self, link: &mut dyn HostLink) -> Result<Facts, Cut> {
        let answer = link.run(&self.runner.look(), &[], SHORT).await?;
        if !answer.starts_with(b"have") {
            let install = self.runner.install();
            let answer = link.run(&install, RUNNER.as_bytes(), UPLOAD).await;
            match answer {
                Ok(answer) if answer.starts_with(b"installed") => {}
                Ok(answer) => {
                    let said = String::from_utf8_lossy(&answer).trim().to_owned();
                    return Err(broken(format!("the runner did not arrive whole: {said}")));
                }
                Err(error) if error.kind == HostErrorKind::Strange => {
                    return Err(Cut::Over(HostEnd::Refused(format!(
                        "{} may not become root without a password: {}",
                        self.job.target.user, error.message
                    ))));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let text = self.ask(link, &Command::Facts).await?;
        let facts = Facts::parse(&text);
        if facts.get("runner").is_empty() {
            return Err(strange(&text));
        }
        Ok(facts)
    }

    /// Asks the runner something short.
    pub(super) async fn ask(
        &self,
        link: &mut dyn HostLink,
        command: &Command<'_>,
    ) -> Result<String, Cut> {
        let line = self.runner.line(command);
        let answer = link.run(&line, &[], SHORT).await?;
        answered(&answer)
    }

    async fn put(&self, link: &mut dyn HostLink, at: usize) -> Result<(), Cut> {
        let step = self.step(at);
        let put = Command::Put {
            step: step.name(),
            digest: step.digest(),
        };
        let line = self.runner.line(&put);
        let script = step.script.text.as_bytes();
        answered(&link.run(&line, script, UPLOAD).await?).map(drop)
    }

    async fn start(&mut self, link: &mut dyn HostLink, at: usize, seen: &Seen) -> Result<(), Cut> {
        let step = self.step(at);
        let starts = self.starts.entry(step.name().to_owned()).or_default();
        let before = *starts;
        let known = seen
            .steps
            .iter()
            .find(|known| known.digest == step.digest());
        if before > 0
            && let Some(known) = known
            && known.state != StepState::Stored
        {
            if !again(known.state, before) {
                return Err(Cut::Over(self.failed(at, known.state, known.code)));
            }
            let wait = AGAIN * 2_u32.pow(before.min(5) - 1);
            self.tell(HostNews::Again {
                step: step.name().to_owned(),
                why: reason(known.state, &self.tail),
                wait,
            });
            self.pause(wait).await;
            if self.stop.is_asked() {
                return Ok(());
            }
        }
        let secrets = self.secrets(at)?;
        self.bring(link, at).await?;
        if self.stop.is_asked() {
            return Ok(());
        }
        *self.starts.entry(step.name().to_owned()).or_default() += 1;
        let start = Command::Start {
            step: step.name(),
            digest: step.digest(),
            timeout: step.script.step.header.timeout,
        };
        let line = self.runner.line(&start);
        let answer = answered(&link.run(&line, secrets.as_bytes(), SHORT).await?)?;
        if answer.starts_with("error busy") {
            return Ok(());
        }
        self.ran += 1;
        self.follow(link, at, false).await
    }

    /// The secrets of a step, as it is handed them; the end where one cannot be read.
    fn secrets(&self, at: usize) -> Result<String, Cut> {
        let step = self.step(at);
        match &step.secrets {
            Ok(secrets) => Ok(environment(secrets)),
            Err(why) => Err(Cut::Over(HostEnd::NoSecret {
                step: step.name().to_owned(),
                why: why.clone(),
            })),
        }
    }

    /// What a step's end means.
    pub(super) fn ended(&mut self, at: usize, end: End) -> Result<(), Cut> {
        let step = self.step(at);
        match end.state {
            StepState::Done => {
                // The host counts whole seconds; it may also have begun long before we looked.
                let took = Duration::from_secs(end.seconds).max(self.since(self.watching));
                self.tell(HostNews::StepDone {
                    step: step.name().to_owned(),
                    took,
                });
                let finished = Finished {
                    step: step.name().to_owned(),
                    digest: step.digest().to_owned(),
                    at: None,
                };
                self.done.insert(at, finished);
                Ok(())
            }
            // The next look decides, and `start` counts.
            StepState::Later | StepState::Interrupted | StepState::Reboot => Ok(()),
            state => Err(Cut::Over(self.failed(at, state, end.code))),
        }
    }

    pub(super) fn failed(&self, at: usize, state: StepState, code: Option<i32>) -> HostEnd {
        HostEnd::Failed {
            step: self.step(at).name().to_owned(),
            state,
            code,
            tail: self.tail.clone(),
        }
    }
}
