//! What goes into one call of PutMetricData.

use super::interval::Interval;
use super::ledger::Drop;

/// The most sets in one call (CloudWatch API Reference, PutMetricData: 1000 metrics).
pub(crate) const MOST_SETS: usize = 1000;

/// CloudWatch takes nothing that is older than two weeks; an hour less leaves room for clocks that differ.
pub(crate) const OLDEST_S: i64 = 14 * 86_400 - 3600;

/// Nor anything that is more than two hours ahead; ten minutes less leave room for clocks that differ.
pub(crate) const NEWEST_S: i64 = 2 * 3600 - 600;

/// Why CloudWatch would not take an interval at a time, if so.
pub(crate) fn out_of_window(start_s: i64, wall_s: i64) -> Option<Drop> {
    let age = wall_s.saturating_sub(start_s);
    if age > OLDEST_S {
        Some(Drop::Old)
    } else if age < -NEWEST_S {
        Some(Drop::Ahead)
    } else {
        None
    }
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
    fn two_weeks_back_and_two_hours_ahead() {
        let day = 86_400;
        let cases = [
            (0, 0, None),
            (0, 13 * day, None),
            (0, OLDEST_S, None),
            (0, OLDEST_S + 1, Some(Drop::Old)),
            (0, 14 * day, Some(Drop::Old)),
            (3600, 0, None),
            (NEWEST_S, 0, None),
            (NEWEST_S + 1, 0, Some(Drop::Ahead)),
            (2 * 3600, 0, Some(Drop::Ahead)),
            (365 * day, 0, Some(Drop::Ahead)),
            (i64::MAX, i64::MIN, Some(Drop::Ahead)),
            (i64::MIN, i64::MAX, Some(Drop::Old)),
        ];
        for (start_s, wall_s, expected) in cases {
            assert_eq!(
                out_of_window(start_s, wall_s),
                expected,
                "{start_s} {wall_s}"
            );
        }
    }
}
