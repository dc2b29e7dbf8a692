//! Finds out whether a call of unknown outcome happened: by the tags and names it would have left.

use std::time::Duration;

use super::wait;
use super::worker::Worker;
use crate::inventory::{Owner, Sighting};
use crate::model::{Address, Born, Failure, Kind, Op, Outcome, Ref};

/// Pauses before each look, because reads can lag behind writes. What has no token is looked for longer: sent again too
/// early, it would be made twice.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(15),
];

/// What the call made, or `None` after several absences.
pub(super) async fn lookup(worker: &Worker<'_>, op: &Op) -> Result<Option<Outcome>, Failure> {
    let Some(kind) = op.creates() else {
        return Ok(None);
    };
    let looks = if op.has_token() { 2 } else { PAUSES.len() };
    let wanted = match op {
        Op::RunInstances { count, .. } => usize::try_from(*count).unwrap_or(usize::MAX),
        _ => 1,
    };
    let mut born = Vec::new();
    for pause in &PAUSES[..looks] {
        if !pause.is_zero() {
            worker.sleep(*pause).await?;
        }
        born = wait::retrying(worker, || look(worker, op, kind)).await?;
        // Of several machines, some may be seen before the others.
        if born.len() >= wanted {
            break;
        }
    }
    Ok((!born.is_empty()).then_some(Outcome { born }))
}

/// What is to be seen now of what the call made.
async fn look(worker: &Worker<'_>, op: &Op, kind: Kind) -> Result<Vec<Born>, Failure> {
    let world = worker.cloud.collect(worker.scope).await;
    if let Some(failure) = world.unreadable.get(&kind) {
        return Err(failure.clone());
    }
    let of_kind = world
        .sightings
        .iter()
        .filter(|sighting| sighting.seen.kind() == kind && !sighting.is_gone());
    Ok(of_kind
        .filter_map(|sighting| born(worker, op, sighting))
        .collect())
}

/// The sighting as something this call made, if it is.
fn born(worker: &Worker<'_>, op: &Op, sighting: &Sighting) -> Option<Born> {
    let Owner::Lab {
        id,
        address: Some(address),
        run,
        ..
    } = &sighting.owner
    else {
        return None;
    };
    if *id != worker.lab.id {
        return None;
    }
    let zone = sighting
        .instance()
        .and_then(|instance| instance.zone.clone());
    match op {
        Op::RunInstances { first, count, .. } => {
            let index = index_of(&worker.address, address)?.checked_sub(*first)?;
            let ours = run.as_deref() == Some(worker.run.as_str()) && index < *count;
            ours.then(|| Born {
                id: sighting.id.clone(),
                launch_index: index,
                zone,
            })
        }
        // Routes and associations carry no tags: their table or subnet tells whose they are. Of an alarm or a dashboard its
        // name does.
        Op::CreateRoute { .. }
        | Op::AssociateRouteTable { .. }
        | Op::CreateAlarm { .. }
        | Op::CreateDashboard { .. } => (*address == worker.address).then(|| Born {
            id: sighting.id.clone(),
            launch_index: 0,
            zone: None,
        }),
        _ => {
            let ours = *address == worker.address && run.as_deref() == Some(worker.run.as_str());
            ours.then(|| Born {
                id: sighting.id.clone(),
                launch_index: 0,
                zone: zone_of(op),
            })
        }
    }
}

fn zone_of(op: &Op) -> Option<crate::model::Zone> {
    match op {
        Op::CreateSubnet { zone, .. } => Some(zone.clone()),
        Op::CreateVolume {
            zone,
            beside: Ref::Existing(_) | Ref::Managed(_),
            ..
        } => zone.clone(),
        _ => None,
    }
}

fn index_of(group: &Address, node: &Address) -> Option<u32> {
    node.as_str()
        .strip_prefix(group.as_str())?
        .strip_prefix('.')?
        .parse()
        .ok()
}
