//! A step's log, read from its host.

use std::time::Duration;

use super::job::HostJob;
use crate::assets::runner_digest;
use crate::host::{Command, Frame, Frames, HOME, Runner, StepState, StepStatus};
use crate::port::{Flow, HostLink, Hosts};

const SHORT: Duration = Duration::from_secs(60);
/// How much of a log is asked for at once, in bytes.
const PORTION: u64 = 256 * 1024;

/// A connection that reads logs.
#[derive(Debug)]
pub struct StepLog {
    link: Box<dyn HostLink>,
    runner: Runner,
    steps: Vec<StepStatus>,
}

impl StepLog {
    /// Asks a host for what it knows of its steps. A host that was never bootstrapped knows nothing.
    pub async fn open(hosts: &dyn Hosts, job: &HostJob) -> Result<Self, String> {
        let mut link = hosts
            .connect(&job.target)
            .await
            .map_err(|error| error.to_string())?;
        let runner = Runner {
            digest: runner_digest(),
            home: HOME.to_owned(),
            root: link.is_root(),
        };
        let line = runner.line(&Command::Status);
        let answer = link.run(&line, &[], SHORT).await.map_err(|error| {
            format!("it has not been made ready by this roboinfra yet: {error}")
        })?;
        Ok(Self {
            steps: StepStatus::parse(&String::from_utf8_lossy(&answer)),
            link,
            runner,
        })
    }

    /// What the host knows of its steps.
    pub fn steps(&self) -> &[StepStatus] {
        &self.steps
    }

    /// The services of the host's stack, each with how it is: `healthy`, `unhealthy`, `starting`, or Docker's word.
    pub async fn services(&mut self) -> Vec<(String, String)> {
        let line = self.runner.line(&Command::Services);
        // A host without Docker has none, and one whose runner is older does not say.
        let answer = self.link.run(&line, &[], SHORT).await.unwrap_or_default();
        String::from_utf8_lossy(&answer)
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| is_service(name))
            .map(|(name, state)| (name.to_owned(), state.to_owned()))
            .collect()
    }

    /// What a service has said last, so many lines of it; with `follow` also what it goes on to say.
    pub async fn said(
        mut self,
        service: &str,
        (lines, follow): (u32, bool),
        silence: Duration,
        write: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), String> {
        if follow {
            let command = Command::Listen { service, lines };
            return self.frames(&command, silence, write).await;
        }
        let line = self.runner.line(&Command::Said { service, lines });
        let said = self.link.run(&line, &[], SHORT).await;
        let said = said.map_err(|error| error.to_string())?;
        if said.starts_with(b"error unknown ") {
            return Err(format!("{service} does not run any more"));
        }
        write(&said);
        Ok(())
    }

    /// Reads a step's log; with `follow` until the step ends.
    pub async fn read(
        mut self,
        step: &str,
        follow: bool,
        silence: Duration,
        write: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), String> {
        let Some(known) = self.steps.iter().find(|known| known.name == step) else {
            return Ok(());
        };
        if known.state == StepState::Stored {
            return Ok(());
        }
        let digest = known.digest.clone();
        if !follow {
            return self.snapshot(step, write).await;
        }
        let command = Command::Follow {
            step,
            digest: &digest,
            offset: 0,
        };
        self.frames(&command, silence, write).await
    }

    /// Writes what frames bring until the last of them.
    async fn frames(
        &mut self,
        command: &Command<'_>,
        silence: Duration,
        write: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), String> {
        let line = self.runner.line(command);
        let mut frames = Frames::default();
        let mut wrong = None;
        let mut taken = |bytes: &[u8]| {
            let frames = match frames.feed(bytes) {
                Ok(frames) => frames,
                Err(error) => {
                    wrong = Some(error.to_string());
                    return Flow::Enough;
                }
            };
            for frame in frames {
                match frame {
                    Frame::Log { bytes, .. } => write(&bytes),
                    Frame::End(_) => return Flow::Enough,
                    Frame::Refused(said) => {
                        wrong = Some(said);
                        return Flow::Enough;
                    }
                    Frame::Beat => {}
                }
            }
            Flow::More
        };
        let result = self.link.stream(&line, silence, &mut taken).await;
        match wrong {
            Some(wrong) => Err(wrong),
            None => result.map_err(|error| error.to_string()),
        }
    }

    /// What there is of a log now.
    async fn snapshot(
        &mut self,
        step: &str,
        write: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), String> {
        let mut offset = 0;
        loop {
            let command = Command::Log {
                step,
                offset,
                length: PORTION,
            };
            let line = self.runner.line(&command);
            let part = self
                .link
                .run(&line, &[], SHORT)
                .await
                .map_err(|error| error.to_string())?;
            write(&part);
            let length = u64::try_from(part.len()).unwrap_or(PORTION);
            if length < PORTION {
                return Ok(());
            }
            offset += length;
        }
    }
}

/// A service's name as Compose has it, of those that are shipped: nothing in it means anything to a shell.
fn is_service(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
