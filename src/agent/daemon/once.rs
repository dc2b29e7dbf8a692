//! One look for people and programs: measures, says what it found, changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::clock::Clock;
use crate::agent::condition::Conditions;
use crate::agent::condition::Finder;
use crate::agent::idle::signal::{Measured, Signals};
use crate::agent::idle::watch::Watch;
use crate::agent::sample::sampler::Sampler;
use crate::model::{AgentAction, AgentConfig, AgentIdle};

/// A rate takes two looks; so far are they apart.
const APART: Duration = Duration::from_secs(1);

/// A driver that sleeps takes seconds to wake up.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a look finds, as JSON.
pub(crate) async fn once(config: &AgentConfig) -> Value {
    let clock = Clock::new(&config.paths.root, None);
    let mut sampler = Sampler::new(config);
    let mut conditions = Conditions::default();
    let idle = config.idle.clone().unwrap_or(AgentIdle {
        gpu_below_percent: 5,
        cpu_below_percent: 10,
        for_s: 3600,
        warn_s: 300,
        then: AgentAction::Notify,
    });
    let mut watch = Watch::new(config, &idle);
    let first = sampler.look(clock.now(), PATIENCE).await;
    watch.look(&first, clock.now(), clock.wall()).await;
    tokio::time::sleep(APART).await;
    let look = sampler.look(clock.now(), PATIENCE).await;
    watch.look(&look, clock.now(), clock.wall()).await;
    let signals = watch.all(clock.now(), clock.wall()).await;
    conditions.look(Finder::Gpu, &look.gpu_found);
    conditions.look(Finder::Host, &look.host_found);
    conditions.look(Finder::KernelLog, &look.log_found);
    let holding: BTreeMap<&str, &str> = conditions
        .holding()
        .map(|(condition, detail)| (condition.name(), detail))
        .collect();
    json!({
        "agent": env!("CARGO_PKG_VERSION"),
        "at": clock.wall().to_string(),
        "source": look.gpu.as_ref().map(|sample| sample.source),
        "driver": look.gpu.as_ref().and_then(|sample| sample.driver.clone()),
        "expected_gpus": look.expected,
        "gpus": look.gpus(),
        "host": look.host,
        "conditions": holding,
        "signals": words(&signals),
    })
}

fn words(signals: &Signals) -> BTreeMap<&'static str, String> {
    let words = signals.iter().map(|(signal, measured)| {
        let words = match measured {
            Measured::Quiet => "quiet".to_owned(),
            Measured::Busy(words) => format!("busy: {words}"),
            Measured::Unknown(why) => format!("cannot tell: {why}"),
        };
        (signal.name(), words)
    });
    words.collect()
}
