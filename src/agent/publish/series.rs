//! Which numbers a measurement gives to be published.

use crate::agent::sample::reading::{Gpu, Host};
use crate::model::AgentMetric;

/// A metric of the machine, or of one of its GPUs.
pub(crate) type Series = (AgentMetric, Option<u32>);

/// The most GPUs that are published one by one: with more, one interval would not fit into one call.
const MOST_GPUS: usize = 128;

/// One measurement, as far as it is published.
#[derive(Debug, Clone)]
pub(crate) struct Measured<'a> {
    /// The GPUs, if they answered this time.
    pub(crate) gpus: Option<&'a [Gpu]>,
    /// How many there should be.
    pub(crate) expected: Option<u32>,
    /// Errors of the GPUs since the measurement before.
    pub(crate) errors: u64,
    /// The machine.
    pub(crate) host: &'a Host,
    /// Conditions that hold and are trouble.
    pub(crate) troubles: usize,
    /// For how long the machine has been idle, in seconds; nothing, if nobody asks.
    pub(crate) idle_s: Option<u64>,
    /// Spot notices since the measurement before.
    pub(crate) notices: u64,
}

/// The numbers. What is not known is left out: it is not zero.
pub(crate) fn of(measured: &Measured<'_>) -> Vec<(Series, f64)> {
    let mut numbers = Numbers::default();
    numbers.whole(AgentMetric::Heartbeat, Some(1.0));
    numbers.whole(AgentMetric::Conditions, Some(count(measured.troubles)));
    if let Some(gpus) = measured.gpus {
        numbers.gpus(gpus, measured.expected);
    }
    numbers.whole(AgentMetric::GpuErrors, Some(float(measured.errors)));
    let host = measured.host;
    numbers.whole(AgentMetric::CpuUtilization, host.cpu);
    numbers.whole(AgentMetric::MemoryUsed, host.memory);
    numbers.whole(AgentMetric::DiskUsed, host.disk);
    numbers.whole(AgentMetric::NetworkReceived, host.received);
    numbers.whole(AgentMetric::NetworkSent, host.sent);
    let cpus = host.cpus.filter(|cpus| *cpus > 0).map(f64::from);
    let load = host.load.zip(cpus).map(|(load, cpus)| load / cpus);
    numbers.whole(AgentMetric::Load, load);
    numbers.whole(AgentMetric::Idle, measured.idle_s.map(float));
    if measured.notices > 0 {
        numbers.whole(AgentMetric::SpotNotice, Some(float(measured.notices)));
    }
    numbers.0
}

#[derive(Debug, Default)]
struct Numbers(Vec<(Series, f64)>);

impl Numbers {
    /// CloudWatch takes no number that is none.
    fn push(&mut self, series: Series, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.0.push((series, value));
        }
    }

    fn whole(&mut self, metric: AgentMetric, value: Option<f64>) {
        self.push((metric, None), value);
    }

    fn gpus(&mut self, gpus: &[Gpu], expected: Option<u32>) {
        self.whole(AgentMetric::GpuCount, Some(count(gpus.len())));
        let expected = usize::try_from(expected.unwrap_or(0)).unwrap_or(usize::MAX);
        let missing = expected.saturating_sub(gpus.len());
        self.whole(AgentMetric::GpuMissing, Some(count(missing)));
        let all = |of: fn(&Gpu) -> Option<f64>| gpus.iter().filter_map(of);
        let used: Vec<f64> = all(|gpu| gpu.utilization).collect();
        let mean = (!used.is_empty()).then(|| used.iter().sum::<f64>() / count(used.len()));
        self.whole(AgentMetric::GpuUtilization, mean);
        self.whole(
            AgentMetric::GpuMemory,
            all(Gpu::memory_percent).reduce(f64::max),
        );
        self.whole(
            AgentMetric::GpuTemperature,
            all(|gpu| gpu.temperature).reduce(f64::max),
        );
        self.whole(
            AgentMetric::GpuPower,
            all(|gpu| gpu.power_w).reduce(|sum, one| sum + one),
        );
        self.whole(
            AgentMetric::GpuEncoder,
            all(|gpu| gpu.encoder).reduce(f64::max),
        );
        if gpus.len() < 2 {
            return;
        }
        for gpu in gpus.iter().take(MOST_GPUS) {
            let of = |metric| (metric, Some(gpu.index));
            self.push(of(AgentMetric::GpuUtilization), gpu.utilization);
            self.push(of(AgentMetric::GpuMemory), gpu.memory_percent());
            self.push(of(AgentMetric::GpuTemperature), gpu.temperature);
            self.push(of(AgentMetric::GpuPower), gpu.power_w);
        }
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn float(number: u64) -> f64 {
    crate::agent::sample::proc::float(number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::published_metrics;

    fn gpu(index: u32) -> Gpu {
        Gpu {
            index,
            utilization: Some(f64::from(index) * 10.0),
            memory_used_mib: Some(10.0),
            memory_total_mib: Some(100.0),
            temperature: Some(40.0 + f64::from(index)),
            power_w: Some(100.0),
            encoder: Some(0.0),
            ..Gpu::default()
        }
    }

    fn host() -> Host {
        Host {
            cpu: Some(10.0),
            memory: Some(20.0),
            disk: Some(30.0),
            received: Some(1.0),
            sent: Some(2.0),
            load: Some(4.0),
            cpus: Some(8),
            ..Host::default()
        }
    }

    fn numbers(gpus: Option<&[Gpu]>, expected: Option<u32>) -> BTreeMap<Series, f64> {
        let host = host();
        let measured = Measured {
            gpus,
            expected,
            errors: 3,
            host: &host,
            troubles: 1,
            idle_s: Some(60),
            notices: 0,
        };
        of(&measured).into_iter().collect()
    }

    #[test]
    fn as_many_as_the_bill_says() {
        for count in [0_u32, 1, 2, 8] {
            let gpus: Vec<Gpu> = (0..count).map(gpu).collect();
            let published = numbers(Some(&gpus), None).len();
            let billed = usize::try_from(published_metrics(count)).expect("few");
            assert_eq!(published, billed, "{count} GPUs");
        }
    }

    #[test]
    fn the_machine_is_the_sum_the_mean_or_the_worst_of_its_gpus() {
        let gpus: Vec<Gpu> = (0..3).map(gpu).collect();
        let numbers = numbers(Some(&gpus), Some(4));
        let of = |metric| numbers[&(metric, None)];
        assert!((of(AgentMetric::GpuUtilization) - 10.0).abs() < 1e-9);
        assert!((of(AgentMetric::GpuTemperature) - 42.0).abs() < 1e-9);
        assert!((of(AgentMetric::GpuPower) - 300.0).abs() < 1e-9);
        assert!((of(AgentMetric::GpuMissing) - 1.0).abs() < 1e-9);
        assert!((of(AgentMetric::Load) - 0.5).abs() < 1e-9);
        let third = numbers[&(AgentMetric::GpuUtilization, Some(2))];
        assert!((third - 20.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let silent = Gpu::default();
        let told = numbers(Some(&[silent]), None);
        assert!(!told.contains_key(&(AgentMetric::GpuUtilization, None)));
        assert!(told.contains_key(&(AgentMetric::GpuCount, None)));
        let unasked = numbers(None, Some(4));
        assert!(
            !unasked.contains_key(&(AgentMetric::GpuMissing, None)),
            "nobody was asked, so nothing is missing"
        );
        let broken = Gpu {
            temperature: Some(f64::NAN),
            ..Gpu::default()
        };
        assert!(!numbers(Some(&[broken]), None).contains_key(&(AgentMetric::GpuTemperature, None)));
    }
}
