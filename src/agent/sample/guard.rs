//! Keeps a driver that hangs away from the rest: whoever asks the GPUs does so on a thread of its own, and is given up
//! after a while. It is never asked twice at once, so a hang costs one thread.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc as answers;
use tokio::time::timeout;

use super::reading::GpuSample;
use super::source::GpuSource;
use crate::agent::condition::{Condition, Found};

/// After so long without an answer the driver is said to hang.
const HANGS_AFTER: Duration = Duration::from_secs(20);

/// A source behind a thread.
#[derive(Debug)]
pub(crate) struct Guarded {
    ask: mpsc::SyncSender<Duration>,
    answers: answers::Receiver<Option<GpuSample>>,
    /// When the question that is not answered yet was asked.
    asked: Option<Duration>,
    dead: bool,
}

impl Guarded {
    /// Starts the thread.
    pub(crate) fn start(mut source: Box<dyn GpuSource>) -> Self {
        let (ask, questions) = mpsc::sync_channel::<Duration>(1);
        let (sender, answers) = answers::channel(1);
        let started = thread::Builder::new()
            .name("gpu".to_owned())
            .spawn(move || {
                while let Ok(now) = questions.recv() {
                    if sender.blocking_send(source.sample(now)).is_err() {
                        break;
                    }
                }
            });
        Self {
            ask,
            answers,
            asked: None,
            dead: started.is_err(),
        }
    }

    /// One look that takes no longer than `patience`; nothing, if there is no new answer. `now` is any clock that only
    /// goes forward.
    pub(crate) async fn sample(&mut self, now: Duration, patience: Duration) -> Option<GpuSample> {
        if self.asked.is_none() && !self.dead {
            self.dead = self.ask.try_send(now).is_err();
            self.asked = Some(now);
        }
        if self.dead {
            let found = Found::new(
                Condition::DriverHangs,
                "the thread that asks the GPUs has ended",
            );
            return Some(GpuSample::nothing(vec![found]));
        }
        match timeout(patience, self.answers.recv()).await {
            Ok(Some(answer)) => {
                self.asked = None;
                answer
            }
            Ok(None) => {
                self.dead = true;
                None
            }
            Err(_) => {
                let waited = now.saturating_sub(self.asked.unwrap_or(now));
                (waited >= HANGS_AFTER).then(|| {
                    let detail = format!("no answer for {} s", waited.as_secs());
                    GpuSample::nothing(vec![Found::new(Condition::DriverHangs, detail)])
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers when it is told to.
    struct Told(mpsc::Receiver<()>);

    impl GpuSource for Told {
        fn sample(&mut self, _now: Duration) -> Option<GpuSample> {
            self.0.recv().expect("the test speaks");
            Some(GpuSample::nothing(Vec::new()))
        }
    }

    #[tokio::test]
    async fn a_hang_is_said_after_a_while_and_over_with_the_answer() {
        let (tell, told) = mpsc::channel();
        let mut guarded = Guarded::start(Box::new(Told(told)));
        let short = Duration::from_millis(20);
        assert_eq!(guarded.sample(Duration::from_secs(100), short).await, None);
        assert_eq!(guarded.sample(Duration::from_secs(105), short).await, None);
        let hang = guarded.sample(Duration::from_secs(121), short).await;
        let hang = hang.expect("it is said");
        assert_eq!(hang.found[0].condition, Condition::DriverHangs);
        tell.send(()).expect("the thread listens");
        let long = Duration::from_secs(20);
        let answer = guarded.sample(Duration::from_secs(125), long).await;
        assert_eq!(answer, Some(GpuSample::nothing(Vec::new())));
        tell.send(()).expect("the thread listens");
        assert!(
            guarded
                .sample(Duration::from_secs(130), long)
                .await
                .is_some()
        );
    }

    #[tokio::test]
    async fn a_thread_that_ended_is_said() {
        let (tell, told) = mpsc::channel();
        let mut guarded = Guarded::start(Box::new(Told(told)));
        drop(tell);
        let patience = Duration::from_secs(20);
        assert_eq!(guarded.sample(Duration::ZERO, patience).await, None);
        let sample = guarded
            .sample(Duration::ZERO, patience)
            .await
            .expect("it is said");
        assert_eq!(sample.found[0].condition, Condition::DriverHangs);
    }
}
