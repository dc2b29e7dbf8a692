//! What goes into one call of PutMetricData.

use super::interval::Interval;

/// The most sets in one call (CloudWatch API Reference, PutMetricData: 1000 metrics).
pub(crate) const MOST_SETS: usize = 1000;

/// CloudWatch takes nothing that is older than two weeks; an hour less leaves room for clocks that differ.
pub(crate) const OLDEST_S: i64 = 14 * 86_400 - 3600;

/// Whether CloudWatch still takes it.
pub(crate) fn too_old(start_s: i64, wall_s: i64) -> bool {
    wall_s.saturating_sub(start_s) > OLDEST_S
}

/// Whether one more interval fits into the call. A set of ours takes less than 900 bytes, so that a thousand of them
/// stay below the limit of 1 MB as well.
pub(crate) fn fits(sets: usize, next: &Interval) -> bool {
    sets == 0 || sets + next.sets.len() <= MOST_SETS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::publish::interval::{Set, Statistics};
    use crate::model::AgentMetric;

    #[test]
    fn a_call_is_filled_up_to_its_limit() {
        let set = Set {
            metric: AgentMetric::Heartbeat,
            gpu: None,
            statistics: Statistics::of(1.0),
        };
        let interval = Interval {
            start_s: 0,
            samples: 1,
            sets: vec![set; 49],
        };
        let mut sets = 0;
        let mut intervals = 0;
        while fits(sets, &interval) {
            sets += interval.sets.len();
            intervals += 1;
        }
        assert_eq!((intervals, sets), (20, 980));
    }

    #[test]
    fn two_weeks() {
        assert!(!too_old(0, 13 * 86_400));
        assert!(too_old(0, 14 * 86_400));
        assert!(!too_old(i64::MAX, i64::MIN), "a clock that makes no sense");
    }
}
