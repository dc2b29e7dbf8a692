//! One connection as the engine sees it, and the thread that serves it.

use std::sync::mpsc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc as queue, oneshot};

use super::login::{First, Line, log_in};
use super::marks::Marks;
use super::pins::Pins;
use super::session::{Patience, run};
use crate::port::{Flow, HostError, HostErrorKind, HostLink, HostTarget, Taken};

/// Portions of output that may wait for their reader; then the thread waits, and so does the host.
const WAITING: usize = 64;

/// A command for the thread.
struct Job {
    command: String,
    input: Vec<u8>,
    patience: Patience,
    output: queue::Sender<Vec<u8>>,
    /// What came on stderr, once it is over.
    over: oneshot::Sender<Result<String, HostError>>,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Link {
    jobs: mpsc::Sender<Job>,
    root: bool,
    first: First,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The input may hold secrets.
        f.debug_struct("Job")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// Logs in, reports, and serves commands until the link is dropped.
    pub(super) fn serve(
        target: &HostTarget,
        pins: &Pins,
        opened: oneshot::Sender<Result<Self, HostError>>,
    ) {
        let (line, first) = match log_in(target, pins) {
            Ok(open) => open,
            Err(error) => {
                let _ = opened.send(Err(error));
                return;
            }
        };
        let (jobs, queue) = mpsc::channel::<Job>();
        let link = Self {
            jobs,
            root: target.user == "root",
            first,
        };
        if opened.send(Ok(link)).is_ok() {
            for job in queue {
                if !Self::work(&line, job) {
                    break;
                }
            }
        }
    }

    /// Runs one command; says whether the session is still of use.
    fn work(line: &Line, job: Job) -> bool {
        let mut enough = false;
        let mut taken = |bytes: &[u8]| {
            // A reader that has gone away has had enough.
            if job.output.blocking_send(bytes.to_vec()).is_ok() {
                Flow::More
            } else {
                enough = true;
                Flow::Enough
            }
        };
        let result = run(line, &job.command, &job.input, job.patience, &mut taken);
        let usable = result.is_ok() && !enough;
        let _ = job.over.send(result);
        usable
    }

    async fn ask(
        &mut self,
        command: &str,
        input: &[u8],
        patience: Patience,
        taken: &mut Taken<'_>,
    ) -> Result<String, HostError> {
        let (output, mut portions) = queue::channel(WAITING);
        let (over, ended) = oneshot::channel();
        let job = Job {
            command: command.to_owned(),
            input: input.to_vec(),
            patience,
            output,
            over,
        };
        let closed = || HostError::new(HostErrorKind::Unreachable, "the SSH connection is closed");
        self.jobs.send(job).map_err(|_| closed())?;
        while let Some(portion) = portions.recv().await {
            if taken(&portion) == Flow::Enough {
                return Ok(String::new());
            }
        }
        ended.await.map_err(|_| closed())?
    }
}

#[async_trait]
impl HostLink for Link {
    fn is_root(&self) -> bool {
        self.root
    }

    fn trusted_on_first_use(&self) -> Option<&str> {
        match &self.first {
            First::Trusted(shown) => Some(shown),
            First::Introduced | First::Known => None,
        }
    }

    fn was_introduced(&self) -> bool {
        self.first == First::Introduced
    }

    async fn run(
        &mut self,
        command: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, HostError> {
        let marks = Marks::new()?;
        let command = marks.around(command);
        let mut output = Vec::new();
        let mut keep = |bytes: &[u8]| {
            output.extend_from_slice(bytes);
            Flow::More
        };
        let errors = self
            .ask(&command, input, Patience::InAll(limit), &mut keep)
            .await?;
        let errors = marks.said(&errors);
        let Some(output) = marks.between(&output) else {
            let said = errors.lines().next().unwrap_or("its output was cut");
            return Err(HostError::new(
                HostErrorKind::Unreachable,
                format!("the command did not come to its end: {said}"),
            ));
        };
        if output.is_empty() && !errors.trim().is_empty() {
            // Nothing but complaints: the caller cannot make sense of an empty answer, but of these.
            return Err(HostError::new(
                HostErrorKind::Strange,
                errors.lines().take(3).collect::<Vec<_>>().join(" · "),
            ));
        }
        Ok(output.to_vec())
    }

    async fn stream(
        &mut self,
        command: &str,
        silence: Duration,
        taken: &mut Taken<'_>,
    ) -> Result<(), HostError> {
        let marks = Marks::new()?;
        let command = marks.before(command);
        let mut skip = marks.skip();
        let mut after = |bytes: &[u8]| match skip.past(bytes) {
            [] => Flow::More,
            bytes => taken(bytes),
        };
        self.ask(&command, &[], Patience::Silence(silence), &mut after)
            .await
            .map(drop)
    }
}
