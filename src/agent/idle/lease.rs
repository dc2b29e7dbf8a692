//! The hard lease: how long the machine may still run, whatever it does. A reboot does not lengthen it; a machine that was
//! started again after its lease had ended has a new one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is written down, so that it survives a restart of daemon or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Which boot it was written in.
    pub(crate) boot: String,
    /// Seconds since that boot.
    pub(crate) uptime_s: u64,
    /// Seconds of the wall clock.
    pub(crate) wall_s: i64,
    /// The whole lease, in seconds.
    pub(crate) ttl_s: u64,
    /// What was left, in seconds.
    pub(crate) left_s: u64,
}

/// What the machine's clocks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// Which boot this is.
    pub(crate) boot: String,
    /// Seconds since it.
    pub(crate) uptime_s: u64,
    /// Seconds of the wall clock; it may jump.
    pub(crate) wall_s: i64,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say when it ends.
    Warn { left: Duration },
    /// Shut down.
    End { again: bool },
}

/// A running lease.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    ttl_s: u64,
    warning_s: u64,
    /// The uptime at which it ends.
    ends_s: u64,
    warned: bool,
    asked_s: Option<u64>,
}

/// How long a shutdown may take before it is asked for again, in seconds.
const ASK_AGAIN_S: u64 = 180;

impl Lease {
    /// Goes on with what was written down, or begins.
    pub(crate) fn begin(
        ttl_s: u64,
        warning_s: u64,
        record: Option<&Record>,
        clocks: &Clocks,
    ) -> Self {
        let left = record.map_or(ttl_s, |record| resumed(ttl_s, record, clocks));
        Self {
            ttl_s,
            warning_s,
            ends_s: clocks.uptime_s.saturating_add(left),
            warned: false,
            asked_s: None,
        }
    }

    /// What is left.
    pub(crate) fn left(&self, uptime_s: u64) -> Duration {
        Duration::from_secs(self.ends_s.saturating_sub(uptime_s))
    }

    /// What to write down now.
    pub(crate) fn record(&self, clocks: &Clocks) -> Record {
        Record {
            boot: clocks.boot.clone(),
            uptime_s: clocks.uptime_s,
            wall_s: clocks.wall_s,
            ttl_s: self.ttl_s,
            left_s: self.ends_s.saturating_sub(clocks.uptime_s),
        }
    }

    /// Takes the time.
    pub(crate) fn look(&mut self, uptime_s: u64) -> Option<Effect> {
        let left = self.ends_s.saturating_sub(uptime_s);
        if left == 0 {
            let again = match self.asked_s {
                None => false,
                Some(asked) if uptime_s.saturating_sub(asked) >= ASK_AGAIN_S => true,
                Some(_) => return None,
            };
            self.asked_s = Some(uptime_s);
            return Some(Effect::End { again });
        }
        if left <= self.warning_s && !self.warned {
            self.warned = true;
            let left = Duration::from_secs(left);
            return Some(Effect::Warn { left });
        }
        None
    }
}

/// What is left of a lease that was written down.
fn resumed(ttl_s: u64, record: &Record, clocks: &Clocks) -> u64 {
    let passed = if record.boot == clocks.boot {
        clocks.uptime_s.saturating_sub(record.uptime_s)
    } else {
        // A clock that went back says nothing: the time in between is forgiven.
        let passed = clocks.wall_s.saturating_sub(record.wall_s);
        let passed = u64::try_from(passed).unwrap_or(0);
        if passed >= record.left_s {
            // It ended while the machine was off, or ended the machine: whoever starts it has a new one.
            return ttl_s;
        }
        passed
    };
    let left = record.left_s.saturating_sub(passed);
    // A profile with another lease moves the end by the difference.
    if ttl_s >= record.ttl_s {
        left.saturating_add(ttl_s - record.ttl_s).min(ttl_s)
    } else {
        left.saturating_sub(record.ttl_s - ttl_s)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 3600;

    fn clocks(boot: &str, uptime_s: u64, wall_s: i64) -> Clocks {
        Clocks {
            boot: boot.to_owned(),
            uptime_s,
            wall_s,
        }
    }

    fn record(uptime_s: u64, wall_s: i64, left_s: u64) -> Record {
        Record {
            boot: "a".to_owned(),
            uptime_s,
            wall_s,
            ttl_s: 12 * HOUR,
            left_s,
        }
    }

    #[test]
    fn restarts_reboots_and_stops() {
        let wall = 1_000_000;
        let hour = i64::try_from(HOUR).expect("small");
        let cases = [
            (
                "the daemon was restarted",
                "a",
                2 * HOUR,
                wall,
                5 * HOUR,
                4 * HOUR,
            ),
            (
                "and the wall clock jumped a year",
                "a",
                2 * HOUR,
                wall + 8760 * hour,
                5 * HOUR,
                4 * HOUR,
            ),
            (
                "a reboot of a minute",
                "b",
                30,
                wall + 60,
                5 * HOUR,
                5 * HOUR - 60,
            ),
            (
                "stopped over lunch",
                "b",
                30,
                wall + hour,
                5 * HOUR,
                4 * HOUR,
            ),
            (
                "stopped over night",
                "b",
                30,
                wall + 10 * hour,
                5 * HOUR,
                12 * HOUR,
            ),
            ("it ended the machine", "b", 30, wall + 60, 0, 12 * HOUR),
            ("it ended and the machine stayed", "a", 2 * HOUR, wall, 0, 0),
            (
                "the clock went back",
                "b",
                30,
                wall - hour,
                5 * HOUR,
                5 * HOUR,
            ),
        ];
        for (story, boot, uptime, now, left, expected) in cases {
            let lease = Lease::begin(
                12 * HOUR,
                300,
                Some(&record(HOUR, wall, left)),
                &clocks(boot, uptime, now),
            );
            assert_eq!(lease.left(uptime), Duration::from_secs(expected), "{story}");
        }
    }

    #[test]
    fn another_lease_in_the_profile_moves_the_end() {
        let now = clocks("a", HOUR, 0);
        let written = record(HOUR, 0, 5 * HOUR);
        let left = |ttl_s| {
            Lease::begin(ttl_s, 0, Some(&written), &now)
                .left(HOUR)
                .as_secs()
        };
        assert_eq!(left(14 * HOUR), 7 * HOUR);
        assert_eq!(left(10 * HOUR), 3 * HOUR);
        assert_eq!(left(HOUR), 0);
    }

    #[test]
    fn it_warns_once_and_ends_until_it_is_over() {
        let mut lease = Lease::begin(1000, 300, None, &clocks("a", 50, 0));
        assert_eq!(lease.look(60), None);
        let left = Duration::from_secs(290);
        assert_eq!(lease.look(760), Some(Effect::Warn { left }));
        assert_eq!(lease.look(800), None);
        assert_eq!(lease.look(1050), Some(Effect::End { again: false }));
        assert_eq!(lease.look(1100), None);
        assert_eq!(lease.look(1230), Some(Effect::End { again: true }));
    }

    proptest! {
        /// However often daemon and machine are restarted: the machine never runs longer than its lease without being
        /// told to end, and a lease that was written down is never longer than the whole.
        #[test]
        fn restarts_never_lengthen_it(
            ttl in 60_u64..100_000,
            pieces in prop::collection::vec((1_u64..5000, any::<bool>(), 0_i64..100), 1..60),
        ) {
            let mut now = clocks("0", 10, 1_000_000);
            let mut written: Option<Record> = None;
            let mut ran = 0;
            for (number, (seconds, reboot, off)) in pieces.into_iter().enumerate() {
                let mut lease = Lease::begin(ttl, 300, written.as_ref(), &now);
                prop_assert!(lease.left(now.uptime_s).as_secs() <= ttl);
                ran += seconds;
                now.uptime_s += seconds;
                now.wall_s += i64::try_from(seconds).expect("small");
                let ended = (0..3).any(|_| matches!(lease.look(now.uptime_s), Some(Effect::End { .. })));
                prop_assert_eq!(ended, lease.left(now.uptime_s).is_zero());
                if ran >= ttl {
                    prop_assert!(ended, "it ran {} of {}", ran, ttl);
                }
                if ended {
                    break;
                }
                written = Some(lease.record(&now));
                if reboot {
                    let left = lease.left(now.uptime_s).as_secs();
                    now = clocks(&format!("{number}+"), 10, now.wall_s + off);
                    if u64::try_from(off).expect("positive") >= left {
                        ran = 0;
                    }
                }
            }
        }
    }
}
