//! `metrics`: what machines have published in the last hours, as plots.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::named;
use super::session::{OpenError, Session};
use super::stepless;
use crate::catalog;
use crate::lab;
use crate::model::{CloudId, InstanceType, Kind, MetricQuery};
use crate::profile::{Metrics, Profile};
use crate::state::Lockfile;
use crate::ui::json::metrics_json;
use crate::ui::{MachineMetrics, MetricsReport, metrics_page, metrics_view, panels};

/// As many points as a plot has room for.
const POINTS: u64 = 130;
/// CloudWatch keeps periods of a minute for so long (CloudWatch User Guide, "Metrics retention").
const LONGEST: Duration = Duration::from_secs(14 * 86_400);

/// Show what the machines have published in the last hours, as plots.
#[derive(Debug, Args)]
pub(super) struct MetricsArgs {
    /// A machine or a group of them, as `sim` or `sim.0`; default: every machine.
    node: Option<String>,
    /// From how long ago, as `45m`, `6h` or `2d`, a fortnight at most.
    #[arg(long, value_name = "AGO", default_value = "3h", value_parser = ago)]
    since: Duration,
    /// The same in hours.
    #[arg(long, value_name = "N", conflicts_with = "since", value_parser = clap::value_parser!(u64).range(1..=336))]
    hours: Option<u64>,
    /// Write one page of HTML with all plots to this file; any browser shows it, without a network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn ago(text: &str) -> Result<Duration, String> {
    let wrong = || "written like 45m, 6h or 2d, from 5m to 14d".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let ago = Duration::from_secs(number.saturating_mul(seconds));
    let fits = (Duration::from_secs(300)..=LONGEST).contains(&ago);
    fits.then_some(ago).ok_or_else(wrong)
}

pub(super) async fn metrics(app: &mut App, args: &MetricsArgs) -> Result<u8, OpenError> {
    let target = app.global.target();
    let session = stepless::open(app).await?;
    let Some(metrics) = session.profile.metrics.clone() else {
        return Err(CliError::new("the profile has no [metrics]: its machines publish nothing")
            .hint("add:\n  [metrics]\n  namespace = \"DigitalTwin\"\nand run `roboinfra apply{lab}`")
            .into());
    };
    let loaded = session.load().await?;
    let recorded = loaded.state.folded().lockfile.clone();
    let machines = machines(recorded.as_ref(), args.node.as_deref(), &session.profile)?;
    let busy = app.busy("reading metrics");
    let since = args
        .hours
        .map_or(args.since, |hours| Duration::from_secs(hours * 3_600));
    let report = report(&session, &metrics, recorded.as_ref(), machines, since).await?;
    drop(busy);
    let report = MetricsReport {
        simulated: target.sandbox,
        ..report
    };
    if let Some(path) = &args.html {
        write(path, &metrics_page(&report))?;
        app.say(&format!("Wrote {}", path.display()));
    }
    if app.global.json {
        app.data(&metrics_json(&report));
    } else if args.html.is_none() {
        let view = metrics_view(&report, &app.look());
        app.data(&view);
    }
    Ok(exit::DONE)
}

fn write(path: &Path, page: &str) -> Result<(), CliError> {
    std::fs::write(path, page).map_err(|error| {
        CliError::new(format!("could not write {}", path.display())).because(error.to_string())
    })
}

/// A machine that is remembered.
struct Machine {
    label: String,
    id: CloudId,
    kind: Option<InstanceType>,
}

fn machines(
    recorded: Option<&Lockfile>,
    wanted: Option<&str>,
    profile: &Profile,
) -> Result<Vec<Machine>, CliError> {
    let all = recorded.into_iter().flat_map(|lock| &lock.resources);
    let of_lab: Vec<Machine> = all
        .filter(|(_, recorded)| recorded.kind == Kind::Instance)
        .filter_map(|(address, recorded)| {
            Some(Machine {
                label: address.as_str().strip_prefix("node.")?.to_owned(),
                id: recorded.id.clone(),
                kind: recorded.instance_type.clone(),
            })
        })
        .collect();
    if of_lab.is_empty() {
        return Err(
            CliError::new("the lab has no machines yet").hint("make them: roboinfra apply{lab}")
        );
    }
    let Some(wanted) = wanted else {
        return Ok(of_lab);
    };
    let address = named::machine(wanted);
    let chosen: Vec<Machine> = of_lab
        .into_iter()
        .filter(|machine| named::machine(&machine.label).is_within(&address))
        .collect();
    if chosen.is_empty() {
        return Err(named::no_machine(profile, wanted));
    }
    Ok(chosen)
}

async fn report(
    session: &Session,
    metrics: &Metrics,
    recorded: Option<&Lockfile>,
    machines: Vec<Machine>,
    since: Duration,
) -> Result<MetricsReport, CliError> {
    let period = (since.as_secs() / POINTS)
        .max(u64::from(metrics.interval_s))
        .max(60)
        .next_multiple_of(60);
    let period_s = u32::try_from(period).unwrap_or(u32::MAX);
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let now = session.clock.now().as_second();
    let to = now - now.rem_euclid(whole(period));
    let from = to - whole(since.as_secs().next_multiple_of(period));
    let identity = session.cloud.identity().await;
    let identity = identity.map_err(|failure| session.told(&failure))?;
    session.check_belongs(recorded, &identity)?;
    let (hot, full) = (metrics.gpu_hot_celsius, metrics.gpu_memory_percent);
    let mut shown: Vec<MachineMetrics> = machines
        .iter()
        .map(|machine| MachineMetrics {
            label: machine.label.clone(),
            instance: machine.id.to_string(),
            panels: panels(gpus(session, machine), f64::from(hot), f64::from(full)),
        })
        .collect();
    if !metrics.alarms {
        let panels = shown.iter_mut().flat_map(|machine| &mut machine.panels);
        panels.for_each(|panel| panel.alarm = None);
    }
    let queries = queries(session, metrics, &machines, &shown);
    let asked = session.cloud.metric_data(&queries, (from, to), period_s);
    let mut answers = asked
        .await
        .map_err(|failure| session.told(&failure))?
        .into_iter();
    for series in shown
        .iter_mut()
        .flat_map(|machine| &mut machine.panels)
        .flat_map(|panel| &mut panel.series)
    {
        series.points = answers.next().unwrap_or_default();
    }
    Ok(MetricsReport {
        lab: session.profile.name.to_string(),
        region: session.profile.region.to_string(),
        from,
        to,
        period_s,
        simulated: false,
        machines: shown,
    })
}

/// The questions, in the order of the lines.
fn queries(
    session: &Session,
    metrics: &Metrics,
    machines: &[Machine],
    shown: &[MachineMetrics],
) -> Vec<MetricQuery> {
    let mut queries = Vec::new();
    for (machine, shown) in machines.iter().zip(shown) {
        for series in shown.panels.iter().flat_map(|panel| &panel.series) {
            queries.push(MetricQuery {
                namespace: metrics.namespace.clone(),
                metric: series.metric,
                instance: machine.id.clone(),
                lab: session.profile.name.to_string(),
                label: machine.label.clone(),
                gpu: series.gpu,
            });
        }
    }
    queries
}

/// How many GPUs a machine has, by its type, or by its group where its type is not remembered.
fn gpus(session: &Session, machine: &Machine) -> u32 {
    if let Some(kind) = &machine.kind {
        let facts = catalog::instance_type(kind);
        return facts
            .and_then(|facts| facts.gpu.as_ref())
            .map_or(0, |gpu| gpu.count.max(1));
    }
    let group = machine.label.split('.').next().unwrap_or_default();
    let nodes = session.profile.nodes.iter();
    let mut found = nodes.filter(|(name, _)| name.as_str() == group);
    found.next().map_or(0, |(_, node)| lab::gpus(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago() {
        for (text, seconds) in [
            ("5m", 300),
            ("45m", 2_700),
            ("6h", 21_600),
            ("14d", 1_209_600),
        ] {
            assert_eq!(ago(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "h",
            "6",
            "6 h",
            "4m",
            "15d",
            "-1h",
            "99999999999999999999h",
            "1w",
        ] {
            assert!(ago(bad).is_err(), "{bad}");
        }
    }
}
