//! What an action works with: the region's entities, IAM's, the clock's moment, and the scenario.

use std::time::Duration;

use jiff::Timestamp;

use super::published::Published;
use super::scenario::{Faults, Times};
use super::wire::{ApiError, ApiResult};
use super::world::{Kind, Record, Store};

/// The surroundings of one call.
pub(crate) struct Ctx<'a> {
    pub(crate) region: &'a str,
    pub(crate) action: &'a str,
    pub(crate) store: &'a mut Store,
    pub(crate) iam: &'a mut Store,
    pub(crate) s3: &'a mut Store,
    pub(crate) metrics: &'a mut Vec<Published>,
    pub(crate) faults: Faults<'a>,
    pub(crate) now: Timestamp,
    /// How long after its birth a thing is not visible to this action.
    pub(crate) hidden: Option<Duration>,
    /// Whether the page that is asked for stays empty although more follows.
    pub(crate) empty_page: bool,
}

impl<'a> Ctx<'a> {
    /// How long transitions take.
    pub(crate) fn times(&self) -> &'a Times {
        &self.faults.scenario.times
    }

    /// The moment after `wait` from now.
    pub(crate) fn in_future(&self, wait: Duration) -> Timestamp {
        later(self.now, wait)
    }

    /// The value of a quota: the scenario's, or one that is not in the way.
    pub(crate) fn quota(&self, code: &str, generous: u64) -> u64 {
        self.faults
            .scenario
            .quotas
            .get(code)
            .copied()
            .unwrap_or(generous)
    }

    /// Whether this action can see what was born then (EC2 Developer Guide, eventual-consistency).
    pub(crate) fn sees(&self, id: &str) -> bool {
        self.hidden.is_none_or(|hidden| {
            self.store
                .slot(id)
                .is_none_or(|slot| later(slot.born, hidden) <= self.now)
        })
    }

    /// The entity of this id, or the kind's documented refusal.
    pub(crate) fn find<T: Record>(&self, id: &str) -> ApiResult<&T> {
        let kind = Kind::of(T::PREFIX.trim_end_matches('-'));
        if !kind.is_well_formed(id) {
            return Err(ApiError::new(
                kind.malformed,
                format!("Invalid id: \"{id}\" (expecting \"{}-...\")", kind.prefix),
            ));
        }
        self.store
            .get(id)
            .filter(|_| self.sees(id))
            .ok_or_else(|| not_found(kind, id))
    }

    /// A copy of the entity of this id.
    pub(crate) fn copy<T: Record + Clone>(&self, id: &str) -> ApiResult<T> {
        self.find::<T>(id).cloned()
    }
}

/// The refusal for an id that names nothing.
pub(crate) fn not_found(kind: &Kind, id: &str) -> ApiError {
    ApiError::new(
        kind.not_found,
        format!("The {} '{id}' does not exist", kind.noun),
    )
}

/// The moment after `wait` from `moment`; the end of time at the latest.
pub(crate) fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.checked_add(wait).unwrap_or(Timestamp::MAX)
}
