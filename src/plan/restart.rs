//! A machine that changes its type or its placement has to be stopped and started again. A tag on it says so from before
//! the stop until after the start, so that a run that was cut off in between is told from a machine that somebody has
//! stopped.

use super::difference::{Context, Difference, differs};
use crate::inventory::SeenInstance;
use crate::model::{Impact, InstanceSpec, InstanceState, Market, Op, Ref, TAG_RESTART, Tags};

/// What puts the type and the placement right, and what finishes a restart that was cut off.
pub(super) fn diff(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    tags: &Tags,
    context: &Context<'_>,
) -> Vec<Difference> {
    let wanted: Vec<(Difference, Option<Op>)> = [
        instance_type(own, want, seen),
        placement(own, want, seen, context),
    ]
    .into_iter()
    .flatten()
    .collect();
    if wanted.is_empty() {
        let left = is_restarting(tags).then(|| finish(own, seen));
        return left.into_iter().collect();
    }
    let (mut found, changes): (Vec<Difference>, Vec<Option<Op>>) = wanted.into_iter().unzip();
    let Some(changes) = changes.into_iter().collect::<Option<Vec<Op>>>() else {
        for difference in &mut found {
            difference.impact = Impact::Replace;
        }
        return found;
    };
    let runs = !matches!(seen.state, InstanceState::Stopped | InstanceState::Stopping);
    let mut fixes = Vec::new();
    if runs {
        fixes.extend([mark(vec![own.clone()], true), stop(own)]);
    }
    if seen.state != InstanceState::Stopped {
        fixes.push(wait(own, InstanceState::Stopped));
    }
    fixes.extend(changes);
    if runs || is_restarting(tags) {
        fixes.extend(start(own));
        for difference in &mut found {
            difference.impact = Impact::Restart;
        }
    }
    found[0].fixes = fixes;
    found
}

/// Another type, and the operation that brings it; none where only a new machine can have it.
fn instance_type(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
) -> Option<(Difference, Option<Op>)> {
    let ladder = &want.launch.ladder;
    let is_listed = ladder
        .iter()
        .any(|rung| rung.instance_type == seen.instance_type);
    if is_listed {
        return None;
    }
    let offered_here = ladder
        .iter()
        .find(|rung| Some(&rung.zone) == seen.zone.as_ref() && rung.market == seen.market);
    // A one-time spot request cannot stop.
    let here = offered_here.filter(|_| seen.market == Market::OnDemand);
    let wanted = &here.or(ladder.first())?.instance_type;
    let modify = here.map(|rung| Op::ModifyInstanceType {
        instance: own.clone(),
        instance_type: rung.instance_type.clone(),
    });
    let difference = differs("type", &seen.instance_type, wanted, Impact::InPlace);
    Some((difference, modify))
}

/// Into the lab's placement group, or out of one.
fn placement(
    own: &Ref,
    want: &InstanceSpec,
    seen: &SeenInstance,
    context: &Context<'_>,
) -> Option<(Difference, Option<Op>)> {
    let group = want.launch.placement_group.as_ref();
    let wanted = group.and_then(|group| context.id(group));
    let is_so = match (&seen.placement_group, group) {
        (None, None) => true,
        (Some(now), Some(_)) => wanted.is_some_and(|wanted| wanted.as_str() == now),
        _ => false,
    };
    if is_so {
        return None;
    }
    let modify = (seen.market == Market::OnDemand).then(|| Op::ModifyPlacement {
        instance: own.clone(),
        group: group.cloned(),
    });
    let before = seen.placement_group.as_deref().unwrap_or("-");
    let after = match (group, wanted) {
        (None, _) => "-",
        (Some(_), Some(id)) => id.as_str(),
        (Some(_), None) => "the lab's own",
    };
    let difference = differs("placement_group", before, after, Impact::InPlace);
    Some((difference, modify))
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
