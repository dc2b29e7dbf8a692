//! What would go wrong if the plan were applied now, each as a clear line.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::{Notice, Severity};
use super::types::Plan;
use crate::catalog;
use crate::inventory::Inventory;
use crate::lab::Lab;
use crate::model::{InstanceType, Market, NodeName, Op, QuotaCode, Ref, Spec, UsageClass, Zone};

/// What is read only when something is launched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capacity {
    /// Limit and present use, whoever's, of each quota that matters.
    pub quotas: BTreeMap<QuotaCode, (u32, u32)>,
    /// The zones that offer each type.
    pub offered: BTreeMap<InstanceType, BTreeSet<Zone>>,
}

/// How much of each quota a plan takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// vCPUs by class and market.
    pub vcpus: BTreeMap<(UsageClass, Market), u32>,
    /// Elastic IPs.
    pub elastic_ips: u32,
    /// VPCs.
    pub vpcs: u32,
}

/// How much of each quota the plan takes. A group that may fall back from spot to on-demand counts against both; of
/// several types, the first counts.
pub fn demands(plan: &Plan, observed: &Inventory) -> Demand {
    let mut demand = Demand::default();
    for step in &plan.steps {
        match &step.op {
            Op::CreateVpc { .. } => demand.vpcs += 1,
            Op::AllocateAddress => demand.elastic_ips += 1,
            Op::RunInstances { launch, count, .. } => {
                let mut markets = BTreeSet::new();
                for rung in &launch.ladder {
                    if markets.insert(rung.market) {
                        add(&mut demand, &rung.instance_type, rung.market, *count);
                    }
                }
            }
            Op::StartInstances { instances } => {
                for instance in instances {
                    let Some(id) = id_of(plan, instance) else {
                        continue;
                    };
                    if let Some(seen) = observed
                        .by_id(&id)
                        .and_then(crate::inventory::Sighting::instance)
                    {
                        add(&mut demand, &seen.instance_type, seen.market, 1);
                    }
                }
            }
            _ => {}
        }
    }
    demand
}

fn id_of(plan: &Plan, instance: &Ref) -> Option<crate::model::CloudId> {
    match instance {
        Ref::Existing(id) => Some(id.clone()),
        Ref::Managed(address) => plan.bindings.get(address).map(|binding| binding.id.clone()),
    }
}

fn add(demand: &mut Demand, instance_type: &InstanceType, market: Market, count: u32) {
    let Some(facts) = catalog::instance_type(instance_type) else {
        return;
    };
    let class = UsageClass::of(instance_type.as_str());
    *demand.vcpus.entry((class, market)).or_default() += facts.vcpus * count;
}

/// Judges the plan against what was read of quotas and offers.
pub fn preflight(lab: &Lab, plan: &Plan, observed: &Inventory, capacity: &Capacity) -> Vec<Notice> {
    let mut notices = Vec::new();
    if plan.launches() {
        notices.extend(quotas(lab, &demands(plan, observed), capacity));
        notices.extend(offers(plan, capacity));
        notices.extend(super::interruption::interruptions(lab, plan));
    }
    notices.extend(types(lab));
    notices.extend(world_open(lab));
    notices.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.text.cmp(&b.text))
    });
    notices.dedup();
    notices
}

fn quotas(lab: &Lab, demand: &Demand, capacity: &Capacity) -> Vec<Notice> {
    let vcpus = demand
        .vcpus
        .iter()
        .map(|((class, market), need)| (QuotaCode::vcpus(*class, *market), *need, "vCPUs"));
    let others = [
        (QuotaCode::ELASTIC_IPS, demand.elastic_ips, "addresses"),
        (QuotaCode::VPCS, demand.vpcs, "VPCs"),
    ];
    let needed = vcpus.chain(others).filter(|(_, need, _)| *need > 0);
    needed
        .filter_map(|(quota, need, unit)| {
            let (limit, used) = *capacity.quotas.get(&quota)?;
            let fits = used + need <= limit;
            let help = format!(
                "aws service-quotas request-service-quota-increase --region {} --service-code {} --quota-code {} \
                 --desired-value {}",
                lab.region,
                quota.service,
                quota.code,
                used + need
            );
            Some(Notice {
                severity: if fits { Severity::Info } else { Severity::Error },
                topic: "quota".to_owned(),
                text: format!("{}: needs {need} {unit}, {used} of {limit} in use", quota.name),
                help: (!fits).then_some(help),
            })
        })
        .collect()
}

/// Says where each type is offered, and which is offered nowhere that the lab could use.
fn offers(plan: &Plan, capacity: &Capacity) -> Vec<Notice> {
    let mut usable: BTreeMap<&InstanceType, BTreeSet<&Zone>> = BTreeMap::new();
    for step in &plan.steps {
        if let Op::RunInstances { launch, .. } = &step.op {
            for rung in &launch.ladder {
                usable
                    .entry(&rung.instance_type)
                    .or_default()
                    .insert(&rung.zone);
            }
        }
    }
    usable
        .into_iter()
        .filter_map(|(instance_type, zones)| {
            let offered = capacity.offered.get(instance_type)?;
            let missing: Vec<_> = zones
                .iter()
                .filter(|zone| !offered.contains(**zone))
                .map(|z| z.as_str())
                .collect();
            (!missing.is_empty()).then(|| Notice {
                severity: if missing.len() == zones.len() {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                topic: "offered".to_owned(),
                text: format!(
                    "{instance_type} is no longer offered in {}",
                    missing.join(", ")
                ),
                help: Some(
                    "choose other `types`, or look again: roboinfra apply --refresh-pins"
                        .to_owned(),
                ),
            })
        })
        .collect()
}

/// Types that cannot be launched any more, have no known price, or do not suit what runs on them.
fn types(lab: &Lab) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut seen: BTreeSet<(&NodeName, &InstanceType)> = BTreeSet::new();
    for resource in lab.resources.values() {
        let Spec::Instance(spec) = &resource.spec else {
            continue;
        };
        if spec.index > 0 && seen.iter().any(|(group, _)| **group == spec.group) {
            continue;
        }
        notices.extend(disk(lab, &spec.group, spec.launch.root.size_gib));
        for rung in &spec.launch.ladder {
            if seen.insert((&spec.group, &rung.instance_type)) {
                notices.extend(suitability(lab, &spec.group, &rung.instance_type));
            }
        }
    }
    notices
}

fn suitability(lab: &Lab, group: &NodeName, instance_type: &InstanceType) -> Vec<Notice> {
    let notice = |severity, topic: &str, text: String, help: Option<&str>| Notice {
        severity,
        topic: topic.to_owned(),
        text,
        help: help.map(str::to_owned),
    };
    if let Some(reason) = catalog::retired(instance_type) {
        return vec![notice(
            Severity::Error,
            "retired",
            format!("node.{group}: {instance_type}: {reason}"),
            None,
        )];
    }
    let Some(facts) = catalog::instance_type(instance_type) else {
        let text = format!(
            "{instance_type} is not in the catalogue: its price and its vCPUs are left out"
        );
        return vec![notice(Severity::Warning, "price", text, None)];
    };
    let Some(stack) = lab.stacks.get(group) else {
        return Vec::new();
    };
    let workload = catalog::workload(stack.components.iter().map(String::as_str));
    let help = workload
        .cheapest(&lab.region, &facts.architecture)
        .map(|(fits, price)| {
            format!(
                "{} has room for it, at {price} per hour in us-east-1",
                fits.name
            )
        });
    workload
        .lacking(facts)
        .into_iter()
        .map(|lack| {
            let severity = if lack.hopeless {
                Severity::Error
            } else {
                Severity::Warning
            };
            let text = format!("node.{group}: the stack {}: {}", stack.name, lack.text);
            notice(severity, "workload", text, help.as_deref())
        })
        .collect()
}

/// A stack whose images do not fit on the disk.
fn disk(lab: &Lab, group: &NodeName, size_gib: u32) -> Option<Notice> {
    let stack = lab.stacks.get(group)?;
    let workload = catalog::workload(stack.components.iter().map(String::as_str));
    let lack = workload.lacking_disk(size_gib)?;
    Some(Notice {
        severity: Severity::Warning,
        topic: "workload".to_owned(),
        text: format!("node.{group}: the stack {}: {lack}", stack.name),
        help: Some("make root_volume larger".to_owned()),
    })
}

fn world_open(lab: &Lab) -> Vec<Notice> {
    let groups = lab
        .resources
        .iter()
        .filter_map(|(address, resource)| match &resource.spec {
            Spec::SecurityGroup(spec) => Some((address, spec)),
            _ => None,
        });
    groups
        .flat_map(|(address, spec)| {
            spec.rules
                .iter()
                .filter(|rule| rule.is_world_open())
                .map(move |rule| Notice {
                    severity: Severity::Warning,
                    topic: "world-open".to_owned(),
                    text: format!("{address}: port {} is open to the whole world", rule.ports),
                    help: Some(
                        "use from = \"operators\", or \"tunnel\" to reach it through SSH"
                            .to_owned(),
                    ),
                })
        })
        .collect()
}
