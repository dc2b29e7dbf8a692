//! Clears up after a run that did not end: every intent without an effect is looked for, twice, some time apart.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::remember::remembered;
use crate::inventory::{Inventory, Owner, Sighting};
use crate::model::{Address, Kind, LabId};
use crate::port::{Clock, Cloud, Scope};
use crate::state::{Effect, Intent, Record, Recorded};

/// What became of the suspects.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// The latest reading of the world.
    pub inventory: Inventory,
    /// What to append to the journal.
    pub records: Vec<Record>,
    /// Intents whose kind could not be read: they stay suspects.
    pub unsettled: Vec<Intent>,
}

/// Looks for what each open intent of the lab `lab` may have made. `patience` is how old an intent must be before its absence counts:
/// reads lag behind writes.
pub async fn recover(
    cloud: &dyn Cloud,
    clock: &dyn Clock,
    (scope, lab): (&Scope, &LabId),
    open: &BTreeMap<u64, Intent>,
    first: Inventory,
    patience: Duration,
) -> Recovery {
    let mut recovery = Recovery {
        inventory: first,
        records: Vec::new(),
        unsettled: Vec::new(),
    };
    let mut absent: BTreeSet<u64> = BTreeSet::new();
    for look in 0..2 {
        if look > 0 {
            if absent.is_empty() {
                break;
            }
            clock.sleep(pause(clock, open, &absent, patience)).await;
            recovery.inventory = cloud.collect(scope).await;
        }
        let suspects: Vec<u64> = if look == 0 {
            open.keys().copied().collect()
        } else {
            absent.iter().copied().collect()
        };
        recovery.unsettled.clear();
        for seq in suspects {
            let intent = &open[&seq];
            let resources = found(intent, lab, &recovery.inventory);
            // Of several machines, some may be seen before the others.
            let wanted = intent.count.map_or(1, |count| count as usize);
            if resources.len() >= wanted || (look > 0 && !resources.is_empty()) {
                absent.remove(&seq);
                recovery.records.push(Record::Effect {
                    seq,
                    effect: Effect::Made { resources },
                });
            } else if recovery.inventory.unreadable.contains_key(&intent.kind) {
                absent.remove(&seq);
                recovery.unsettled.push(intent.clone());
            } else {
                absent.insert(seq);
            }
        }
    }
    recovery
        .records
        .extend(absent.into_iter().map(|seq| Record::Effect {
            seq,
            effect: Effect::Cleared,
        }));
    recovery
}

/// Until the youngest absent suspect is old enough, but at least a second.
fn pause(
    clock: &dyn Clock,
    open: &BTreeMap<u64, Intent>,
    absent: &BTreeSet<u64>,
    patience: Duration,
) -> Duration {
    let youngest = absent.iter().map(|seq| open[seq].at).max();
    let age = youngest
        .and_then(|at| Duration::try_from(clock.now().duration_since(at)).ok())
        .unwrap_or_default();
    patience.saturating_sub(age).max(Duration::from_secs(1))
}

/// What an intent made, as far as it can be seen.
fn found(intent: &Intent, lab: &LabId, inventory: &Inventory) -> Vec<(Address, Recorded)> {
    let of_kind = inventory
        .sightings
        .iter()
        .filter(|s| s.seen.kind() == intent.kind && !s.is_gone());
    of_kind
        .filter_map(|sighting| {
            Some((
                address_of(intent, lab, sighting)?,
                recorded(intent, sighting),
            ))
        })
        .collect()
}

fn address_of(intent: &Intent, lab: &LabId, sighting: &Sighting) -> Option<Address> {
    let Owner::Lab {
        id,
        address: Some(address),
        ..
    } = &sighting.owner
    else {
        return None;
    };
    // Another lab may have the same name.
    if id != lab {
        return None;
    }
    let matches = match (intent.kind, intent.first, intent.count) {
        (Kind::Instance, Some(first), Some(count)) => {
            let index = address
                .as_str()
                .strip_prefix(intent.address.as_str())?
                .strip_prefix('.')?;
            let index: u32 = index.parse().ok()?;
            (first..first + count).contains(&index)
        }
        _ => *address == intent.address,
    };
    matches.then(|| address.clone())
}

/// What the intent made, with no digest: the next plan sees whether it is complete.
fn recorded(intent: &Intent, sighting: &Sighting) -> Recorded {
    Recorded {
        // Many kinds do not tell when they were made; it was soon after this.
        created: sighting.created.or(Some(intent.at)),
        ..remembered(sighting)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::inventory::{Seen, SeenVpc};
    use crate::model::{ClientToken, CloudId, TAG_ADDRESS, TAG_LAB, TAG_LAB_ID, Tags};

    fn vpc(id: &str, lab: &str) -> Sighting {
        let pairs = [
            (TAG_LAB, "twin"),
            (TAG_LAB_ID, lab),
            (TAG_ADDRESS, "network.vpc"),
        ];
        let tags: Tags = pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Sighting {
            id: CloudId::new(id),
            owner: Owner::of(&tags, None),
            tags,
            created: None,
            seen: Seen::Vpc(SeenVpc {
                cidr: None,
                dns_hostnames: None,
            }),
        }
    }

    #[test]
    fn another_lab_of_the_same_name_made_nothing_of_this_one() {
        let intent = Intent {
            seq: 1,
            address: Address::new("network.vpc"),
            kind: Kind::Vpc,
            token: ClientToken::new("t"),
            first: None,
            count: None,
            at: Timestamp::UNIX_EPOCH,
        };
        let mut inventory = Inventory::empty(Timestamp::UNIX_EPOCH);
        inventory.sightings = vec![vpc("vpc-ours", "x1"), vpc("vpc-theirs", "x2")];
        let found = found(&intent, &LabId::new("x1"), &inventory);
        let ids: Vec<&str> = found
            .iter()
            .map(|(_, recorded)| recorded.id.as_str())
            .collect();
        assert_eq!(ids, ["vpc-ours"]);
    }
}
