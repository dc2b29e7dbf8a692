//! What watching costs: the metrics that machines publish while they run, the alarms on them, and the dashboard.
//!
//! A metric is billed by the hour in which it is published, so a machine that is off costs none; alarms and dashboards
//! are billed whatever the machines do. Ten metrics, ten alarms and three dashboards of an account are free of charge;
//! nobody knows here what else the account has, so the bill counts every one.

use std::collections::BTreeMap;

use super::obstacles::is_let_go;
use super::places::owned;
use super::rate::{BillLine, Rate};
use crate::catalog;
use crate::inventory::{Inventory, Seen};
use crate::lab::Lab;
use crate::model::{
    Address, DASHBOARD_ADDRESS, HOURS_PER_MONTH, InstanceType, Market, Spec, Usd, published_metrics,
};

/// What one machine has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Watched {
    metrics: u32,
    alarms: u32,
    /// Metrics that its alarms are over.
    alarmed: u32,
}

impl Watched {
    fn what(self) -> String {
        let counted = |count: u32, one: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {one}s"),
        };
        let parts = [(self.metrics, "metric"), (self.alarms, "alarm")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let texts: Vec<String> = parts.map(|(count, one)| counted(count, one)).collect();
        texts.join(", ")
    }

    fn rate(self, prices: &catalog::Prices) -> Option<Rate> {
        (self != Self::default()).then(|| {
            let hourly = |month: Usd, count: u32| month * (f64::from(count) / HOURS_PER_MONTH);
            let alarms = hourly(prices.alarm_metric_month, self.alarmed);
            Rate {
                running: alarms + hourly(prices.metric_month, self.metrics),
                stopped: alarms,
            }
        })
    }
}

/// The lines, with the type that each machine has or will have.
pub(super) fn lines(
    lab: &Lab,
    observed: &Inventory,
    chosen: &BTreeMap<Address, (InstanceType, Market)>,
    prices: &catalog::Prices,
) -> Vec<BillLine> {
    let (before, after) = (seen(lab, observed), wanted(lab, observed, chosen));
    let nodes: std::collections::BTreeSet<&Address> = before.keys().chain(after.keys()).collect();
    let mut lines: Vec<BillLine> = nodes
        .into_iter()
        .filter_map(|address| {
            let (then, now) = (after.get(address), before.get(address));
            let line = BillLine {
                address: address.clone(),
                what: then.or(now)?.what(),
                before: now.and_then(|watched| watched.rate(prices)),
                after: then.and_then(|watched| watched.rate(prices)),
            };
            (line.before.is_some() || line.after.is_some()).then_some(line)
        })
        .collect();
    lines.extend(dashboard(lab, observed, prices));
    lines
}

fn dashboard(lab: &Lab, observed: &Inventory, prices: &catalog::Prices) -> Option<BillLine> {
    let address = Address::new(DASHBOARD_ADDRESS);
    let is_there =
        owned(lab, observed).any(|(_, sighting)| matches!(sighting.seen, Seen::Dashboard(_)));
    let asked = lab.resources.get(&address);
    let is_wanted = asked.is_some_and(|resource| !is_let_go(observed, &resource.spec));
    let hourly = prices.dashboard_month * (1.0 / HOURS_PER_MONTH);
    let rate = Rate {
        running: hourly,
        stopped: hourly,
    };
    (is_there || is_wanted).then(|| BillLine {
        address,
        what: "dashboard".to_owned(),
        before: is_there.then_some(rate),
        after: is_wanted.then_some(rate),
    })
}

/// `metrics.sim.0` of `node.sim.0` and `alarm.sim.0.silent`.
fn line_of(address: &Address) -> Option<Address> {
    let mut parts = address.as_str().split('.').skip(1);
    Some(Address::of(&["metrics", parts.next()?, parts.next()?]))
}

fn group_of(address: &Address) -> &str {
    address.as_str().split('.').nth(1).unwrap_or_default()
}

fn metrics_of(instance_type: &InstanceType) -> u32 {
    let gpu = catalog::instance_type(instance_type).and_then(|facts| facts.gpu.as_ref());
    published_metrics(gpu.map_or(0, |gpu| gpu.count.max(1)))
}

fn publishes(lab: &Lab, address: &Address) -> bool {
    lab.publishing
        .iter()
        .any(|group| group.as_str() == group_of(address))
}

fn wanted(
    lab: &Lab,
    observed: &Inventory,
    chosen: &BTreeMap<Address, (InstanceType, Market)>,
) -> BTreeMap<Address, Watched> {
    let mut watched: BTreeMap<Address, Watched> = BTreeMap::new();
    for (address, resource) in &lab.resources {
        if is_let_go(observed, &resource.spec) {
            continue;
        }
        let Some(line) = line_of(address) else {
            continue;
        };
        match &resource.spec {
            Spec::Instance(spec) if publishes(lab, address) => {
                let first = spec.launch.ladder.first().map(|rung| &rung.instance_type);
                let chosen = chosen.get(address).map(|(chosen, _)| chosen).or(first);
                watched.entry(line).or_default().metrics = chosen.map_or(0, metrics_of);
            }
            Spec::Alarm(alarm) => {
                let watched = watched.entry(line).or_default();
                watched.alarms += 1;
                watched.alarmed += alarm.billed_metrics();
            }
            _ => {}
        }
    }
    watched
}

/// What is there. That a machine publishes cannot be seen; where the profile asks for alarms or a dashboard, there
/// being one is taken for it.
fn seen(lab: &Lab, observed: &Inventory) -> BTreeMap<Address, Watched> {
    let is_watch = |spec: &Spec| matches!(spec, Spec::Alarm(_) | Spec::Dashboard(_));
    let wants_watch = lab
        .resources
        .values()
        .any(|resource| is_watch(&resource.spec));
    let has_watch = owned(lab, observed)
        .any(|(_, sighting)| matches!(sighting.seen, Seen::Alarm(_) | Seen::Dashboard(_)));
    let mut watched: BTreeMap<Address, Watched> = BTreeMap::new();
    for (address, sighting) in owned(lab, observed) {
        let Some(line) = line_of(&address) else {
            continue;
        };
        match &sighting.seen {
            Seen::Instance(seen) if publishes(lab, &address) && (has_watch || !wants_watch) => {
                watched.entry(line).or_default().metrics = metrics_of(&seen.instance_type);
            }
            Seen::Alarm(alarm) => {
                let asked = alarm
                    .settings
                    .get("status_check")
                    .is_some_and(|it| it == "asked");
                let watched = watched.entry(line).or_default();
                watched.alarms += 1;
                watched.alarmed += if asked { 2 } else { 1 };
            }
            _ => {}
        }
    }
    watched
}
