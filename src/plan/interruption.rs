//! What an interruption of spot capacity does to a lab, in a line or two, for those who are about to launch there.
//!
//! EC2 User Guide, "Spot Instance interruptions" and "Behavior of Spot Instance interruptions".

use std::collections::BTreeMap;

use super::notice::{Notice, Severity};
use super::types::Plan;
use crate::lab::Lab;
use crate::model::{Address, LaunchSpec, Market, NodeName, Op, Spec};

/// One notice for each group that the plan may launch on the spot market.
pub(super) fn interruptions(lab: &Lab, plan: &Plan) -> Vec<Notice> {
    let launches = plan.steps.iter().filter_map(|step| match &step.op {
        Op::RunInstances { launch, .. } => Some((&step.address, launch)),
        _ => None,
    });
    let mut groups: BTreeMap<&Address, &LaunchSpec> = BTreeMap::new();
    for (address, launch) in launches {
        let spot = launch.ladder.iter().any(|rung| rung.market == Market::Spot);
        if spot {
            groups.insert(address, launch);
        }
    }
    let notices = groups.into_iter().map(|(address, launch)| {
        let keeps = Keeps::of(lab, address);
        Notice {
            severity: Severity::Warning,
            topic: "interruption".to_owned(),
            text: format!(
                "{address} is bought on the spot market: {}",
                consequence(launch, &keeps)
            ),
            help: launch.spot.persistent.then(|| {
                "`start` cannot bring back what EC2 has stopped; `destroy` cancels the requests first".to_owned()
            }),
        }
    });
    notices.collect()
}

/// What stands beside the machines of a group.
struct Keeps {
    volumes: bool,
    elastic_ip: bool,
}

impl Keeps {
    fn of(lab: &Lab, group: &Address) -> Self {
        let name = group.as_str().strip_prefix("node.").unwrap_or_default();
        let name = NodeName::try_from(name.split('.').next().unwrap_or_default()).ok();
        let has = |kind: &str, test: fn(&Spec) -> bool| {
            name.as_ref().is_some_and(|name| {
                let within = Address::of(&[kind, name.as_str()]);
                let mut resources = lab.resources.iter();
                resources.any(|(at, resource)| at.is_within(&within) && test(&resource.spec))
            })
        };
        Self {
            volumes: has("volume", |spec| matches!(spec, Spec::Volume(_))),
            elastic_ip: has("elastic-ip", |spec| matches!(spec, Spec::ElasticIp(_))),
        }
    }
}

fn consequence(launch: &LaunchSpec, keeps: &Keeps) -> String {
    let mut kept: Vec<&str> = Vec::new();
    if launch.spot.persistent {
        kept.push("its disks");
    } else if keeps.volumes {
        kept.push("its data volumes");
    }
    if keeps.elastic_ip {
        kept.push("its address");
    }
    let kept = match kept.as_slice() {
        [] => "nothing is kept".to_owned(),
        kept => format!("{} stay", kept.join(" and ")),
    };
    if launch.spot.persistent {
        format!(
            "EC2 may stop it with two minutes' notice; {kept}, what is in memory or on instance storage is lost, and EC2 starts it again \
             by itself when there is capacity in its zone"
        )
    } else {
        format!(
            "EC2 may terminate it with two minutes' notice; {kept}, its root disk is lost with all that is on it, and the next `apply` \
             makes another"
        )
    }
}
