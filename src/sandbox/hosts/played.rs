//! One played host: its runner, its steps, its boots. Plain values; the time is an input.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::AgentConfig;
use crate::sandbox::scenario::{Ending, HostPlot, StepPlot};

/// A played host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Played {
    /// Where its runner lies.
    pub(super) runner: Option<String>,
    /// How often it has booted.
    pub(super) boots: u32,
    /// When it answers, after a reboot.
    pub(super) up_at: Option<Timestamp>,
    /// Whether its host key is pinned.
    #[serde(default)]
    pub(super) is_pinned: bool,
    /// Its steps.
    pub(super) steps: BTreeMap<String, PlayedStep>,
    /// How much of each file is there, by digest; nothing says that it is whole.
    #[serde(default)]
    pub(super) files: BTreeMap<String, Option<u64>>,
    /// The hold's text.
    #[serde(default)]
    pub(super) hold: Option<String>,
}

/// A played step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlayedStep {
    pub(super) digest: String,
    pub(super) tries: u32,
    /// The last try.
    pub(super) run: Option<PlayedRun>,
    /// What `bash -n` said of the script.
    pub(super) syntax: String,
    /// The services that the script says it starts.
    #[serde(default)]
    pub(super) services: Vec<String>,
    /// The file that the script gives the agent.
    #[serde(default)]
    pub(super) agent: Option<String>,
}

/// A try of a step: it ends by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlayedRun {
    pub(super) started: Timestamp,
    pub(super) ends: Timestamp,
    pub(super) boot: u32,
    pub(super) state: String,
    pub(super) code: i32,
    /// The log of all tries.
    pub(super) log: String,
}

/// How what bash says of a script begins where it is none.
pub(super) const REFUSED: &str = "bash refuses the script";

impl Played {
    /// A script arrives.
    pub(super) fn put(
        &mut self,
        step: &str,
        digest: &str,
        (syntax, services, agent): (String, Vec<String>, Option<String>),
    ) {
        let same = self
            .steps
            .get(step)
            .is_some_and(|known| known.digest == digest);
        if !same {
            let stored = PlayedStep {
                digest: digest.to_owned(),
                tries: 0,
                run: None,
                syntax,
                services,
                agent,
            };
            self.steps.insert(step.to_owned(), stored);
        }
    }

    /// How a step stands at `now`: its state, exit code and duration.
    pub(super) fn state(&self, step: &PlayedStep, now: Timestamp) -> (String, Option<i32>) {
        match &step.run {
            None => ("stored".to_owned(), None),
            Some(run) if run.ends > now && run.boot == self.boots => ("running".to_owned(), None),
            Some(run) if run.ends > now => ("interrupted".to_owned(), None),
            // After the reboot that it asked for, it is checked again.
            Some(run) if run.state == "reboot" && run.boot != self.boots => {
                ("stored".to_owned(), None)
            }
            Some(run) => (run.state.clone(), Some(run.code)),
        }
    }

    /// Starts a step, or says why not.
    pub(super) fn start(
        &mut self,
        host: &str,
        (step, digest): (&str, &str),
        (plot, rules): (&HostPlot, &[StepPlot]),
        now: Timestamp,
    ) -> String {
        let busy = self
            .steps
            .iter()
            .find(|(name, other)| *name != step && self.state(other, now).0 == "running");
        if let Some((other, _)) = busy {
            return format!("error busy {other}\n");
        }
        let (boots, state) = match self.steps.get(step) {
            Some(known) if known.digest == digest => (self.boots, self.state(known, now).0),
            _ => return format!("error unknown {step}\n"),
        };
        if state == "running" || state == "done" {
            return format!("{state} {step} {digest}\n");
        }
        let known = self.steps.get_mut(step).expect("it was just found");
        known.tries += 1;
        let rule = rules.iter().find(|rule| rule.fits(host, step, known.tries));
        let (state, code) = match rule.map(|rule| rule.ends) {
            // On a host it would get no further than that either.
            None if known.syntax.starts_with(REFUSED) => ("failed", 1),
            None => ("done", 0),
            Some(Ending::Failed) => ("failed", 1),
            Some(Ending::Later) => ("later", 75),
            Some(Ending::Reboot) => ("reboot", 100),
            Some(Ending::Timeout) => ("timeout", 124),
        };
        let before = known.run.as_ref().map_or("", |run| run.log.as_str());
        let says = rule.map_or("", |rule| rule.says.as_str());
        let mut log = format!(
            "{before}=== try {} at {now}\nsimulated: the sandbox runs nothing; {}\n",
            known.tries, known.syntax
        );
        if !says.is_empty() {
            log.push_str(says);
            log.push('\n');
        }
        log.push_str(&format!("simulated: the step ends as {state}\n"));
        known.run = Some(PlayedRun {
            started: now,
            ends: now + plot.step,
            boot: boots,
            state: state.to_owned(),
            code,
            log,
        });
        format!("started {step} {digest}\n")
    }

    /// A piece of a file arrives, or none: how much is there.
    pub(super) fn file(&mut self, digest: &str, piece: Option<(u64, u64, u64)>) -> String {
        let have = self.files.get(digest).copied().unwrap_or(Some(0));
        let have = match (have, piece) {
            (Some(have), Some((size, at, length))) if have == at => {
                Some(have + length).filter(|have| *have < size)
            }
            (have, _) => have,
        };
        if piece.is_some() {
            self.files.insert(digest.to_owned(), have);
        }
        match have {
            None => format!("have {digest}\n"),
            Some(bytes) => format!("part {digest} {bytes}\n"),
        }
    }

    /// Reboots; what runs is interrupted.
    pub(super) fn reboot(&mut self, boot: Duration, now: Timestamp) {
        self.boots += 1;
        self.up_at = Some(now + boot);
    }

    /// The steps that are done.
    pub(super) fn done(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .filter(move |(_, step)| self.state(step, now).0 == "done")
            .map(|(name, _)| name.as_str())
    }

    /// The services that run, all healthy: those of the steps that are done.
    pub(super) fn services(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        self.steps
            .values()
            .filter(move |step| self.state(step, now).0 == "done")
            .flat_map(|step| step.services.iter().map(String::as_str))
    }

    /// What the agent was told, and since when it runs.
    pub(super) fn agent(&self, now: Timestamp) -> Option<(AgentConfig, Timestamp)> {
        let done = |step: &&PlayedStep| self.state(step, now).0 == "done";
        let step = self
            .steps
            .values()
            .filter(done)
            .find(|step| step.agent.is_some())?;
        let config = toml::from_str(step.agent.as_deref()?).ok()?;
        Some((config, step.run.as_ref()?.ends))
    }

    /// The answer to `status`.
    pub(super) fn status(&self, now: Timestamp) -> String {
        self.steps
            .iter()
            .map(|(name, step)| {
                let (state, code) = self.state(step, now);
                let code = code.map_or_else(String::new, |code| code.to_string());
                format!(
                    "step {name} {} {state} rc={code} tries={}\n",
                    step.digest, step.tries
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).expect("a time")
    }

    fn started(rules: &[StepPlot]) -> Played {
        let plot = HostPlot {
            step: Duration::from_secs(10),
            ..HostPlot::default()
        };
        let mut host = Played::default();
        host.put(
            "base",
            "d1",
            ("bash accepts it".to_owned(), Vec::new(), None),
        );
        assert_eq!(
            host.start("i-1", ("base", "d1"), (&plot, rules), at(0)),
            "started base d1\n"
        );
        host
    }

    fn state(host: &Played, seconds: i64) -> String {
        host.state(&host.steps["base"], at(seconds)).0
    }

    #[test]
    fn a_step_ends_by_the_clock() {
        let mut host = started(&[]);
        assert_eq!(
            (state(&host, 9), state(&host, 10)),
            ("running".to_owned(), "done".to_owned())
        );
        host.put(
            "docker",
            "d2",
            (String::new(), vec!["redis".to_owned()], None),
        );
        let plot = HostPlot::default();
        assert_eq!(
            host.start("i-1", ("docker", "d2"), (&plot, &[]), at(5)),
            "error busy base\n"
        );
        assert_eq!(
            host.start("i-1", ("base", "d1"), (&plot, &[]), at(50)),
            "done base d1\n"
        );
        assert_eq!(
            host.start("i-1", ("base", "d9"), (&plot, &[]), at(50)),
            "error unknown base\n"
        );
        assert_eq!(host.done(at(50)).collect::<Vec<_>>(), ["base"]);
        assert_eq!(host.services(at(50)).count(), 0);
        host.start("i-1", ("docker", "d2"), (&plot, &[]), at(50));
        assert_eq!(host.services(at(60)).collect::<Vec<_>>(), ["redis"]);
    }

    #[test]
    fn a_file_arrives_in_pieces() {
        let mut host = Played::default();
        assert_eq!(host.file("f", None), "part f 0\n");
        assert_eq!(host.file("f", Some((30, 0, 20))), "part f 20\n");
        assert_eq!(host.file("f", Some((30, 0, 20))), "part f 20\n");
        assert_eq!(host.file("f", Some((30, 20, 10))), "have f\n");
        assert_eq!(host.file("f", None), "have f\n");
    }

    #[test]
    fn a_reboot_interrupts_and_settles() {
        let mut host = started(&[]);
        host.reboot(Duration::from_secs(1), at(5));
        assert_eq!(state(&host, 6), "interrupted");
        let rule = StepPlot {
            step: "b*".to_owned(),
            host: "*".to_owned(),
            ends: Ending::Reboot,
            tries: Some(1),
            says: "needs it".to_owned(),
        };
        let mut host = started(&[rule]);
        assert_eq!(state(&host, 11), "reboot");
        host.reboot(Duration::from_secs(1), at(12));
        assert_eq!(state(&host, 14), "stored");
        assert!(
            host.steps["base"]
                .run
                .as_ref()
                .is_some_and(|run| run.log.contains("needs it"))
        );
    }
}
