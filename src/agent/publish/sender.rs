//! Sends batches one after the other, on a task of its own: the network may take its time, the daemon does not wait.

use tokio::sync::mpsc;

use super::cloudwatch::CloudWatch;
use super::outcome::Outcome;
use super::queue::Batch;

/// What the task has to tell.
#[derive(Debug)]
pub(crate) enum Told {
    /// Batches may be handed over.
    Ready,
    /// Not yet, and why.
    NotReady(String),
    /// What became of a batch.
    Settled(Batch, Outcome),
}

/// The task's ends of two channels.
#[derive(Debug)]
pub(crate) struct Sender {
    batches: mpsc::Sender<Batch>,
    told: mpsc::Receiver<Told>,
    busy: bool,
}

impl Sender {
    /// Starts the task; it ends with this value. `connect` is asked until it has an answer, and pauses by itself.
    pub(crate) fn start<F>(connect: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<CloudWatch, String>> + Send,
    {
        let (batches, incoming) = mpsc::channel::<Batch>(1);
        let (tell, told) = mpsc::channel(4);
        tokio::spawn(async move {
            let cloudwatch = loop {
                match connect().await {
                    Ok(cloudwatch) => break cloudwatch,
                    Err(why) => {
                        if tell.send(Told::NotReady(why)).await.is_err() {
                            return;
                        }
                    }
                }
            };
            if tell.send(Told::Ready).await.is_ok() {
                send(cloudwatch, incoming, tell).await;
            }
        });
        Self {
            batches,
            told,
            busy: false,
        }
    }

    /// Whether one is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands one over; only when none is on its way.
    pub(crate) fn send(&mut self, batch: Batch) {
        self.busy = self.batches.try_send(batch).is_ok();
    }

    /// What there is to tell; it waits for it.
    pub(crate) async fn told(&mut self) -> Told {
        match self.told.recv().await {
            Some(told) => {
                if matches!(told, Told::Settled(..)) {
                    self.busy = false;
                }
                told
            }
            None => std::future::pending().await,
        }
    }
}

async fn send(
    cloudwatch: CloudWatch,
    mut incoming: mpsc::Receiver<Batch>,
    tell: mpsc::Sender<Told>,
) {
    while let Some(batch) = incoming.recv().await {
        let outcome = cloudwatch.put(&batch.intervals).await;
        if tell.send(Told::Settled(batch, outcome)).await.is_err() {
            break;
        }
    }
}
