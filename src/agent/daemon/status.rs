//! What the daemon thinks, as the value that it leaves for `status` and `doctor`.

use crate::agent::condition::Conditions;
use crate::agent::sample::look::Look;
use crate::agent::sample::reading::Source;
use crate::model::{AGENT_STATUS_FORMAT, AgentConfig, AgentGpu, AgentStatus, AgentTrouble};

/// The part that comes from looks and conditions.
pub(crate) fn of(
    config: &AgentConfig,
    look: &Look,
    conditions: &Conditions,
    at: i64,
) -> AgentStatus {
    AgentStatus {
        version: AGENT_STATUS_FORMAT,
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        lab: config.lab.clone(),
        node: config.node.clone(),
        at,
        every_s: config.sample_s,
        source: source(
            look.gpu
                .as_ref()
                .map_or(Source::None, |sample| sample.source),
        )
        .to_owned(),
        driver: look.gpu.as_ref().and_then(|sample| sample.driver.clone()),
        expected_gpus: look.expected,
        gpus: look
            .gpus()
            .iter()
            .map(|gpu| AgentGpu {
                index: gpu.index,
                name: gpu.name.clone(),
                utilization: gpu.utilization,
                memory: gpu.memory_percent(),
                temperature: gpu.temperature,
                power_w: gpu.power_w,
            })
            .collect(),
        troubles: conditions
            .holding()
            .filter(|(condition, _)| !condition.is_harmless())
            .map(|(condition, detail)| AgentTrouble {
                name: condition.name().to_owned(),
                detail: detail.to_owned(),
                began: conditions.of(condition).2,
            })
            .collect(),
        ..AgentStatus::default()
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Nvml => "nvml",
        Source::NvidiaSmi => "nvidia-smi",
        Source::Tegrastats => "tegrastats",
        Source::None => "none",
    }
}
