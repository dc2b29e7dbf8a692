//! A clock on which waiting costs nothing: when nobody can go on, it jumps to whoever wakes next. And the executor
//! that does the jumping.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use roboinfra::port::Clock;

/// No command takes longer than this; one that does never ends.
const LONGEST: Duration = Duration::from_hours(6);

/// The clock.
#[derive(Debug)]
pub(crate) struct SimClock {
    timers: Mutex<Timers>,
}

#[derive(Debug)]
struct Timers {
    now: Timestamp,
    given: u64,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
}

impl SimClock {
    pub(crate) fn new() -> Arc<Self> {
        let now = "2026-11-20T08:00:00Z".parse().expect("a time");
        Arc::new(Self {
            timers: Mutex::new(Timers {
                now,
                given: 0,
                sleepers: BTreeMap::new(),
            }),
        })
    }

    /// Moves on although nobody sleeps.
    pub(crate) fn advance(&self, by: Duration) {
        let mut timers = self.timers.lock().expect("no panic holds it");
        timers.now += by;
    }

    /// Jumps to the next sleeper and wakes it; false if nobody sleeps.
    fn jump(&self) -> bool {
        let mut timers = self.timers.lock().expect("no panic holds it");
        let Some(((at, _), waker)) = timers.sleepers.pop_first() else {
            return false;
        };
        timers.now = timers.now.max(at);
        drop(timers);
        waker.wake();
        true
    }
}

/// A sleeper. Dropped, it leaves no trace.
struct Sleep<'a> {
    clock: &'a SimClock,
    key: (Timestamp, u64),
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut timers = self.clock.timers.lock().expect("no panic holds it");
        if timers.now >= self.key.0 {
            return Poll::Ready(());
        }
        timers.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        let mut timers = self.clock.timers.lock().expect("no panic holds it");
        timers.sleepers.remove(&self.key);
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.timers.lock().expect("no panic holds it").now
    }

    async fn sleep(&self, duration: Duration) {
        let key = {
            let mut timers = self.timers.lock().expect("no panic holds it");
            timers.given += 1;
            (timers.now + duration, timers.given)
        };
        Sleep { clock: self, key }.await;
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `future` to its end, or drops it as soon as `is_dead` says so.
pub(crate) fn play<T>(
    clock: &SimClock,
    is_dead: impl Fn() -> bool,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    let mut context = Context::from_waker(&waker);
    let began = clock.now();
    loop {
        flag.0.store(false, Ordering::SeqCst);
        let polled = future.as_mut().poll(&mut context);
        if is_dead() {
            return None;
        }
        if let Poll::Ready(value) = polled {
            return Some(value);
        }
        if !flag.0.load(Ordering::SeqCst) {
            assert!(clock.jump(), "it waits for nothing that could happen");
            let took = clock.now().duration_since(began).unsigned_abs();
            assert!(took < LONGEST, "it does not end");
        }
    }
}
