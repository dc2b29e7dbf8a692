//! How often a failed call is sent again, decided in one place.

use std::time::Duration;

use super::{Failure, FailureClass, Leftover};

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send it again after this long.
    Again(Duration),
    /// It will not get better by itself.
    Stop,
}

/// Bounds of patience for each class of failure.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// First wait after a throttled or transient call; doubles each time.
    pub base: Duration,
    /// The longest single wait.
    pub cap: Duration,
    /// How often a transient fault is tried in all. AWS advises a handful.
    pub transient_tries: u32,
    /// How long throttling is sat out.
    pub throttle_patience: Duration,
    /// How long a conflict (something must go first) is waited for. Interfaces of terminated GPU instances
    /// can take minutes to vanish.
    pub conflict_patience: Duration,
    /// How long a new thing may stay invisible. EC2 documents about five minutes, IAM is seen within two.
    pub visibility_patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
            transient_tries: 5,
            throttle_patience: Duration::from_mins(3),
            conflict_patience: Duration::from_mins(15),
            visibility_patience: Duration::from_mins(5),
        }
    }
}

impl RetryPolicy {
    /// Decides about try number `tries` (1 is the first), `waited` after the first.
    ///
    /// `creating` calls whose outcome is unknown are never sent again: they must be looked up first.
    /// `jitter` is a number in 0..1 that the caller draws.
    pub fn verdict(
        &self,
        failure: &Failure,
        creating: bool,
        tries: u32,
        waited: Duration,
        jitter: f64,
    ) -> Verdict {
        if creating && failure.leftover == Leftover::Unknown {
            return Verdict::Stop;
        }
        let patient = match failure.class {
            FailureClass::Throttled => waited < self.throttle_patience,
            FailureClass::Transient | FailureClass::Unreachable => tries < self.transient_tries,
            FailureClass::Conflict => waited < self.conflict_patience,
            FailureClass::NotVisibleYet => waited < self.visibility_patience,
            FailureClass::Capacity
            | FailureClass::SpotPrice
            | FailureClass::Quota
            | FailureClass::AlreadyExists
            | FailureClass::NotFound
            | FailureClass::Permission
            | FailureClass::Credentials
            | FailureClass::Token
            | FailureClass::Invalid
            | FailureClass::Interrupted
            | FailureClass::TimedOut => false,
        };
        if patient {
            Verdict::Again(self.wait(tries, jitter))
        } else {
            Verdict::Stop
        }
    }

    /// Exponential backoff, half of it fixed and half drawn, so that parallel callers spread out.
    fn wait(&self, tries: u32, jitter: f64) -> Duration {
        let full = self
            .base
            .saturating_mul(1 << (tries - 1).min(16))
            .min(self.cap);
        full / 2 + (full / 2).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: FailureClass, leftover: Leftover) -> Failure {
        Failure {
            leftover,
            ..Failure::local(class, "RunInstances", "no")
        }
    }

    #[test]
    fn decides_by_class() {
        let policy = RetryPolicy::default();
        let again = |class, tries, waited| {
            let verdict = policy.verdict(
                &failure(class, Leftover::Nothing),
                false,
                tries,
                Duration::from_secs(waited),
                0.5,
            );
            matches!(verdict, Verdict::Again(_))
        };
        assert!(again(FailureClass::Throttled, 30, 100));
        assert!(!again(FailureClass::Throttled, 30, 181));
        assert!(again(FailureClass::Transient, 4, 0));
        assert!(!again(FailureClass::Transient, 5, 0));
        assert!(!again(FailureClass::Quota, 1, 0));
        assert!(!again(FailureClass::Capacity, 1, 0));
    }

    #[test]
    fn a_creating_call_of_unknown_outcome_is_not_sent_again() {
        let verdict = RetryPolicy::default().verdict(
            &failure(FailureClass::Transient, Leftover::Unknown),
            true,
            1,
            Duration::ZERO,
            0.0,
        );
        assert_eq!(verdict, Verdict::Stop);
    }

    #[test]
    fn waits_grow_and_stay_below_the_cap() {
        let policy = RetryPolicy::default();
        let waits: Vec<_> = (1..12).map(|tries| policy.wait(tries, 1.0)).collect();
        assert!(waits.is_sorted());
        assert_eq!(waits[10], policy.cap);
    }
}
