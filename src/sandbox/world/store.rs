//! All entities of one region (or of IAM), with indexes kept as they change.
//!
//! Every change of a call can be undone until it is committed, so a refused call has no effect at all. No lookup
//! but a listing without filters looks at more entities than it returns.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entity::{Entity, Record};
use super::ids::IdSource;
use super::keys::{Edge, Keys};

/// An entity and since when it exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) born: Timestamp,
    pub(crate) entity: Entity,
}

/// What a call changed: the entity as it is now, or that it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    Put(Box<Slot>),
    Drop(String),
}

/// The entities.
#[derive(Debug)]
pub(crate) struct Store {
    slots: BTreeMap<String, Slot>,
    edges: BTreeMap<(String, Edge), BTreeSet<String>>,
    tags: BTreeMap<(String, String), BTreeSet<String>>,
    names: BTreeMap<String, String>,
    meters: BTreeMap<String, u64>,
    due: BTreeSet<(Timestamp, String)>,
    undo: BTreeMap<String, Option<Slot>>,
    /// The source of ids.
    pub(crate) ids: IdSource,
    ids_before: u64,
    /// The present moment of the call under way.
    pub(crate) now: Timestamp,
}

impl Store {
    /// An empty store.
    pub(crate) fn new(ids: IdSource) -> Self {
        Self {
            slots: BTreeMap::new(),
            edges: BTreeMap::new(),
            tags: BTreeMap::new(),
            names: BTreeMap::new(),
            meters: BTreeMap::new(),
            due: BTreeSet::new(),
            undo: BTreeMap::new(),
            ids_before: ids.given,
            ids,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// The entity of this id and kind.
    pub(crate) fn get<T: Record>(&self, id: &str) -> Option<&T> {
        self.slots.get(id).and_then(|slot| T::peel(&slot.entity))
    }

    /// The slot of this id.
    pub(crate) fn slot(&self, id: &str) -> Option<&Slot> {
        self.slots.get(id)
    }

    /// Every entity of a kind after the id `after`, in the order of ids.
    pub(crate) fn all_after<'a, T: Record + 'a>(
        &'a self,
        after: &str,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let from = if after.is_empty() { T::PREFIX } else { after };
        self.slots
            .range::<str, _>((Bound::Excluded(from), Bound::Unbounded))
            .take_while(|(id, _)| id.starts_with(T::PREFIX))
            .filter_map(|(_, slot)| T::peel(&slot.entity))
    }

    /// Every entity of a kind.
    pub(crate) fn all<'a, T: Record + 'a>(&'a self) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.all_after("")
    }

    /// Every slot, in the order of ids.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values()
    }

    /// How many entities there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The ids of those that hang on `target` by `edge`.
    pub(crate) fn referrers(&self, target: &str, edge: Edge) -> Vec<String> {
        self.edges
            .get(&(target.to_owned(), edge))
            .map(|ids| ids.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Whether anything hangs on `target` by `edge`.
    pub(crate) fn is_referred(&self, target: &str, edge: Edge) -> bool {
        self.edges.contains_key(&(target.to_owned(), edge))
    }

    /// The entities of a kind that hang on `target` by `edge`.
    pub(crate) fn hanging<'a, T: Record + 'a>(
        &'a self,
        target: &str,
        edge: Edge,
    ) -> impl Iterator<Item = &'a T> {
        self.edges
            .get(&(target.to_owned(), edge))
            .into_iter()
            .flatten()
            .filter_map(|id| self.get(id))
    }

    /// The ids, after `after` and with the kind's prefix, that carry a tag.
    pub(crate) fn tagged<'a, T: Record>(
        &'a self,
        key: &str,
        value: &str,
        after: &str,
    ) -> impl Iterator<Item = &'a String> + use<'a, T> {
        let from = if after.is_empty() { T::PREFIX } else { after }.to_owned();
        self.tags
            .get(&(key.to_owned(), value.to_owned()))
            .into_iter()
            .flat_map(move |ids| {
                ids.range((Bound::Excluded(from.clone()), Bound::Unbounded))
                    .take_while(|id| id.starts_with(T::PREFIX))
            })
    }

    /// The id of the entity with a unique name.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    /// The sum of what counts against a meter.
    pub(crate) fn meter(&self, name: &str) -> u64 {
        self.meters.get(name).copied().unwrap_or_default()
    }

    /// A new id.
    pub(crate) fn fresh(&mut self, prefix: &str) -> String {
        self.ids.fresh(prefix)
    }

    /// Takes an entity in; one with this id is replaced.
    pub(crate) fn put<T: Record>(&mut self, record: T) {
        let id = record.id().to_owned();
        let born = self.slots.get(&id).map_or(self.now, |slot| slot.born);
        let slot = Slot {
            born,
            entity: record.wrap(),
        };
        let before = self.insert(slot);
        self.undo.entry(id).or_insert(before);
    }

    /// Changes an entity in place; does nothing if there is none.
    pub(crate) fn update<T: Record>(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        self.update_any(id, |entity| {
            if let Some(record) = T::peel_mut(entity) {
                change(record);
            }
        });
    }

    /// Changes an entity of any kind in place.
    pub(crate) fn update_any(&mut self, id: &str, change: impl FnOnce(&mut Entity)) {
        let Some(slot) = self.slots.get(id) else {
            return;
        };
        let mut slot = slot.clone();
        change(&mut slot.entity);
        let before = self.insert(slot);
        self.undo.entry(id.to_owned()).or_insert(before);
    }

    /// Takes an entity away.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(slot) = self.take(id) {
            self.undo.entry(id.to_owned()).or_insert(Some(slot));
        }
    }

    /// The id of the next entity whose state is due to change by now.
    pub(crate) fn next_due(&self) -> Option<String> {
        let (at, id) = self.due.first()?;
        (*at <= self.now).then(|| id.clone())
    }

    /// When the next state changes.
    pub(crate) fn next_due_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Undoes every change since the last commit.
    pub(crate) fn rollback(&mut self) {
        for (id, before) in std::mem::take(&mut self.undo) {
            self.take(&id);
            if let Some(slot) = before {
                self.insert(slot);
            }
        }
        self.ids.given = self.ids_before;
    }

    /// Every change since the last commit; there is no way back from here.
    pub(crate) fn commit(&mut self) -> Vec<Change> {
        self.ids_before = self.ids.given;
        std::mem::take(&mut self.undo)
            .into_keys()
            .map(|id| match self.slots.get(&id) {
                Some(slot) => Change::Put(Box::new(slot.clone())),
                None => Change::Drop(id),
            })
            .collect()
    }

    /// Everything as changes from nothing.
    pub(crate) fn everything(&self) -> Vec<Change> {
        self.slots
            .values()
            .map(|slot| Change::Put(Box::new(slot.clone())))
            .collect()
    }

    /// Applies a change from the log.
    pub(crate) fn replay(&mut self, change: Change) {
        match change {
            Change::Put(slot) => {
                self.insert(*slot);
            }
            Change::Drop(id) => {
                self.take(&id);
            }
        }
    }

    /// The log says how many ids were given.
    pub(crate) fn set_given(&mut self, given: u64) {
        self.ids.given = given;
        self.ids_before = given;
    }

    fn insert(&mut self, slot: Slot) -> Option<Slot> {
        let id = slot.entity.id().to_owned();
        let before = self.take(&id);
        let Keys {
            edges,
            names,
            meters,
            due,
        } = slot.entity.keys();
        for (edge, target) in edges {
            self.edges
                .entry((target, edge))
                .or_default()
                .insert(id.clone());
        }
        for (key, value) in slot.entity.tags().into_iter().flatten() {
            self.tags
                .entry((key.clone(), value.clone()))
                .or_default()
                .insert(id.clone());
        }
        for name in names {
            self.names.insert(name, id.clone());
        }
        for (meter, amount) in meters {
            *self.meters.entry(meter).or_default() += amount;
        }
        if let Some(at) = due {
            self.due.insert((at, id.clone()));
        }
        self.slots.insert(id, slot);
        before
    }

    fn take(&mut self, id: &str) -> Option<Slot> {
        let slot = self.slots.remove(id)?;
        let Keys {
            edges,
            names,
            meters,
            due,
        } = slot.entity.keys();
        for (edge, target) in edges {
            drop_from(&mut self.edges, &(target, edge), id);
        }
        for (key, value) in slot.entity.tags().into_iter().flatten() {
            drop_from(&mut self.tags, &(key.clone(), value.clone()), id);
        }
        for name in names {
            self.names.remove(&name);
        }
        for (meter, amount) in meters {
            if let Some(sum) = self.meters.get_mut(&meter) {
                *sum = sum.saturating_sub(amount);
            }
        }
        if let Some(at) = due {
            self.due.remove(&(at, id.to_owned()));
        }
        Some(slot)
    }
}

/// Takes an id out of an index; an empty set goes too, so that presence means something hangs there.
fn drop_from<K: Ord>(index: &mut BTreeMap<K, BTreeSet<String>>, key: &K, id: &str) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Gateway, Tags, Vpc};
    use super::*;

    fn vpc(id: &str) -> Vpc {
        Vpc {
            id: id.to_owned(),
            cidr: "10.0.0.0/16".parse().expect("a network"),
            tenancy: "default".to_owned(),
            dns_support: true,
            dns_hostnames: false,
            tags: Tags::from([("lab".to_owned(), "a".to_owned())]),
        }
    }

    #[test]
    fn indexes_follow_changes_and_rollback_restores_them() {
        let mut store = Store::new(IdSource::new(1, 0));
        store.put(vpc("vpc-1"));
        store.put(Gateway {
            id: "igw-1".to_owned(),
            vpc: Some("vpc-1".to_owned()),
            tags: Tags::new(),
        });
        assert_eq!(store.commit().len(), 2);
        assert!(store.is_referred("vpc-1", Edge::GatewayOfVpc));

        store.update::<Gateway>("igw-1", |gateway| gateway.vpc = None);
        store.remove("vpc-1");
        store.fresh("vpc");
        assert!(!store.is_referred("vpc-1", Edge::GatewayOfVpc));
        assert_eq!((store.meter("vpcs"), store.ids.given), (0, 1));

        store.rollback();
        assert!(store.is_referred("vpc-1", Edge::GatewayOfVpc));
        assert_eq!((store.meter("vpcs"), store.ids.given), (1, 0));
        let tagged: Vec<_> = store.tagged::<Vpc>("lab", "a", "").collect();
        assert_eq!(tagged, ["vpc-1"]);
        assert!(store.commit().is_empty());
    }
}
