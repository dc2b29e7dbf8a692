//! What watches the lab: the alarms of each machine that publishes, and the dashboard.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::agent::AGENT_STEP;
use super::collect::{Resources, add};
use super::types::Facts;
use crate::catalog;
use crate::model::{
    Address, AgentMetric, AlarmKind, AlarmSpec, Bound, DASHBOARD_ADDRESS, DashboardSpec, NodeName,
    Ref, Spec, Statistic, Tags, WatchNames, hex,
};
use crate::profile::{GpuAction, Metrics, Node, Profile};

/// The shortest period of an alarm: five intervals of the default, so that a late one is no alarm.
const PERIOD_S: u32 = 300;
/// How much longer than the idle time a machine may be idle before its alarm rings, where idleness ends it: the agent warns
/// first, and a shutdown takes its time. What rings then is a machine that should have stopped and has not.
const GRACE_S: u32 = 900;
/// GPU use below this is idle where the profile does not say.
const IDLE_PERCENT: u32 = 5;

/// The names of the lab's alarms and dashboard.
pub fn watch_names(profile: &Profile, id: &crate::model::LabId) -> WatchNames {
    WatchNames {
        lab: profile.name.clone(),
        id: id.clone(),
    }
}

/// The names of the lab's alarms and dashboard, if its profile asks for some.
pub fn asked_watch(profile: &Profile, id: &crate::model::LabId) -> Option<WatchNames> {
    is_watched(profile).then(|| watch_names(profile, id))
}

/// Whether the profile asks for alarms or a dashboard, and some machine publishes.
pub fn is_watched(profile: &Profile) -> bool {
    profile
        .metrics
        .as_ref()
        .is_some_and(|metrics| metrics.alarms || metrics.dashboard)
        && profile.nodes.values().any(publishes)
}

/// Whether the machines of a group publish metrics, if the profile has `[metrics]`: they have the step that sees to it, or
/// no steps at all, and then their image sees to everything.
pub fn publishes(node: &Node) -> bool {
    let steps = &node.bootstrap;
    node.count > 0 && (steps.is_empty() || steps.iter().any(|step| step == AGENT_STEP))
}

/// The most GPUs that a machine of the group may have; none for a group without any.
pub fn gpus(node: &Node) -> u32 {
    let facts = node.types.iter().filter_map(catalog::instance_type);
    facts
        .filter_map(|facts| facts.gpu.as_ref())
        .map(|gpu| gpu.count.max(1))
        .max()
        .unwrap_or(0)
}

pub(super) fn watch(profile: &Profile, facts: &Facts, key: &Ref, resources: &mut Resources) {
    let Some(metrics) = &profile.metrics else {
        return;
    };
    let names = watch_names(profile, &facts.lab_id);
    let groups = || profile.nodes.iter().filter(|(_, node)| publishes(node));
    if metrics.alarms {
        for (name, node) in groups() {
            for index in 0..node.count {
                alarms(profile, metrics, &names, (name, node, index), resources);
            }
        }
    }
    if metrics.dashboard && groups().next().is_some() {
        let spec = DashboardSpec {
            name: names.dashboard(),
            body: body(profile, metrics).to_string(),
        };
        let address = Address::new(DASHBOARD_ADDRESS);
        add(resources, &address, Spec::Dashboard(spec));
        // Dashboards cannot be searched by tag: like what is in IAM it comes after the key pair and goes before it.
        if let (Some(resource), Ref::Managed(key)) = (resources.get_mut(&address), key) {
            resource.after.insert(key.clone());
        }
    }
}

fn alarms(
    profile: &Profile,
    metrics: &Metrics,
    names: &WatchNames,
    (name, node, index): (&NodeName, &Node, u32),
    resources: &mut Resources,
) {
    let label = format!("{name}.{index}");
    let machine = Ref::to(&Address::of(&["node", &label]));
    let period_s = PERIOD_S.max(metrics.interval_s.next_multiple_of(60));
    for rule in rules(profile, metrics, gpus(node) > 0) {
        let alarm = AlarmSpec {
            name: names.alarm(&label, rule.about),
            about: rule.about,
            node: machine.clone(),
            lab: profile.name.to_string(),
            label: label.clone(),
            namespace: metrics.namespace.clone(),
            metric: rule.metric,
            statistic: rule.statistic,
            bound: rule.bound,
            period_s,
            periods: rule.periods,
            tags: tags_digest(&profile.tags),
        };
        let address = Address::of(&["alarm", &label, rule.about.slug()]);
        add(resources, &address, Spec::Alarm(alarm));
    }
}

/// What stands for the user's tags in the description of an alarm.
fn tags_digest(tags: &Tags) -> String {
    if tags.is_empty() {
        return String::new();
    }
    let text = serde_json::to_vec(tags).expect("a map of texts always serialises");
    hex(Sha256::digest(text))[..8].to_owned()
}

/// What one alarm looks for.
struct Looked {
    about: AlarmKind,
    metric: AgentMetric,
    statistic: Statistic,
    bound: Bound,
    periods: u32,
}

fn rules(profile: &Profile, metrics: &Metrics, has_gpu: bool) -> Vec<Looked> {
    let rule = |about, metric, statistic, bound, periods| Looked {
        about,
        metric,
        statistic,
        bound,
        periods,
    };
    let mut rules = vec![rule(
        AlarmKind::Silent,
        AgentMetric::Heartbeat,
        Statistic::SampleCount,
        Bound::Below(1),
        3,
    )];
    if has_gpu {
        let hot = Bound::AtLeast(metrics.gpu_hot_celsius);
        let full = Bound::AtLeast(metrics.gpu_memory_percent);
        rules.extend([
            rule(
                AlarmKind::GpuMissing,
                AgentMetric::GpuMissing,
                Statistic::Minimum,
                Bound::AtLeast(1),
                1,
            ),
            rule(
                AlarmKind::GpuHot,
                AgentMetric::GpuTemperature,
                Statistic::Average,
                hot,
                2,
            ),
            rule(
                AlarmKind::GpuMemory,
                AgentMetric::GpuMemory,
                Statistic::Average,
                full,
                3,
            ),
        ]);
    }
    let idle = AlarmKind::Idle;
    if let Some(settings) = &profile.idle {
        let ends = settings.then != GpuAction::Notify;
        let seconds = u32::try_from(settings.duration.as_secs()).unwrap_or(u32::MAX);
        let bound = Bound::AtLeast(seconds.saturating_add(if ends { GRACE_S } else { 0 }));
        rules.push(rule(idle, AgentMetric::Idle, Statistic::Maximum, bound, 1));
    } else if has_gpu {
        let bound = Bound::Below(IDLE_PERCENT);
        rules.push(rule(
            idle,
            AgentMetric::GpuUtilization,
            Statistic::Maximum,
            bound,
            12,
        ));
    }
    rules
}

/// A plot of the dashboard: its title, its metrics, the top of its axis and a line across it.
struct Plot {
    title: &'static str,
    metrics: &'static [(AgentMetric, &'static str)],
    top: Option<u32>,
    line: Option<(&'static str, u32)>,
}

fn plots(metrics: &Metrics) -> [Plot; 8] {
    let plot = |title, metrics, top| Plot {
        title,
        metrics,
        top,
        line: None,
    };
    [
        plot(
            "GPU use, %",
            &[(AgentMetric::GpuUtilization, "")],
            Some(100),
        ),
        Plot {
            line: Some(("alarm", metrics.gpu_memory_percent)),
            ..plot("GPU memory, %", &[(AgentMetric::GpuMemory, "")], Some(100))
        },
        Plot {
            line: Some(("alarm", metrics.gpu_hot_celsius)),
            ..plot(
                "GPU temperature, °C",
                &[(AgentMetric::GpuTemperature, "")],
                None,
            )
        },
        plot("GPU power, W", &[(AgentMetric::GpuPower, "")], None),
        plot("CPU, %", &[(AgentMetric::CpuUtilization, "")], Some(100)),
        plot(
            "Memory and disk, %",
            &[
                (AgentMetric::MemoryUsed, "memory "),
                (AgentMetric::DiskUsed, "disk "),
            ],
            Some(100),
        ),
        plot(
            "Network, bytes per second",
            &[
                (AgentMetric::NetworkReceived, "in "),
                (AgentMetric::NetworkSent, "out "),
            ],
            None,
        ),
        plot(
            "Trouble: conditions, GPUs missing, GPU errors",
            &[
                (AgentMetric::Conditions, "conditions "),
                (AgentMetric::GpuMissing, "missing "),
                (AgentMetric::GpuErrors, "errors "),
            ],
            None,
        ),
    ]
}

/// The dashboard searches for the lab's machines, so it shows those that come later, and never has to be changed for them.
fn body(profile: &Profile, metrics: &Metrics) -> Value {
    let mut widgets = vec![json!({
        "type": "text", "x": 0, "y": 0, "width": 24, "height": 2,
        "properties": {"markdown": format!(
            "## {}\nA lab in {}, kept by roboinfra: what is changed here by hand, the next `apply` changes back.",
            profile.name, profile.region
        )},
    })];
    for (place, plot) in plots(metrics).iter().enumerate() {
        let (x, y) = (12 * (place % 2), 2 + 6 * (place / 2));
        widgets.push(json!({
            "type": "metric", "x": x, "y": y, "width": 12, "height": 6,
            "properties": properties(profile, metrics, plot),
        }));
    }
    json!({ "widgets": widgets })
}

fn properties(profile: &Profile, metrics: &Metrics, plot: &Plot) -> Value {
    let lines: Vec<Value> = plot
        .metrics
        .iter()
        .enumerate()
        .map(|(place, (metric, prefix))| {
            let search = format!(
                "SEARCH('{{\"{}\",InstanceId,Lab,Node}} Lab=\"{}\" MetricName=\"{}\"', 'Average', 60)",
                metrics.namespace,
                profile.name,
                metric.name()
            );
            json!([{
                "expression": search,
                "label": format!("{prefix}${{PROP('Dim.Node')}}"),
                "id": format!("e{place}"),
            }])
        })
        .collect();
    let axis = match plot.top {
        Some(top) => json!({"min": 0, "max": top}),
        None => json!({"min": 0}),
    };
    let mut properties = json!({
        "title": plot.title, "view": "timeSeries", "stacked": false,
        "region": profile.region.as_str(), "metrics": lines, "yAxis": {"left": axis},
    });
    if let Some((label, value)) = plot.line {
        properties["annotations"] = json!({"horizontal": [{"label": label, "value": value}]});
    }
    properties
}
