//! A machine that changes its type has to be stopped and started again. A tag on it says so from before the stop until
//! after the start, so that a run that was cut off in between is told from a machine that somebody has stopped.

use super::difference::{Difference, differs};
use crate::inventory::SeenInstance;
use crate::model::{Impact, InstanceSpec, InstanceState, Market, Op, Ref, TAG_RESTART, Tags};

/// What puts the type right, and what finishes a restart that was cut off.
pub(super) fn diff(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    tags: &Tags,
) -> Option<Difference> {
    let ladder = &want.launch.ladder;
    let is_listed = ladder
        .iter()
        .any(|rung| rung.instance_type == seen.instance_type);
    if is_listed {
        return is_restarting(tags).then(|| finish(own, seen));
    }
    let first = ladder.first()?;
    let offered_here = ladder
        .iter()
        .find(|rung| Some(&rung.zone) == seen.zone.as_ref() && rung.market == seen.market);
    let differs = |wanted, impact| differs("type", &seen.instance_type, wanted, impact);
    // A one-time spot request cannot stop.
    let Some(rung) = offered_here.filter(|_| seen.market == Market::OnDemand) else {
        return Some(differs(&first.instance_type, Impact::Replace));
    };
    let modify = Op::ModifyInstanceType {
        instance: own.clone(),
        instance_type: rung.instance_type.clone(),
    };
    let runs = !matches!(seen.state, InstanceState::Stopped | InstanceState::Stopping);
    let mut fixes = Vec::new();
    if runs {
        fixes.extend([mark(vec![own.clone()], true), stop(own)]);
    }
    if seen.state != InstanceState::Stopped {
        fixes.push(wait(own, InstanceState::Stopped));
    }
    fixes.push(modify);
    let impact = if runs || is_restarting(tags) {
        fixes.extend(start(own));
        Impact::Restart
    } else {
        Impact::InPlace
    };
    Some(differs(&rung.instance_type, impact).with(fixes))
}

/// Whether a run has stopped the machine, or was about to, and wanted to start it again.
pub(super) fn is_restarting(tags: &Tags) -> bool {
    tags.get(TAG_RESTART).map(String::as_str) == Some("true")
}

/// Says on machines whether they are to be started again.
pub(super) fn mark(machines: Vec<Ref>, restarting: bool) -> Op {
    Op::CreateTags {
        resources: machines,
        tags: Tags::from([(TAG_RESTART.to_owned(), restarting.to_string())]),
    }
}

fn finish(own: &Ref, seen: &SeenInstance) -> Difference {
    let fixes: Vec<Op> = match seen.state {
        InstanceState::Stopped => start(own).into(),
        InstanceState::Stopping => [wait(own, InstanceState::Stopped)]
            .into_iter()
            .chain(start(own))
            .collect(),
        _ => vec![mark(vec![own.clone()], false)],
    };
    let before = format!("{}, being restarted", seen.state);
    differs("state", before, InstanceState::Running, Impact::InPlace).with(fixes)
}

fn stop(own: &Ref) -> Op {
    Op::StopInstances {
        instances: vec![own.clone()],
    }
}

fn start(own: &Ref) -> [Op; 3] {
    [
        Op::StartInstances {
            instances: vec![own.clone()],
        },
        wait(own, InstanceState::Running),
        mark(vec![own.clone()], false),
    ]
}

fn wait(own: &Ref, state: InstanceState) -> Op {
    Op::AwaitInstances {
        instances: vec![own.clone()],
        state,
    }
}
