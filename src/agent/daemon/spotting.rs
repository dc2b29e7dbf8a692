//! Heeds notices of the spot market: each once, with the hook that the lab has for it.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use super::voice::Voice;
use crate::agent::clock::Clock;
use crate::agent::condition::{Condition, Finder, Found};
use crate::agent::files::{self, Lasting};
use crate::agent::journal::Weight;
use crate::agent::power;
use crate::agent::spot::hook::Hooks;
use crate::agent::spot::metadata::Metadata;
use crate::agent::spot::notice::{Heeded, Kind, Notice};
use crate::agent::spot::poll::{self, Round};
use crate::model::{AgentConfig, AgentNotice, AgentSpot};

/// What becomes of a hook.
type Hooked = (Notice, Result<String, String>);

/// Something to take note of.
#[derive(Debug)]
pub(crate) enum News {
    /// The metadata service says something else than before.
    Round(Round),
    /// A hook has ended.
    Hooked(Hooked),
}

/// The spot market's side of the daemon.
#[derive(Debug)]
pub(crate) struct Spotting {
    spot: AgentSpot,
    hooks: Hooks,
    rounds: mpsc::Receiver<Round>,
    hooked: mpsc::Receiver<Hooked>,
    tell_hooked: mpsc::Sender<Hooked>,
    heeded: Heeded,
    heeded_file: PathBuf,
    round_found: Vec<Found>,
    hook_found: Vec<Found>,
    notice: Option<AgentNotice>,
}

impl Spotting {
    /// Starts asking.
    pub(crate) fn start(
        config: &AgentConfig,
        spot: &AgentSpot,
        metadata: Metadata,
        clock: &Clock,
    ) -> Self {
        let heeded_file = config.paths.state.join("notices.json");
        let heeded = std::fs::read(&heeded_file).ok();
        let every = Duration::from_secs(u64::from(spot.poll_s));
        let (tell_hooked, hooked) = mpsc::channel(4);
        Self {
            spot: spot.clone(),
            hooks: Hooks {
                root: config.paths.root.clone(),
                programs: config.paths.programs.clone(),
            },
            rounds: poll::start(metadata, clock.clone(), every),
            hooked,
            tell_hooked,
            heeded: heeded
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default(),
            heeded_file,
            round_found: Vec::new(),
            hook_found: Vec::new(),
            notice: None,
        }
    }

    /// Waits for something to take note of.
    pub(crate) async fn news(&mut self) -> News {
        tokio::select! {
            Some(round) = self.rounds.recv() => News::Round(round),
            Some(hooked) = self.hooked.recv() => News::Hooked(hooked),
            else => std::future::pending().await,
        }
    }

    /// Takes note; how many notices are new.
    pub(crate) fn take(&mut self, news: News, clock: &Clock, voice: &mut Voice) -> u64 {
        let mut new = 0;
        match news {
            News::Round(round) => {
                for notice in &round.notices {
                    if self.heeded.note(notice) {
                        self.heed(notice, clock, voice);
                        new += 1;
                    }
                }
                self.round_found = round.found;
            }
            News::Hooked((notice, result)) => self.hook_ended(&notice, result, voice),
        }
        let found: Vec<Found> = self
            .round_found
            .iter()
            .chain(&self.hook_found)
            .cloned()
            .collect();
        voice.look(Finder::Spot, &found);
        new
    }

    fn heed(&mut self, notice: &Notice, clock: &Clock, voice: &Voice) {
        // Before the hook is run: it is run once, also if the daemon is killed in the middle of it.
        let written = serde_json::to_vec(&self.heeded)
            .map_err(std::io::Error::other)
            .and_then(|bytes| files::replace(&self.heeded_file, &bytes, Lasting::Synced));
        if let Err(error) = written {
            let message = format!("{} cannot be written: {error}", self.heeded_file.display());
            voice.say(Weight::Warning, "state", &message);
        }
        let action = notice.kind.name();
        let line = match notice.kind {
            Kind::Rebalance => {
                "AWS may take this spot machine away soon: save your work".to_owned()
            }
            _ => format!(
                "AWS takes this spot machine away ({action}) at {}",
                notice.time
            ),
        };
        let fields = [("action", action), ("time", notice.time.as_str())];
        voice
            .journal
            .say(Weight::Error, "spot-notice", &line, &fields);
        power::tell_everybody(&self.hooks.root, &line);
        let hook = match notice.kind {
            Kind::Rebalance => self.spot.rebalance_hook.clone(),
            _ => self.spot.interruption_hook.clone(),
        };
        self.notice = Some(AgentNotice {
            action: action.to_owned(),
            time: notice.time.clone(),
            hook: hook.as_ref().map_or("", |_| "running").to_owned(),
        });
        let Some(hook) = hook else {
            return;
        };
        let (hooks, tell) = (self.hooks.clone(), self.tell_hooked.clone());
        let (notice, left) = (notice.clone(), notice.left(clock.wall()));
        thread::spawn(move || {
            let result = hooks.run(&hook, &notice, left);
            // Nobody listens when the daemon has ended.
            let _ = tell.blocking_send((notice, result));
        });
    }

    fn hook_ended(&mut self, notice: &Notice, result: Result<String, String>, voice: &Voice) {
        let action = notice.kind.name();
        self.hook_found.clear();
        let words = match result {
            Ok(words) => {
                let line = format!("the hook for {action} has ended");
                voice.say(Weight::Notice, "hook-done", &line);
                words
            }
            Err(why) => {
                let detail = format!("the hook for {action}: {why}");
                self.hook_found
                    .push(Found::new(Condition::HookFailed, detail));
                why
            }
        };
        let told = self.notice.as_mut().filter(|told| told.action == action);
        if let Some(told) = told {
            told.hook = words;
        }
    }

    /// What the spot market said last.
    pub(crate) fn notice(&self) -> Option<AgentNotice> {
        self.notice.clone()
    }
}
