//! Looks for use now and then, and says what follows from it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::containers::Docker;
use super::machine::{Effect, Machine, Phase, Rules};
use super::places;
use super::processes::{self, Kernels};
use super::signal::{self, Measured, Signal, Signals};
use super::usage::Usage;
use crate::agent::condition::{Condition, Found};
use crate::agent::sample::look::Look;
use crate::model::{AgentAction, AgentConfig, AgentIdle, AgentIdleStatus, AgentReason};

/// How often the other signals are looked at: each look reads every process's title.
const EVERY: Duration = Duration::from_secs(15);

/// What watches for use.
#[derive(Debug)]
pub(crate) struct Watch {
    idle: AgentIdle,
    root: PathBuf,
    hold: PathBuf,
    usage: Usage,
    docker: Docker,
    kernels: Kernels,
    machine: Machine,
    signals: Signals,
    looked: Option<Duration>,
}

impl Watch {
    /// A machine counts as busy until it has been seen idle.
    pub(crate) fn new(config: &AgentConfig, idle: &AgentIdle) -> Self {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        Self {
            idle: idle.clone(),
            root: config.paths.root.clone(),
            hold: config.paths.hold.clone(),
            usage: Usage::default(),
            docker: Docker::new(&config.paths.root),
            kernels: Kernels::default(),
            machine: Machine::new(Rules {
                after: seconds(idle.for_s),
                warning: seconds(idle.warn_s),
                only_notify: idle.then == AgentAction::Notify,
            }),
            signals: Signals::new(),
            looked: None,
        }
    }

    /// Takes a look at the GPUs; looks at the rest if it is time to.
    pub(crate) async fn look(
        &mut self,
        look: &Look,
        now: Duration,
        wall: Timestamp,
    ) -> Option<Effect> {
        self.usage.take(look);
        let due = self
            .looked
            .is_none_or(|then| now.saturating_sub(then) >= EVERY);
        if !due {
            return None;
        }
        self.looked = Some(now);
        self.signals = self.all(now, wall).await;
        let busy = !signal::reasons(&self.signals).is_empty();
        self.machine.look(now, busy)
    }

    /// Every signal, now.
    pub(crate) async fn all(&mut self, now: Duration, wall: Timestamp) -> Signals {
        let idle = &self.idle;
        let mut signals = self
            .usage
            .signals(idle.gpu_below_percent, idle.cpu_below_percent);
        signals.insert(Signal::Hold, places::hold(&self.hold, wall));
        let listed = processes::list(&self.root).map_err(|error| format!("the processes: {error}"));
        let processes = listed.as_deref().unwrap_or_default();
        let known = |measured: Measured| match &listed {
            Ok(_) => measured,
            Err(why) => Measured::Unknown(why.clone()),
        };
        signals.insert(
            Signal::Login,
            known(processes::logins(&self.root, processes)),
        );
        signals.insert(
            Signal::Kernel,
            known(self.kernels.look(&self.root, processes, now)),
        );
        // Whether a step was touched lately is a matter of the files' own clock.
        signals.insert(
            Signal::Step,
            known(places::steps(&self.root, processes, Timestamp::now())),
        );
        signals.insert(Signal::Job, self.docker.jobs(processes, now).await);
        signals
    }

    /// What cannot be measured.
    pub(crate) fn found(&self) -> Vec<Found> {
        let unknown = self
            .signals
            .iter()
            .filter_map(|(signal, measured)| match measured {
                Measured::Unknown(why) => Some((signal, why)),
                _ => None,
            });
        unknown
            .map(|(signal, why)| {
                let condition = if *signal == Signal::Hold {
                    Condition::BadHold
                } else {
                    Condition::CannotTell
                };
                Found::new(condition, format!("{}: {why}", signal.name()))
            })
            .collect()
    }

    /// For how long the machine has been idle.
    pub(crate) fn idle_for(&self, now: Duration) -> Duration {
        self.machine.idle_for(now)
    }

    /// Where it stands, for people.
    pub(crate) fn status(&self, now: Duration) -> AgentIdleStatus {
        let busy = signal::reasons(&self.signals).into_iter();
        AgentIdleStatus {
            busy: busy
                .map(|(signal, why)| AgentReason {
                    signal: signal.name().to_owned(),
                    why,
                })
                .collect(),
            idle_s: self.machine.idle_for(now).as_secs(),
            after_s: u64::from(self.idle.for_s),
            ends_in_s: self.machine.left(now).map(|left| left.as_secs()),
            only_notify: self.idle.then == AgentAction::Notify,
            ending: matches!(self.machine.phase(), Phase::Ending { .. }),
        }
    }
}
