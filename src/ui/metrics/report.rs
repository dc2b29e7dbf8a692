//! The values that plots are made from, and which plots there are.

use crate::model::{AgentMetric, MetricPoints, MetricUnit};

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsReport {
    /// The lab.
    pub lab: String,
    /// Its region.
    pub region: String,
    /// From when, in seconds since 1970.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// How long each period is whose mean is one point.
    pub period_s: u32,
    /// Whether the numbers are made up.
    pub simulated: bool,
    /// The machines.
    pub machines: Vec<MachineMetrics>,
}

/// What one machine has published.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineMetrics {
    /// The machine in the lab, such as `sim.0`.
    pub label: String,
    /// Its instance.
    pub instance: String,
    /// Its plots.
    pub panels: Vec<Panel>,
}

impl MachineMetrics {
    /// Whether there is anything to plot.
    pub(super) fn has_data(&self) -> bool {
        self.panels.iter().any(Panel::has_data)
    }
}

/// One plot: what has the same axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What it is about.
    pub title: &'static str,
    /// What it counts in.
    pub unit: &'static str,
    /// The top of the axis, where that is known beforehand.
    pub top: Option<f64>,
    /// Where an alarm rings.
    pub alarm: Option<f64>,
    /// Its lines.
    pub series: Vec<Series>,
}

impl Panel {
    pub(super) fn has_data(&self) -> bool {
        self.series.iter().any(|series| !series.points.is_empty())
    }

    /// The top of its axis: nothing is cut off, and zero is always on it.
    pub(super) fn highest(&self) -> f64 {
        let values = self.series.iter().flat_map(|series| &series.points);
        let most = values.map(|(_, value)| *value).fold(0.0, f64::max);
        let wanted = self.top.unwrap_or(0.0).max(self.alarm.unwrap_or(0.0));
        if most <= wanted {
            super::scale::nice(wanted)
        } else {
            super::scale::nice(most)
        }
    }
}

/// One line of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which, where the plot has several.
    pub name: String,
    /// The metric.
    pub metric: AgentMetric,
    /// One of several GPUs.
    pub gpu: Option<u32>,
    /// The means of its periods, by their beginnings.
    pub points: MetricPoints,
}

/// The smallest, the mean, the greatest and the last value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    pub(super) least: f64,
    pub(super) mean: f64,
    pub(super) most: f64,
    pub(super) last: f64,
}

impl Series {
    pub(super) fn summary(&self) -> Option<Summary> {
        let (_, last) = *self.points.last()?;
        let values = || self.points.iter().map(|(_, value)| *value);
        let count = u32::try_from(self.points.len()).map_or(f64::MAX, f64::from);
        Some(Summary {
            least: values().fold(f64::INFINITY, f64::min),
            mean: values().sum::<f64>() / count,
            most: values().fold(f64::NEG_INFINITY, f64::max),
            last,
        })
    }
}

/// The plots of a machine with so many GPUs, without their points: what is to be asked for.
pub fn panels(gpus: u32, hot: f64, full: f64) -> Vec<Panel> {
    let mut panels = Vec::new();
    if gpus > 0 {
        panels.extend([
            gpu_panel("GPU use", AgentMetric::GpuUtilization, gpus, None),
            gpu_panel("GPU memory", AgentMetric::GpuMemory, gpus, Some(full)),
            gpu_panel(
                "GPU temperature",
                AgentMetric::GpuTemperature,
                gpus,
                Some(hot),
            ),
            gpu_panel("GPU power", AgentMetric::GpuPower, gpus, None),
        ]);
    }
    let plain = |title, metrics: &[(AgentMetric, &str)]| Panel {
        title,
        unit: unit_of(metrics[0].0),
        top: top_of(metrics[0].0),
        alarm: None,
        series: metrics
            .iter()
            .map(|(metric, name)| Series {
                name: (*name).to_owned(),
                metric: *metric,
                gpu: None,
                points: Vec::new(),
            })
            .collect(),
    };
    panels.extend([
        plain("CPU", &[(AgentMetric::CpuUtilization, "")]),
        plain("Memory", &[(AgentMetric::MemoryUsed, "")]),
        plain("Disk", &[(AgentMetric::DiskUsed, "")]),
        plain(
            "Network",
            &[
                (AgentMetric::NetworkReceived, "in"),
                (AgentMetric::NetworkSent, "out"),
            ],
        ),
        plain(
            "Trouble",
            &[
                (AgentMetric::Conditions, "conditions"),
                (AgentMetric::GpuMissing, "GPUs missing"),
                (AgentMetric::GpuErrors, "GPU errors"),
            ],
        ),
    ]);
    panels
}

/// The machine as a whole, and each of its GPUs where there are several.
fn gpu_panel(title: &'static str, metric: AgentMetric, gpus: u32, alarm: Option<f64>) -> Panel {
    let whole = if gpus > 1 { "all" } else { "" };
    let each = (0..gpus).filter(|_| gpus > 1);
    let series = std::iter::once((whole.to_owned(), None))
        .chain(each.map(|gpu| (format!("GPU {gpu}"), Some(gpu))))
        .map(|(name, gpu)| Series {
            name,
            metric,
            gpu,
            points: Vec::new(),
        })
        .collect();
    Panel {
        title,
        unit: unit_of(metric),
        top: top_of(metric),
        alarm,
        series,
    }
}

fn unit_of(metric: AgentMetric) -> &'static str {
    match (metric, metric.unit()) {
        (AgentMetric::GpuTemperature, _) => "°C",
        (AgentMetric::GpuPower, _) => "W",
        (_, MetricUnit::Percent) => "%",
        (_, MetricUnit::BytesPerSecond) => "B/s",
        (_, MetricUnit::Seconds) => "s",
        (_, MetricUnit::Count | MetricUnit::None) => "",
    }
}

fn top_of(metric: AgentMetric) -> Option<f64> {
    match metric.unit() {
        MetricUnit::Percent => Some(100.0),
        MetricUnit::Count => Some(1.0),
        MetricUnit::BytesPerSecond | MetricUnit::Seconds | MetricUnit::None => None,
    }
}
