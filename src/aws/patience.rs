//! Sending reads again. A read has no effect, so the adapter may repeat it; effects are repeated by the engine only.

use std::pin::Pin;
use std::time::Duration;

use crate::model::{Failure, FailureClass, RetryPolicy, Verdict};
use crate::port::Clock;

/// How often a read is tried in all.
const READ_TRIES: u32 = 4;
/// How long a throttled read is sat out; a longer throttle is the user's to know.
const READ_PATIENCE: Duration = Duration::from_secs(30);

/// One try of a read. Boxed: the SDK's futures are large, and many are awaited side by side.
pub(super) type Try<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Reads, and reads again when the service is busy or stumbles. `jitter`, in 0..1, spreads parallel readers out.
pub(super) async fn patiently<'a, T>(
    clock: &dyn Clock,
    jitter: f64,
    read: impl Fn() -> Try<'a, T> + Send,
) -> Result<T, Failure> {
    let policy = RetryPolicy {
        transient_tries: READ_TRIES,
        throttle_patience: READ_PATIENCE,
        ..RetryPolicy::default()
    };
    let mut waited = Duration::ZERO;
    let mut tries = 1;
    loop {
        let failure = match read().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let passing = matches!(
            failure.class,
            FailureClass::Throttled | FailureClass::Transient
        );
        match policy.verdict(&failure, false, tries, waited, jitter) {
            Verdict::Again(pause) if passing => {
                clock.sleep(pause).await;
                waited += pause;
                tries += 1;
            }
            _ => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::port::TestClock;

    async fn tries(class: FailureClass, until: u32) -> (u32, bool) {
        let clock = TestClock::new(Timestamp::UNIX_EPOCH);
        let count = AtomicU32::new(0);
        let result = patiently(&clock, 0.5, || {
            let tried = count.fetch_add(1, Ordering::Relaxed) + 1;
            Box::pin(async move {
                if tried < until {
                    Err(Failure::local(class, "DescribeVpcs", "no"))
                } else {
                    Ok(())
                }
            })
        })
        .await;
        (count.load(Ordering::Relaxed), result.is_ok())
    }

    #[tokio::test]
    async fn only_what_passes_is_sat_out() {
        assert_eq!(tries(FailureClass::Transient, 3).await, (3, true));
        assert_eq!(tries(FailureClass::Throttled, 6).await, (6, true));
        assert_eq!(
            tries(FailureClass::Transient, 99).await,
            (READ_TRIES, false)
        );
        assert_eq!(tries(FailureClass::Permission, 3).await, (1, false));
        assert_eq!(tries(FailureClass::Unreachable, 3).await, (1, false));
    }
}
