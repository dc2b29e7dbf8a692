//! Reads again what was just made and is not seen: reads lag behind writes, and what is not seen yet is not gone.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::inventory::Inventory;
use crate::model::{CloudId, Kind};
use crate::port::{Clock, Cloud, Scope};
use crate::state::Lockfile;

/// The first pause; it doubles.
const PAUSE: Duration = Duration::from_secs(2);

/// A reading in which nothing is missing that was made less than `patience` ago, if there can be one: otherwise a plan
/// would take it for gone, and make it a second time or forget it. What is older and not seen is gone.
pub async fn confirm(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    scope: &Scope,
    recorded: Option<&Lockfile>,
    mut inventory: Inventory,
    patience: Duration,
) -> Inventory {
    let mut pause = PAUSE;
    while let Some(rest) = youth(clock, recorded, &inventory, patience) {
        clock.sleep(pause.min(rest)).await;
        pause *= 2;
        inventory = cloud.collect(scope).await;
    }
    inventory
}

/// How long it takes until all that is missing is old enough; `None` if it is, or nothing is missing.
fn youth(
    clock: &dyn Clock,
    recorded: Option<&Lockfile>,
    inventory: &Inventory,
    patience: Duration,
) -> Option<Duration> {
    // What has just ended is still listed, and so not missing.
    let sightings = inventory.sightings.iter();
    let seen: BTreeSet<(Kind, &CloudId)> = sightings.map(|s| (s.seen.kind(), &s.id)).collect();
    let missing = recorded
        .iter()
        .flat_map(|lock| lock.resources.values())
        .filter(|recorded| !inventory.unreadable.contains_key(&recorded.kind))
        .filter(|recorded| !seen.contains(&(recorded.kind, &recorded.id)));
    let now = clock.now();
    missing
        .filter_map(|recorded| {
            let age = Duration::try_from(now.duration_since(recorded.created?)).ok()?;
            patience.checked_sub(age).filter(|rest| !rest.is_zero())
        })
        .max()
}
