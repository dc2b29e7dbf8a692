//! Reading takes time in proportion to the input, whatever the input is.

use std::time::Duration;

/// What any input may take. Sanitizers and debug builds are slow; what grows with the square is slower.
const ALWAYS: Duration = Duration::from_millis(500);
/// What each byte may take on top.
const EACH_BYTE: Duration = Duration::from_micros(30);

/// Runs `read` and asserts that it took no longer than its input warrants. The processor's time counts, not the
/// clock's: other processes do not fail a check.
pub fn bounded<T>(length: usize, read: impl FnOnce() -> T) -> T {
    let before = spent();
    let result = read();
    if let (Some(before), Some(after)) = (before, spent()) {
        let took = after.saturating_sub(before);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        assert!(
            took <= ALWAYS + EACH_BYTE * length,
            "{length} bytes took {took:?}"
        );
    }
    result
}

/// The processor time of this thread (proc(5), schedstat); not known on every system.
fn spent() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
