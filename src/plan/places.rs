//! Where everything that was seen of a lab stands: at the address that its tags tell, at the one it has moved to, or
//! at the one that the lockfile remembers where somebody has changed the tags.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::{Inventory, Owner, Sighting};
use crate::lab::Lab;
use crate::model::{Address, CloudId, Kind};
use crate::state::Lockfile;

/// Something seen, at its address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) sighting: &'a Sighting,
    /// Whether its tags give it an address that has moved here.
    pub(super) moved: bool,
    /// Whether its tags do not say that it is this lab's.
    pub(super) untagged: bool,
}

/// All that was seen of a lab, by address.
pub(super) type Places<'a> = BTreeMap<Address, Vec<Place<'a>>>;

/// The lab's own, by the address that it has now.
pub fn owned<'a>(
    lab: &'a Lab,
    observed: &'a Inventory,
) -> impl Iterator<Item = (Address, &'a Sighting)> {
    observed
        .owned(&lab.name, &lab.id)
        .map(|(address, sighting)| (lab.moves.home(address), sighting))
}

/// What is remembered of resources and hosts, by the address that each has now. Where two would share one, the one that
/// was there stays.
pub fn remembered(lab: &Lab, recorded: Option<&Lockfile>) -> Option<Lockfile> {
    let mut lock = recorded?.clone();
    if lab.moves.is_empty() {
        return Some(lock);
    }
    lock.resources = at_home(lab, lock.resources);
    lock.hosts = at_home(lab, lock.hosts);
    Some(lock)
}

fn at_home<T>(lab: &Lab, all: BTreeMap<Address, T>) -> BTreeMap<Address, T> {
    let (mut home, away): (BTreeMap<_, _>, BTreeMap<_, _>) = all
        .into_iter()
        .partition(|(address, _)| lab.moves.home(address) == *address);
    for (address, value) in away {
        home.entry(lab.moves.home(&address)).or_insert(value);
    }
    home
}

/// Everything seen, at its place. `recorded` has moved already.
pub(super) fn places<'a>(
    lab: &'a Lab,
    recorded: Option<&Lockfile>,
    observed: &'a Inventory,
) -> Places<'a> {
    let mut places = Places::new();
    for (address, sighting) in observed.owned(&lab.name, &lab.id) {
        let home = lab.moves.home(address);
        let moved = home != *address;
        places.entry(home).or_default().push(Place {
            sighting,
            moved,
            untagged: false,
        });
    }
    let by_id: BTreeMap<(Kind, &CloudId), &Sighting> = observed
        .sightings
        .iter()
        .filter(|sighting| !sighting.is_gone() && !sighting.is_part())
        .map(|sighting| ((sighting.seen.kind(), &sighting.id), sighting))
        .collect();
    let wanted = |address: &Address| lab.resources.contains_key(address);
    for (address, recorded) in recorded.into_iter().flat_map(|lock| &lock.resources) {
        if places.contains_key(address) {
            continue;
        }
        let Some(sighting) = by_id.get(&(recorded.kind, &recorded.id)) else {
            continue;
        };
        let place = match &sighting.owner {
            // Another lab has it now, by its tags.
            Owner::Lab { id, .. } if *id != lab.id => continue,
            Owner::Lab {
                address: Some(told),
                ..
            } => {
                let told = lab.moves.home(told);
                // Tags are the truth, unless they lead to where the profile wants nothing.
                if wanted(&told) || !wanted(address) {
                    continue;
                }
                leave(&mut places, &told, sighting);
                false
            }
            Owner::Lab { address: None, .. } => false,
            Owner::Foreign => true,
        };
        places.insert(
            address.clone(),
            vec![Place {
                sighting,
                moved: false,
                untagged: place,
            }],
        );
    }
    places
}

/// Takes one thing from an address, and leaves what else stands there.
fn leave(places: &mut Places<'_>, address: &Address, sighting: &Sighting) {
    if let Some(there) = places.get_mut(address) {
        there.retain(|place| place.sighting.id != sighting.id);
        if there.is_empty() {
            places.remove(address);
        }
    }
}

/// What is remembered and was not seen, of the kinds that could be read and can be looked for by their ids.
pub fn missing(
    recorded: Option<&Lockfile>,
    observed: &Inventory,
) -> BTreeMap<Kind, BTreeSet<CloudId>> {
    let seen: BTreeSet<(Kind, &CloudId)> = observed
        .sightings
        .iter()
        .map(|sighting| (sighting.seen.kind(), &sighting.id))
        .collect();
    let mut missing: BTreeMap<Kind, BTreeSet<CloudId>> = BTreeMap::new();
    for recorded in recorded
        .into_iter()
        .flat_map(|lock| lock.resources.values())
    {
        // Roles and instance profiles are read by their names anyway.
        let by_tags = super::tagging::is_taggable(recorded.kind)
            && !matches!(recorded.kind, Kind::Role | Kind::InstanceProfile);
        if by_tags
            && !observed.unreadable.contains_key(&recorded.kind)
            && !seen.contains(&(recorded.kind, &recorded.id))
        {
            let of_kind = missing.entry(recorded.kind).or_default();
            of_kind.insert(recorded.id.clone());
        }
    }
    missing
}

/// Takes what was found by its id into a reading.
pub fn add_found(observed: &mut Inventory, found: Vec<Sighting>) {
    observed.sightings.extend(found);
    let sightings = &mut observed.sightings;
    sightings.sort_by(|a, b| (a.seen.kind(), &a.id).cmp(&(b.seen.kind(), &b.id)));
    sightings.dedup_by(|a, b| a.seen.kind() == b.seen.kind() && a.id == b.id);
}
