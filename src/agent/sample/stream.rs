//! A program that prints a line now and then and does not end, such as `tegrastats`.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long until one that has ended is started again.
const RESTART: Duration = Duration::from_secs(60);

/// The longest line that is kept.
const LIMIT: usize = 16 * 1024;

/// The newest line, and how many there were.
type Line = Arc<Mutex<(u64, String)>>;

/// The program and what it said last.
#[derive(Debug)]
pub(crate) struct Stream {
    path: PathBuf,
    arguments: Vec<String>,
    running: Option<Child>,
    line: Line,
    start_at: Duration,
    why_not: String,
}

impl Stream {
    pub(crate) fn new(path: PathBuf, arguments: Vec<String>) -> Self {
        Self {
            path,
            arguments,
            running: None,
            line: Line::default(),
            start_at: Duration::ZERO,
            why_not: String::new(),
        }
    }

    /// Its newest line with its number, 0 if there is none yet; it is started if it does not run.
    pub(crate) fn latest(&mut self, now: Duration) -> Result<(u64, String), String> {
        let ended = self
            .running
            .as_mut()
            .and_then(|child| child.try_wait().ok());
        if let Some(Some(status)) = ended {
            self.running = None;
            self.start_at = now + RESTART;
            self.why_not = format!("it ended: {status}");
        }
        if self.running.is_none() {
            if now < self.start_at {
                return Err(self.why_not.clone());
            }
            self.start(now)?;
        }
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(line.clone())
    }

    fn start(&mut self, now: Duration) -> Result<(), String> {
        let spawned = Command::new(&self.path)
            .args(&self.arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.map_err(|error| {
            self.start_at = now + RESTART;
            self.why_not = error.to_string();
            error.to_string()
        })?;
        if let Some(out) = child.stdout.take() {
            let newest = Arc::clone(&self.line);
            thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
                    newest.0 += 1;
                    newest.1 = line.chars().take(LIMIT).collect();
                }
            });
        }
        self.running = Some(child);
        Ok(())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_is_started_again_after_a_while() {
        let arguments = vec!["-c".to_owned(), "exit 3".to_owned()];
        let mut stream = Stream::new("/bin/sh".into(), arguments);
        let mut now = Duration::ZERO;
        let mut ended = stream.latest(now);
        for _ in 0..500 {
            if ended.is_err() {
                break;
            }
            thread::park_timeout(Duration::from_millis(10));
            ended = stream.latest(now);
        }
        let why = ended.expect_err("it ended");
        assert!(why.contains('3'), "{why}");
        now += RESTART;
        assert!(stream.latest(now).is_ok(), "it is started again");
    }

    #[test]
    fn one_that_is_not_there_is_said() {
        let mut stream = Stream::new("/no/such/program".into(), Vec::new());
        assert!(stream.latest(Duration::ZERO).is_err());
        assert!(stream.latest(Duration::from_secs(1)).is_err());
    }
}
