//! Numbers as a machine of a robotics lab would publish them: simulations that run for an hour or so, with pauses, and
//! what follows from them. They are made up from the machine's id and the time, and the same whenever they are asked for.

use std::f64::consts::TAU;

use super::super::world::mix;
use crate::model::AgentMetric;

/// A simulation and the pause after it, in seconds, about.
const TURN_S: i64 = 5_400;

/// A metric of a machine, or of one of its GPUs, between two moments.
pub(super) fn points(
    machine: &str,
    metric: &str,
    gpu: Option<u32>,
    period: i64,
    (from, to): (i64, i64),
) -> Vec<(i64, f64)> {
    let Some(metric) = AgentMetric::ALL.iter().find(|one| one.name() == metric) else {
        return Vec::new();
    };
    let seed = machine
        .bytes()
        .fold(u64::from(gpu.unwrap_or(0)), |seed, byte| {
            mix(seed ^ u64::from(byte))
        });
    let first = from - from.rem_euclid(period)
        + if from.rem_euclid(period) == 0 {
            0
        } else {
            period
        };
    let step = usize::try_from(period).unwrap_or(usize::MAX);
    (first..=to - period)
        .step_by(step)
        .filter_map(|at| Some((at, value(*metric, seed, at)?)))
        .collect()
}

/// The value at a moment; what happens only in trouble does not happen.
fn value(metric: AgentMetric, seed: u64, at: i64) -> Option<f64> {
    let now = busy(seed, at);
    // What is warm stays warm for a while.
    let lately = (0..10).map(|back| busy(seed, at - 60 * back)).sum::<f64>() / 10.0;
    let noise = jitter(seed ^ metric as u64, at);
    Some(match metric {
        AgentMetric::Heartbeat | AgentMetric::GpuCount => 1.0,
        AgentMetric::Conditions | AgentMetric::GpuMissing | AgentMetric::GpuErrors => 0.0,
        AgentMetric::GpuUtilization => (now * 82.0 + noise * 9.0 * now).clamp(0.0, 100.0),
        AgentMetric::GpuMemory => 4.0 + 58.0 * f64::from(now > 0.0) + noise,
        AgentMetric::GpuTemperature => 34.0 + 37.0 * lately + noise,
        AgentMetric::GpuPower => 17.0 + 190.0 * now + noise * 8.0 * now,
        AgentMetric::GpuEncoder => 12.0 * f64::from(now > 0.0) + noise.abs(),
        AgentMetric::CpuUtilization => 6.0 + 44.0 * now + noise * 4.0,
        AgentMetric::MemoryUsed => 21.0 + 30.0 * lately + noise,
        AgentMetric::DiskUsed => 46.0 + 6.0 * slope(at),
        AgentMetric::NetworkReceived => 1.2e4 + 9.0e5 * now + noise.abs() * 2.0e4,
        AgentMetric::NetworkSent => 8.0e3 + 2.6e6 * now + noise.abs() * 3.0e4,
        AgentMetric::Load => 0.1 + 0.7 * now + 0.05 * noise.abs(),
        AgentMetric::Idle => idle(seed, at),
        AgentMetric::SpotNotice => return None,
    })
}

/// How much of a simulation runs: none in the pauses, most of it otherwise.
fn busy(seed: u64, at: i64) -> f64 {
    let shifted = at + i64::try_from(seed % 5_400).unwrap_or_default();
    let (turn, within) = (shifted.div_euclid(TURN_S), shifted.rem_euclid(TURN_S));
    let lot = mix(seed ^ u64::try_from(turn).unwrap_or_default());
    // One turn in five is a pause altogether; the others end with one.
    let length = if lot.is_multiple_of(5) {
        0
    } else {
        2_400 + i64::try_from(lot % 2_400).unwrap_or_default()
    };
    if within >= length {
        return 0.0;
    }
    let swing = (TAU * share(within, 900)).sin();
    0.88 + 0.08 * swing
}

/// Seconds since something ran, at most since the turn before.
fn idle(seed: u64, at: i64) -> f64 {
    let back = (0..180).take_while(|back| busy(seed, at - 60 * back) <= 0.0);
    back.map(|_| 60.0).sum()
}

/// Between -1 and 1, another one for each minute.
fn jitter(seed: u64, at: i64) -> f64 {
    let lot = mix(seed ^ u64::try_from(at / 60).unwrap_or_default()) % 2_001;
    f64::from(u32::try_from(lot).unwrap_or_default()) / 1_000.0 - 1.0
}

/// A day's share that is over.
fn slope(at: i64) -> f64 {
    share(at.rem_euclid(86_400), 86_400)
}

fn share(part: i64, whole: i64) -> f64 {
    let part = f64::from(i32::try_from(part).unwrap_or_default());
    part / f64::from(i32::try_from(whole).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_same_whenever_it_is_asked_for_and_plausible() {
        let span = (1_800_000_000, 1_800_086_400);
        for metric in AgentMetric::ALL {
            let once = points("i-1", metric.name(), None, 300, span);
            assert_eq!(once, points("i-1", metric.name(), None, 300, span));
            assert!(once.iter().all(|(_, value)| value.is_finite()));
        }
        let used = points("i-1", "gpu_utilization", None, 300, span);
        assert_eq!(used.len(), 288);
        let busy = used.iter().filter(|(_, value)| *value > 50.0).count();
        assert!((60..260).contains(&busy), "{busy} of 288");
        assert!(used.iter().all(|(_, value)| (0.0..=100.0).contains(value)));
        let other = points("i-2", "gpu_utilization", None, 300, span);
        assert_ne!(used, other, "two machines are unlike");
        assert!(points("i-1", "cpu_usage", None, 300, span).is_empty());
    }
}
