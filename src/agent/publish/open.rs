//! The interval that is being filled. It is kept in a file, so that a daemon that is killed loses nothing of it.

use std::collections::BTreeMap;

use super::interval::{Interval, Set, Statistics};
use super::series::Series;

/// Fills intervals that begin at whole multiples of their length.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    length_s: i64,
    now: Option<Filling>,
}

#[derive(Debug, Clone)]
struct Filling {
    start_s: i64,
    samples: u64,
    sets: BTreeMap<Series, Statistics>,
}

impl Open {
    /// `length_s` is at least one.
    pub(crate) fn new(length_s: u32) -> Self {
        Self {
            length_s: i64::from(length_s.max(1)),
            now: None,
        }
    }

    /// Takes one measurement; gives back the interval before, if this one is not part of it. A wall clock that jumps,
    /// either way, begins another interval.
    pub(crate) fn take(&mut self, wall_s: i64, numbers: &[(Series, f64)]) -> Option<Interval> {
        let start_s = wall_s - wall_s.rem_euclid(self.length_s);
        let closed = match &self.now {
            Some(filling) if filling.start_s != start_s => self.close(),
            _ => None,
        };
        let filling = self.now.get_or_insert_with(|| Filling {
            start_s,
            samples: 0,
            sets: BTreeMap::new(),
        });
        filling.samples += 1;
        for (series, value) in numbers {
            filling
                .sets
                .entry(*series)
                .and_modify(|statistics| statistics.take(*value))
                .or_insert_with(|| Statistics::of(*value));
        }
        closed
    }

    /// The interval as it stands, taken out.
    pub(crate) fn close(&mut self) -> Option<Interval> {
        let filling = self.now.take()?;
        Some(filling.interval())
    }

    /// The interval as it stands, to be kept.
    pub(crate) fn stands(&self) -> Option<Interval> {
        self.now.clone().map(Filling::interval)
    }

    /// Goes on with what was kept.
    pub(crate) fn resume(&mut self, kept: &Interval) {
        let sets = kept.sets.iter();
        self.now = Some(Filling {
            start_s: kept.start_s,
            samples: kept.samples,
            sets: sets.map(|set| (set.series(), set.statistics)).collect(),
        });
    }
}

impl Filling {
    fn interval(self) -> Interval {
        let sets = self.sets.into_iter();
        Interval {
            start_s: self.start_s,
            samples: self.samples,
            sets: sets
                .map(|((metric, gpu), statistics)| Set {
                    metric,
                    gpu,
                    statistics,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::AgentMetric;

    const HEARTBEAT: Series = (AgentMetric::Heartbeat, None);

    #[test]
    fn an_interval_closes_when_another_begins() {
        let mut open = Open::new(60);
        let series = (AgentMetric::GpuTemperature, Some(1));
        assert_eq!(open.take(119, &[(series, 5.0)]), None);
        let first = open.take(120, &[(series, 40.0)]).expect("it closes");
        assert_eq!((first.start_s, first.samples), (60, 1));
        assert_eq!(open.take(179, &[(series, 60.0), (HEARTBEAT, 1.0)]), None);
        let second = open.close().expect("it stands");
        assert_eq!(second.start_s, 120);
        let expected = Statistics {
            count: 2,
            sum: 100.0,
            minimum: 40.0,
            maximum: 60.0,
        };
        let set = second.sets.iter().find(|set| set.series() == series);
        assert_eq!(set.map(|set| set.statistics), Some(expected));
        assert_eq!(open.close(), None);
    }

    #[test]
    fn what_was_kept_goes_on() {
        let mut open = Open::new(60);
        open.take(60, &[(HEARTBEAT, 1.0)]);
        let kept = open.stands().expect("it stands");
        let text = serde_json::to_string(&kept).expect("text");
        let mut other = Open::new(60);
        other.resume(&serde_json::from_str(&text).expect("it is read"));
        assert_eq!(other.take(65, &[(HEARTBEAT, 1.0)]), None);
        let closed = other.close().expect("both");
        assert_eq!((closed.samples, closed.sets[0].statistics.count), (2, 2));
    }

    proptest! {
        /// However the wall clock jumps, each measurement is in one interval.
        #[test]
        fn no_measurement_is_lost(jumps in prop::collection::vec(-200_i64..200, 1..200), length in 1_u32..100) {
            let mut open = Open::new(length);
            let mut wall = 1_000_000;
            let mut samples = 0;
            for jump in &jumps {
                wall += jump;
                if let Some(closed) = open.take(wall, &[(HEARTBEAT, 1.0)]) {
                    prop_assert_eq!(closed.samples, closed.sets[0].statistics.count);
                    prop_assert_eq!(closed.start_s % i64::from(length), 0);
                    samples += closed.samples;
                }
            }
            samples += open.close().map_or(0, |closed| closed.samples);
            prop_assert_eq!(samples, u64::try_from(jumps.len()).expect("few"));
        }
    }
}
