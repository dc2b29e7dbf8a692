//! Finds out whether a call of unknown outcome happened: by the tags and names it would have left.

use std::time::Duration;

use super::worker::Worker;
use crate::inventory::{Owner, Sighting};
use crate::model::{Address, Born, Failure, Op, Outcome, Ref};

/// How long after the first look the second is taken: reads can lag behind writes.
const SECOND_LOOK: Duration = Duration::from_secs(5);

/// What the call made, or `None` after two absences.
pub(super) async fn lookup(worker: &Worker<'_>, op: &Op) -> Result<Option<Outcome>, Failure> {
    for look in 0..2 {
        if look > 0 {
            worker.sleep(SECOND_LOOK).await?;
        }
        let world = worker.cloud.collect(worker.scope).await;
        let kind = op.creates();
        if let Some(failure) = kind.and_then(|kind| world.unreadable.get(&kind)) {
            return Err(failure.clone());
        }
        let born: Vec<Born> = world
            .sightings
            .iter()
            .filter(|sighting| Some(sighting.seen.kind()) == kind && !sighting.is_gone())
            .filter_map(|sighting| born(worker, op, sighting))
            .collect();
        if !born.is_empty() {
            return Ok(Some(Outcome { born }));
        }
    }
    Ok(None)
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
        // Routes and associations carry no tags: their table or subnet tells whose they are.
        Op::CreateRoute { .. } | Op::AssociateRouteTable { .. } => (*address == worker.address)
            .then(|| Born {
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
