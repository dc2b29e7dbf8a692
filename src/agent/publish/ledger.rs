//! What became of every sample that was to be published.

use serde::{Deserialize, Serialize};

/// The sums since the daemon's first start on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ledger {
    /// Queued.
    pub(crate) queued: u64,
    /// The intervals with lower numbers are counted in this.
    pub(crate) next: u64,
    /// CloudWatch has them.
    pub(crate) published: u64,
    /// Too many waited.
    pub(crate) full: u64,
    /// The answer never came.
    pub(crate) uncertain: u64,
    /// CloudWatch found fault with them.
    pub(crate) rejected: u64,
    /// Older than CloudWatch takes.
    pub(crate) old: u64,
    /// Of a time that has not come: this machine's clock was wrong.
    pub(crate) ahead: u64,
    /// Their file could not be read.
    pub(crate) damaged: u64,
}

/// Why samples were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drop {
    /// Too many waited.
    Full,
    /// The answer never came.
    Uncertain,
    /// CloudWatch found fault with them.
    Rejected,
    /// Older than CloudWatch takes.
    Old,
    /// Of a time that has not come.
    Ahead,
    /// Their file could not be read.
    Damaged,
}

impl Ledger {
    /// Counts what was given up.
    pub(crate) fn give_up(&mut self, why: Drop, samples: u64) {
        let sum = match why {
            Drop::Full => &mut self.full,
            Drop::Uncertain => &mut self.uncertain,
            Drop::Rejected => &mut self.rejected,
            Drop::Old => &mut self.old,
            Drop::Ahead => &mut self.ahead,
            Drop::Damaged => &mut self.damaged,
        };
        *sum += samples;
    }

    /// By reason, for labels.
    pub(crate) fn reasons(&self) -> [(&'static str, u64); 6] {
        [
            ("full", self.full),
            ("uncertain", self.uncertain),
            ("rejected", self.rejected),
            ("old", self.old),
            ("ahead", self.ahead),
            ("damaged", self.damaged),
        ]
    }

    /// All that was given up.
    pub(crate) fn dropped(&self) -> u64 {
        self.reasons().iter().map(|(_, samples)| samples).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_up_is_counted_by_its_reason() {
        let mut ledger = Ledger::default();
        let all = [
            Drop::Full,
            Drop::Uncertain,
            Drop::Rejected,
            Drop::Old,
            Drop::Ahead,
            Drop::Damaged,
        ];
        for (times, why) in all.into_iter().enumerate() {
            ledger.give_up(why, 1 << times);
        }
        assert_eq!(
            ledger.reasons().map(|(_, samples)| samples),
            [1, 2, 4, 8, 16, 32]
        );
        assert_eq!(ledger.dropped(), 63);
    }
}
