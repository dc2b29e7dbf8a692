//! Metrics.

use jiff::Timestamp;
use serde::Serialize;

use super::line::{Format, line};
use crate::ui::metrics::MetricsReport;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Metrics {
        lab: &'a str,
        region: &'a str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        period_s: u32,
        simulated: bool,
    },
    Series {
        node: &'a str,
        instance: &'a str,
        metric: &'a str,
        gpu: Option<u32>,
        unit: &'a str,
        points: Vec<(Option<Timestamp>, f64)>,
    },
}

/// What machines have published, a line for each metric of each machine.
pub fn metrics_json(report: &MetricsReport) -> String {
    let time = |at: i64| Timestamp::from_second(at).ok();
    let mut text = Format::Metrics.opening();
    text += &line(&Mirror::Metrics {
        lab: &report.lab,
        region: &report.region,
        from: time(report.from),
        to: time(report.to),
        period_s: report.period_s,
        simulated: report.simulated,
    });
    for machine in &report.machines {
        for panel in &machine.panels {
            for series in &panel.series {
                text += &line(&Mirror::Series {
                    node: &machine.label,
                    instance: &machine.instance,
                    metric: series.metric.name(),
                    gpu: series.gpu,
                    unit: panel.unit,
                    points: series
                        .points
                        .iter()
                        .map(|(at, value)| (time(*at), *value))
                        .collect(),
                });
            }
        }
    }
    text
}
