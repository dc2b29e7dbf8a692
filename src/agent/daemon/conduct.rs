//! The loop. One thread does everything but what may hang: asking drivers, running hooks, shutting down.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::ending::Ending;
use super::identity;
use super::publishing::Publishing;
use super::spotting::Spotting;
use super::status;
use super::voice::Voice;
use crate::agent::clock::Clock;
use crate::agent::condition::{Condition, Finder, Found};
use crate::agent::files::{self, Lasting};
use crate::agent::journal::{Journal, Weight};
use crate::agent::prometheus::page::{self, Facts};
use crate::agent::prometheus::serve;
use crate::agent::publish::cloudwatch::{CloudWatch, Who};
use crate::agent::publish::sender::Sender;
use crate::agent::publish::series::{self, Measured};
use crate::agent::sample::look::Look;
use crate::agent::sample::sampler::Sampler;
use crate::agent::spot::metadata::Metadata;
use crate::model::{AgentConfig, AgentPublish};

/// The longest that one look waits for the GPUs. Their answer may come with a later look.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long until the metadata service is asked again who this machine is.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// The most messages of the kernel that one look repeats; all of them are counted.
const MOST_XIDS: usize = 10;

struct Daemon {
    config: AgentConfig,
    clock: Clock,
    voice: Voice,
    sampler: Sampler,
    ending: Ending,
    pages: watch::Sender<Arc<str>>,
    port: Option<watch::Receiver<String>>,
    hostname: String,
    samples: u64,
    notices: u64,
}

/// Runs until it is told to end. `Err`: it could not begin.
pub(crate) async fn run(config: AgentConfig, journal: Journal) -> Result<(), String> {
    let clock = Clock::new(&config.paths.root, config.rehearsal.as_ref());
    for folder in [&config.paths.state, &config.paths.run] {
        // The queue and the status say what follows if it fails.
        let _ = std::fs::create_dir_all(folder);
    }
    let metadata = Metadata::new(&config.paths.metadata)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut publishing = config.publish.as_ref().map(|publish| {
        let sender = sender(&config, publish, &metadata, &clock);
        Publishing::start(&config, publish, &clock, sender)
    });
    let spot = config.spot.as_ref();
    let mut spotting = spot.map(|spot| Spotting::start(&config, spot, metadata, &clock));
    let mut daemon = Daemon::new(config, clock.clone(), journal);
    let every = Duration::from_secs(u64::from(daemon.config.sample_s));
    let mut next = clock.now();
    loop {
        let wait = next.saturating_sub(clock.now());
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            told = some(publishing.as_mut().map(Publishing::told)) => {
                if let Some(publishing) = &mut publishing {
                    publishing.settle(told, &clock);
                }
            }
            news = some(spotting.as_mut().map(Spotting::news)) => {
                if let Some(spotting) = &mut spotting {
                    let new = spotting.take(news, &clock, &mut daemon.voice);
                    daemon.notices += new;
                    if new > 0 {
                        // It is published now: the machine may not live to see the end of the interval.
                        next = clock.now();
                    }
                }
            }
            () = clock.sleep(wait) => {
                daemon.tick(publishing.as_mut(), spotting.as_ref()).await;
                next = next.saturating_add(every).max(clock.now());
            }
        }
    }
    daemon.voice.say(Weight::Info, "end", "it was told to end");
    daemon.ending.finish(&clock);
    if let Some(publishing) = &mut publishing {
        publishing.finish(&clock).await;
    }
    Ok(())
}

/// The future if there is one; otherwise it waits for ever.
async fn some<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

fn sender(
    config: &AgentConfig,
    publish: &AgentPublish,
    metadata: &Metadata,
    clock: &Clock,
) -> Sender {
    let (config, publish) = (config.clone(), publish.clone());
    let (metadata, clock) = (metadata.clone(), clock.clone());
    Sender::start(move || {
        let (config, publish) = (config.clone(), publish.clone());
        let (mut metadata, clock) = (metadata.clone(), clock.clone());
        async move {
            let region = config.region.as_deref();
            match identity::ask(&mut metadata, region, &config.paths.root).await {
                Ok(known) => {
                    let who = Who {
                        instance: known.instance,
                        lab: config.lab.clone(),
                        node: config.node.clone(),
                    };
                    Ok(CloudWatch::new(&publish, known.region, who).await)
                }
                Err(why) => {
                    clock.sleep(ASK_AGAIN).await;
                    Err(why)
                }
            }
        }
    })
}

impl Daemon {
    fn new(config: AgentConfig, clock: Clock, journal: Journal) -> Self {
        let (pages, newest) = watch::channel(Arc::from(""));
        let listen = &config.prometheus.listen;
        let port = (!listen.is_empty()).then(|| serve::start(listen.clone(), newest));
        let hostname = std::fs::read_to_string(config.paths.root.join("proc/sys/kernel/hostname"));
        let voice = Voice::new(journal);
        let version = env!("CARGO_PKG_VERSION");
        let begun = format!(
            "roboinfra-agent {version} for {} of {}",
            config.node, config.lab
        );
        voice.say(Weight::Info, "begin", &begun);
        if let Some(rehearsal) = &config.rehearsal {
            let message = format!(
                "a rehearsal: its clock is {} times too fast",
                rehearsal.speed
            );
            voice.say(Weight::Warning, "rehearsal", &message);
        }
        Self {
            sampler: Sampler::new(&config),
            ending: Ending::start(&config, &clock),
            hostname: hostname.unwrap_or_default().trim().to_owned(),
            config,
            clock,
            voice,
            pages,
            port,
            samples: 0,
            notices: 0,
        }
    }

    /// One look, and everything that follows from it.
    async fn tick(&mut self, publishing: Option<&mut Publishing>, spotting: Option<&Spotting>) {
        let now = self.clock.now();
        let look = self.sampler.look(now, PATIENCE).await;
        self.samples += 1;
        self.voice.look(Finder::Gpu, &look.gpu_found);
        self.voice.look(Finder::Host, &look.host_found);
        self.voice.look(Finder::KernelLog, &look.log_found);
        for message in look.xids.iter().take(MOST_XIDS) {
            let code = message.code.to_string();
            let fields = [("xid", code.as_str()), ("bus", message.bus.as_str())];
            self.voice
                .journal
                .say(Weight::Warning, "xid", &message.text, &fields);
        }
        let port = self
            .port
            .as_ref()
            .map(|port| port.borrow().clone())
            .unwrap_or_default();
        let port: Vec<Found> = (!port.is_empty())
            .then(|| Found::new(Condition::PortTaken, port))
            .into_iter()
            .collect();
        self.voice.look(Finder::Prometheus, &port);
        let ends = self.ending.look(&look, &self.clock, &mut self.voice).await;
        let publishing = publishing.map(|publishing| {
            self.publish(publishing, &look, ends);
            &*publishing
        });
        self.show(&look, publishing, spotting);
    }

    fn publish(&mut self, publishing: &mut Publishing, look: &Look, ends: bool) {
        let notices = std::mem::take(&mut self.notices);
        let numbers = series::of(&Measured {
            gpus: look.fresh.then(|| look.gpus()),
            expected: look.expected,
            errors: look.errors,
            host: &look.host,
            troubles: self.voice.conditions.troubles(),
            idle_s: self.ending.idle_s(&self.clock),
            notices,
        });
        publishing.take(self.clock.wall().as_second(), &numbers);
        if ends || notices > 0 {
            publishing.flush();
        }
        publishing.send(&self.clock);
        let found = publishing.found();
        self.voice.look(Finder::Publish, &found);
    }

    /// The page for Prometheus, and the status.
    fn show(&mut self, look: &Look, publishing: Option<&Publishing>, spotting: Option<&Spotting>) {
        let (queue, ledger) = publishing.map(Publishing::counts).unwrap_or_default();
        let (idle, lease) = self.ending.status(&self.clock);
        let page = page::render(&Facts {
            hostname: &self.hostname,
            look,
            conditions: &self.voice.conditions,
            samples: self.samples,
            ledger,
            waiting: queue.waiting,
            idle: idle.as_ref(),
        });
        self.pages.send_replace(Arc::from(page));
        let at = self.clock.wall().as_second();
        let mut status = status::of(&self.config, look, &self.voice.conditions, at);
        status.idle = idle;
        status.lease = lease;
        status.notice = spotting.and_then(Spotting::notice);
        status.queue = queue;
        let path = self.config.paths.run.join("status.json");
        // Whoever reads it sees by its age that it is not written any more.
        let written = serde_json::to_vec(&status)
            .map_err(std::io::Error::other)
            .and_then(|bytes| files::replace(&path, &bytes, Lasting::Kept));
        drop(written);
    }
}
