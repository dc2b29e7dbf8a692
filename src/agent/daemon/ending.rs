//! Idleness and the lease: has them looked at, and carries out what follows.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::voice::Voice;
use crate::agent::clock::Clock;
use crate::agent::condition::{Condition, Finder, Found};
use crate::agent::files::{self, Lasting};
use crate::agent::idle::lease::{self, Lease};
use crate::agent::idle::machine;
use crate::agent::idle::watch::Watch;
use crate::agent::journal::Weight;
use crate::agent::power;
use crate::agent::sample::look::Look;
use crate::model::{AgentConfig, AgentIdleStatus, AgentLeaseStatus};

/// How often the lease is written down: so much of it is forgiven when the power is cut.
const NOTE_LEASE: Duration = Duration::from_secs(60);

/// What may end the machine.
#[derive(Debug)]
pub(crate) struct Ending {
    watch: Option<Watch>,
    lease: Option<Lease>,
    lease_file: PathBuf,
    noted: Option<Duration>,
    root: PathBuf,
    programs: Option<PathBuf>,
    /// Why the last shutdown that was asked for did not come about.
    failures: mpsc::Receiver<String>,
    fail: mpsc::Sender<String>,
    still_on: Option<String>,
}

impl Ending {
    /// Goes on with the lease that was written down.
    pub(crate) fn start(config: &AgentConfig, clock: &Clock) -> Self {
        let lease_file = config.paths.state.join("lease.json");
        let record = std::fs::read(&lease_file).ok();
        let record = record.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let lease = config.lease.as_ref().map(|lease| {
            let warning = u64::from(lease.warn_s);
            Lease::begin(lease.ttl_s, warning, record.as_ref(), &clock.clocks())
        });
        let (fail, failures) = mpsc::channel();
        Self {
            watch: config.idle.as_ref().map(|idle| Watch::new(config, idle)),
            lease,
            lease_file,
            noted: None,
            root: config.paths.root.clone(),
            programs: config.paths.programs.clone(),
            failures,
            fail,
            still_on: None,
        }
    }

    /// Takes one look; whether the machine was told to shut down.
    pub(crate) async fn look(&mut self, look: &Look, clock: &Clock, voice: &mut Voice) -> bool {
        let mut ends = false;
        let mut found: Vec<Found> = Vec::new();
        if let Some(watch) = &mut self.watch {
            let effect = watch.look(look, clock.now(), clock.wall()).await;
            found.extend(watch.found());
            if let Some(effect) = effect {
                ends |= self.idle(effect, voice);
            }
        }
        let uptime = clock.uptime().as_secs();
        if let Some(effect) = self.lease.as_mut().and_then(|lease| lease.look(uptime)) {
            ends |= self.lease(effect, voice);
        }
        self.note_lease(clock, ends);
        while let Ok(why) = self.failures.try_recv() {
            self.still_on = Some(why);
        }
        if let Some(why) = &self.still_on {
            found.push(Found::new(Condition::StillOn, why.clone()));
        }
        voice.look(Finder::Idle, &found);
        ends
    }

    fn idle(&mut self, effect: machine::Effect, voice: &Voice) -> bool {
        match effect {
            machine::Effect::Warn { left } => {
                let line = format!(
                    "this machine is idle and will shut down in {}",
                    minutes(left)
                );
                self.tell(voice, Weight::Warning, "idle-warning", &line);
                false
            }
            machine::Effect::TakeBack => {
                let line = "this machine is in use again and stays on";
                self.tell(voice, Weight::Notice, "idle-over", line);
                false
            }
            machine::Effect::Notify { idle } => {
                let line = format!("this machine has been idle for {}", minutes(idle));
                voice.say(Weight::Warning, "idle", &line);
                false
            }
            machine::Effect::End { idle, again } => {
                let line = format!(
                    "this machine has been idle for {} and shuts down",
                    minutes(idle)
                );
                self.shut_down(voice, "idle-end", &line, again);
                true
            }
        }
    }

    fn lease(&mut self, effect: lease::Effect, voice: &Voice) -> bool {
        match effect {
            lease::Effect::Warn { left } => {
                let line = format!(
                    "this machine's lease ends in {}: it will shut down",
                    minutes(left)
                );
                self.tell(voice, Weight::Warning, "lease-warning", &line);
                false
            }
            lease::Effect::End { again } => {
                self.shut_down(
                    voice,
                    "lease-end",
                    "this machine's lease has ended: it shuts down",
                    again,
                );
                true
            }
        }
    }

    fn tell(&self, voice: &Voice, weight: Weight, event: &str, line: &str) {
        voice.say(weight, event, line);
        power::tell_everybody(&self.root, line);
    }

    /// Asks for it on a thread: whoever is asked may take its time.
    fn shut_down(&mut self, voice: &Voice, event: &str, line: &str, again: bool) {
        self.tell(voice, Weight::Error, event, line);
        if again {
            self.still_on = Some("it was told to shut down minutes ago".to_owned());
        }
        let fail = self.fail.clone();
        let programs = self.programs.clone();
        thread::spawn(move || {
            if let Err(why) = power::shut_down(programs.as_deref()) {
                // Nobody listens when the daemon has ended.
                let _ = fail.send(why);
            }
        });
    }

    fn note_lease(&mut self, clock: &Clock, now: bool) {
        let Some(lease) = &self.lease else {
            return;
        };
        let at = clock.now();
        let due = self
            .noted
            .is_none_or(|then| at.saturating_sub(then) >= NOTE_LEASE);
        if !due && !now {
            return;
        }
        self.noted = Some(at);
        let record = lease.record(&clock.clocks());
        // A lease that cannot be written down is at worst forgiven by a reboot.
        let written = serde_json::to_vec(&record)
            .map_err(std::io::Error::other)
            .and_then(|bytes| files::replace(&self.lease_file, &bytes, Lasting::Synced));
        drop(written);
    }

    /// For how long the machine has been idle, in seconds.
    pub(crate) fn idle_s(&self, clock: &Clock) -> Option<u64> {
        let watch = self.watch.as_ref()?;
        Some(watch.idle_for(clock.now()).as_secs())
    }

    /// Where it stands, for people.
    pub(crate) fn status(
        &self,
        clock: &Clock,
    ) -> (Option<AgentIdleStatus>, Option<AgentLeaseStatus>) {
        let idle = self.watch.as_ref().map(|watch| watch.status(clock.now()));
        let lease = self.lease.as_ref().map(|lease| AgentLeaseStatus {
            left_s: lease.left(clock.uptime().as_secs()).as_secs(),
        });
        (idle, lease)
    }

    /// Writes the lease down when the daemon ends.
    pub(crate) fn finish(&mut self, clock: &Clock) {
        self.note_lease(clock, true);
    }
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_for_people() {
        for (seconds, text) in [(5, "5 s"), (300, "5 min"), (2705, "45 min 5 s")] {
            assert_eq!(minutes(Duration::from_secs(seconds)), text);
        }
    }
}
