//! When the next call is made after one that was not taken.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_secs(5);

/// The longest pause: an outage of a day is not made longer by more than this.
const LONGEST: Duration = Duration::from_secs(300);

/// Pauses that grow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    failures: u32,
    not_before: Duration,
}

impl Pace {
    /// Whether a call may be made.
    pub(crate) fn may(&self, now: Duration) -> bool {
        now >= self.not_before
    }

    /// It was taken, or given up: the next one may come at once.
    pub(crate) fn well(&mut self) {
        *self = Self::default();
    }

    /// It was not taken. `chance` is any number: machines that lost the same network do not come back at once.
    pub(crate) fn badly(&mut self, now: Duration, chance: u64) {
        let pause = FIRST
            .saturating_mul(1 << self.failures.min(10))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let share = u32::try_from(chance % 256).expect("below 256");
        let pause = pause / 2 + pause.saturating_mul(share) / 512;
        self.not_before = now.saturating_add(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_end_with_the_first_success() {
        let mut pace = Pace::default();
        let mut now = Duration::ZERO;
        assert!(pace.may(now));
        let mut pauses = Vec::new();
        for chance in 0..20 {
            pace.badly(now, chance * 77);
            let pause = pace.not_before.saturating_sub(now);
            assert!(!pace.may(now));
            pauses.push(pause.as_secs());
            now = pace.not_before;
            assert!(pace.may(now));
        }
        assert!(pauses[0] <= 5 && pauses[2] >= 10, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 300), "{pauses:?}");
        assert!(pauses[19] >= 150, "{pauses:?}");
        pace.badly(now, 0);
        pace.well();
        assert!(pace.may(Duration::ZERO));
    }
}
