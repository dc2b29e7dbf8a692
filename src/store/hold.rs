//! Keeping a lease while a run is at work, and giving it back.
//!
//! Owns: when the lease's object is renewed. Does not own: what it says (`lease`), taking it (`claim`), or who asks how
//! long it lasts (`term`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::careful::{self, Careful};
use super::claim::{Claim, Got, Taken};
use super::lease::{Lease, Stage};
use super::term::{Loss, Moment, Term};
use crate::model::{Failure, FailureClass};
use crate::port::{Expect, Look, ObjectTag, Written};

/// How long giving a lease back may take: it runs out by itself.
const FAREWELL: Duration = Duration::from_secs(8);

/// A lease that is held. It is given back when this is dropped, by the task that came with it.
#[derive(Debug)]
pub struct Hold {
    /// How long it may be acted under.
    pub term: Arc<Term>,
    /// How it was come by.
    pub taken: Taken,
    settled: Arc<AtomicBool>,
    release: Option<oneshot::Sender<()>>,
}

impl Hold {
    /// Keeps what was taken. The task holds on to `guard` until the lease is given back.
    pub(super) fn begin(
        claim: Claim,
        (lease, tag, since): Got,
        taken: Taken,
        guard: impl Send + 'static,
    ) -> (Self, JoinHandle<Option<Failure>>) {
        let term = Arc::new(Term::new(since, claim.ttl));
        let settled = Arc::new(AtomicBool::new(taken == Taken::Fresh));
        let (release, released) = oneshot::channel();
        let hold = Self {
            term: Arc::clone(&term),
            taken,
            settled: Arc::clone(&settled),
            release: Some(release),
        };
        let keeper = Keeper {
            claim,
            lease,
            tag,
            term,
        };
        let task = tokio::spawn(async move {
            let failure = keeper.keep(released, &settled).await;
            drop(guard);
            failure
        });
        (hold, task)
    }

    /// Whether all that was done under the lease is written down. If it is not when the lease is given back, the next
    /// run looks twice at the world.
    pub fn settle(&self, settled: bool) {
        self.settled.store(settled, Ordering::SeqCst);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            // A task that is gone has nothing left to give back.
            let _gone = release.send(());
        }
    }
}

/// The task that renews a lease.
struct Keeper {
    claim: Claim,
    lease: Lease,
    tag: ObjectTag,
    term: Arc<Term>,
}

impl Keeper {
    async fn keep(
        mut self,
        mut released: oneshot::Receiver<()>,
        settled: &AtomicBool,
    ) -> Option<Failure> {
        let ttl = self.claim.ttl;
        let clock = Arc::clone(&self.claim.clock);
        loop {
            tokio::select! {
                biased;
                _ = &mut released => return self.give_back(settled.load(Ordering::SeqCst)).await,
                () = clock.sleep(ttl / 3) => {}
            }
            let kept = tokio::select! {
                biased;
                _ = &mut released => return self.give_back(settled.load(Ordering::SeqCst)).await,
                kept = self.renew() => kept,
            };
            if let Err(loss) = kept {
                self.term.lose(loss);
                // The object is somebody else's now; the guard stays until the run has drained.
                let _ended = released.await;
                return None;
            }
        }
    }

    /// Renews the lease, as often as it takes while it has not run out. The same bytes are sent each time, so a write
    /// whose answer was lost is recognised.
    async fn renew(&mut self) -> Result<(), Loss> {
        let clock = Arc::clone(&self.claim.clock);
        let next = self.lease.next();
        let bytes = next.to_bytes();
        let since = Moment::now(clock.as_ref());
        let limit = (self.claim.ttl / 6).max(Duration::from_millis(500));
        loop {
            let put = async {
                let (objects, key) = (self.claim.objects.as_ref(), &self.claim.key);
                let expect = Expect::Same(self.tag.clone());
                match objects.put(key, &bytes, &expect).await? {
                    Written::Done(tag) => Ok(Careful::Done(tag)),
                    Written::Changed => {
                        careful::settled(objects, clock.as_ref(), key, &bytes).await
                    }
                    Written::Busy => Err(busy()),
                }
            };
            let put = tokio::select! {
                biased;
                put = put => put,
                () = clock.sleep(limit) => Err(slow(limit)),
            };
            match put {
                Ok(Careful::Done(tag)) => {
                    self.lease = next;
                    self.tag = tag;
                    self.term.renewed(since);
                    return Ok(());
                }
                Ok(Careful::Changed(there)) => return Err(loss(&there)),
                Err(failure) if self.term.age(clock.as_ref()) >= self.claim.ttl => {
                    return Err(Loss::NotRenewed(Box::new(failure)));
                }
                Err(_) => clock.sleep(limit / 5).await,
            }
        }
    }

    /// Says that the run has ended.
    async fn give_back(self, settled: bool) -> Option<Failure> {
        let clock = Arc::clone(&self.claim.clock);
        tokio::select! {
            biased;
            failure = self.farewell(settled) => failure,
            () = clock.sleep(FAREWELL) => Some(slow(FAREWELL)),
        }
    }

    /// A renewal that was under way when the run ended may have been written: then that one is replaced.
    async fn farewell(mut self, settled: bool) -> Option<Failure> {
        let (objects, clock) = (self.claim.objects.as_ref(), self.claim.clock.as_ref());
        loop {
            let bytes = self.lease.given_back(settled).to_bytes();
            let expect = Expect::Same(self.tag);
            let there = match careful::put(objects, clock, &self.claim.key, &bytes, &expect).await {
                Ok(Careful::Done(_)) => return None,
                Ok(Careful::Changed(there)) => there.object?,
                Err(failure) => return Some(failure),
            };
            let lease = Lease::from_bytes(&there.bytes)?;
            if lease.nonce != self.lease.nonce || lease.stage != Stage::Held {
                return None;
            }
            (self.lease, self.tag) = (lease, there.tag);
        }
    }
}

fn busy() -> Failure {
    Failure::local(
        FailureClass::Transient,
        "PutObject",
        "others are writing at the same moment",
    )
}

fn slow(limit: Duration) -> Failure {
    let text = format!("no answer within {} s", limit.as_secs());
    Failure::local(FailureClass::Transient, "PutObject", text)
}

/// Why something else is where the lease was.
fn loss(there: &Look) -> Loss {
    let lease = there
        .object
        .as_ref()
        .and_then(|object| Lease::from_bytes(&object.bytes));
    match lease {
        Some(lease) if lease.stage == Stage::Broken => Loss::Broken(lease.broken_by.map(Box::new)),
        lease => Loss::Taken(lease.map(|lease| Box::new(lease.holder))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use jiff::{SignedDuration, Timestamp};

    use super::super::{Holder, LeaseError, Occupied, Waiting};
    use super::*;
    use crate::port::{Clock, Object, ObjectStore, TestClock};

    const KEY: &str = "roboinfra/lab/lease.json";

    /// A store in memory with a clock of its own.
    #[derive(Debug)]
    struct Memory {
        clock: TestClock,
        objects: Mutex<BTreeMap<String, (Object, u64)>>,
        /// What goes wrong with the next writes: `Some(true)` after the effect.
        faults: Mutex<Vec<bool>>,
        down: AtomicBool,
    }

    fn failure() -> Failure {
        Failure::local(FailureClass::Transient, "PutObject", "no answer")
    }

    impl Memory {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                clock: TestClock::new(start()),
                objects: Mutex::default(),
                faults: Mutex::default(),
                down: AtomicBool::new(false),
            })
        }

        fn lease(&self) -> Lease {
            let objects = self.objects.lock().expect("whole");
            Lease::from_bytes(&objects[KEY].0.bytes).expect("a lease")
        }
    }

    #[async_trait]
    impl ObjectStore for Memory {
        fn place(&self) -> String {
            "memory".to_owned()
        }

        async fn look(&self, key: &str, _limit: u64) -> Result<Look, Failure> {
            if self.down.load(Ordering::SeqCst) {
                return Err(failure());
            }
            let objects = self.objects.lock().expect("whole");
            Ok(Look {
                object: objects.get(key).map(|(object, _)| object.clone()),
                at: self.clock.now(),
            })
        }

        async fn put(&self, key: &str, bytes: &[u8], expect: &Expect) -> Result<Written, Failure> {
            if self.down.load(Ordering::SeqCst) {
                return Err(failure());
            }
            let fault = self.faults.lock().expect("whole").pop();
            if fault == Some(false) {
                return Err(failure());
            }
            let mut objects = self.objects.lock().expect("whole");
            let there = objects.get(key).map(|(object, _)| object.tag.clone());
            let holds = match expect {
                Expect::Absent => there.is_none(),
                Expect::Same(tag) => there.as_ref() == Some(tag),
            };
            if !holds {
                return Ok(Written::Changed);
            }
            let count = objects.get(key).map_or(0, |(_, count)| count + 1);
            let tag = ObjectTag(format!("\"{count}\""));
            let object = Object {
                bytes: bytes.to_vec(),
                tag: tag.clone(),
                modified: self.clock.now(),
            };
            objects.insert(key.to_owned(), (object, count));
            if fault == Some(true) {
                return Err(failure());
            }
            Ok(Written::Done(tag))
        }

        async fn remove(&self, _key: &str, _tag: &ObjectTag) -> Result<bool, Failure> {
            Ok(false)
        }
    }

    fn start() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().expect("a time")
    }

    /// A machine's clock: it shows what it is told to, and its waits are real but short.
    #[derive(Debug)]
    struct Machine(TestClock);

    impl Machine {
        fn off_by(hours: i64) -> Arc<Self> {
            let off = start().checked_add(SignedDuration::from_hours(hours));
            Arc::new(Self(TestClock::new(off.expect("in time"))))
        }
    }

    #[async_trait]
    impl Clock for Machine {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        async fn sleep(&self, duration: Duration) {
            tokio::time::sleep(duration.min(Duration::from_millis(300))).await;
        }
    }

    struct Party {
        claim: Claim,
        holder: Holder,
        _folder: tempfile::TempDir,
    }

    fn party(store: &Arc<Memory>, clock: Arc<dyn Clock>, name: &str) -> Party {
        let folder = tempfile::tempdir().expect("a folder for the test");
        Party {
            claim: Claim {
                objects: Arc::clone(store) as Arc<dyn ObjectStore>,
                key: KEY.to_owned(),
                ttl: Duration::from_mins(1),
                mine: folder.path().join("lease"),
                nonce: format!("nonce of {name}"),
                clock,
            },
            holder: Holder::here(name, "apply", Timestamp::UNIX_EPOCH),
            _folder: folder,
        }
    }

    impl Party {
        async fn take(&self) -> Result<(Hold, JoinHandle<Option<Failure>>), LeaseError> {
            let claim = self.claim.clone();
            let timeout = Duration::ZERO;
            claim.take(&self.holder, timeout, (), &mut |_| {}).await
        }
    }

    #[tokio::test]
    async fn of_two_at_once_one_gets_it_and_the_other_learns_who() {
        let store = Memory::new();
        let anna = party(&store, Machine::off_by(0), "anna");
        let bert = party(&store, Machine::off_by(0), "bert");
        let (one, other) = tokio::join!(anna.take(), bert.take());
        let refused = match (one, other) {
            (Ok(_held), Err(error)) | (Err(error), Ok(_held)) => error,
            both => panic!("{both:?}"),
        };
        let LeaseError::Held { waiting } = &refused else {
            panic!("{refused}")
        };
        assert_eq!(waiting.holder.since, start(), "by the store's clock");
        assert_eq!(waiting.rest, Duration::from_secs(62));
        assert!(
            refused.to_string().contains("`apply`, process"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn clocks_that_are_hours_off_do_not_matter() {
        for (one, other) in [(1, -1), (-1, 1), (0, 1), (24, 0)] {
            let store = Memory::new();
            let anna = party(&store, Machine::off_by(one), "anna");
            let (held, _keeper) = anna.take().await.expect("it is free");
            held.term
                .admitted(anna.claim.clock.as_ref())
                .await
                .expect("it may act");
            let bert = party(&store, Machine::off_by(other), "bert");
            store.clock.advance(Duration::from_secs(61));
            assert!(bert.take().await.is_err(), "{one} {other}: not yet");
            store.clock.advance(Duration::from_secs(1));
            let (over, _keeper) = bert.take().await.expect("it ran out");
            assert!(matches!(&over.taken, Taken::Over(by) if by.user == "anna"));
        }
    }

    #[tokio::test]
    async fn a_holder_that_slept_through_its_lease_does_not_act_any_more() {
        let store = Memory::new();
        let clock = Machine::off_by(0);
        let anna = party(&store, clock.clone(), "anna");
        let (held, keeper) = anna.take().await.expect("it is free");
        // Anna's machine sleeps: its timers stand still, its clock goes on.
        store.clock.advance(Duration::from_secs(70));
        clock.0.advance(Duration::from_secs(70));
        let bert = party(&store, Machine::off_by(0), "bert");
        let (over, _bert) = bert.take().await.expect("it ran out");
        let refused = held.term.admitted(clock.as_ref()).await;
        assert!(
            matches!(&refused, Err(Loss::Taken(Some(by))) if by.user == "bert"),
            "{refused:?}"
        );
        held.term.lost().await;
        drop(held);
        assert_eq!(keeper.await.expect("it ends"), None);
        assert_eq!(store.lease().holder.user, "bert", "Anna gives nothing back");
        assert_eq!(over.term.loss(), None);
    }

    #[tokio::test]
    async fn a_holder_that_slept_and_was_not_missed_goes_on_after_a_renewal() {
        let store = Memory::new();
        let clock = Machine::off_by(0);
        let anna = party(&store, clock.clone(), "anna");
        let (held, _keeper) = anna.take().await.expect("it is free");
        store.clock.advance(Duration::from_secs(70));
        clock.0.advance(Duration::from_secs(70));
        let before = store.lease().renewed;
        held.term
            .admitted(clock.as_ref())
            .await
            .expect("it may act");
        assert!(store.lease().renewed > before, "not before it was renewed");
    }

    #[tokio::test]
    async fn a_holder_that_cannot_renew_stops_before_the_lease_runs_out() {
        let store = Memory::new();
        let clock = Machine::off_by(0);
        let anna = party(&store, clock.clone(), "anna");
        let (held, _keeper) = anna.take().await.expect("it is free");
        store.down.store(true, Ordering::SeqCst);
        clock.0.advance(Duration::from_secs(41));
        let waits = tokio::time::timeout(
            Duration::from_millis(700),
            held.term.admitted(clock.as_ref()),
        );
        assert!(
            waits.await.is_err(),
            "no call begins, and none is refused yet"
        );
        clock.0.advance(Duration::from_secs(20));
        let refused = held.term.admitted(clock.as_ref()).await;
        assert!(matches!(refused, Err(Loss::NotRenewed(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_write_whose_answer_was_lost_is_recognised() {
        for fault in [true, false] {
            let store = Memory::new();
            store.faults.lock().expect("whole").push(fault);
            let anna = party(&store, Machine::off_by(0), "anna");
            let (held, keeper) = anna.take().await.expect("it is free");
            // The first renewal comes to the same.
            store.faults.lock().expect("whole").push(fault);
            while store.lease().renewed == 0 {
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            tokio::time::sleep(Duration::from_millis(400)).await;
            assert_eq!(held.term.loss(), None);
            drop(held);
            assert_eq!(keeper.await.expect("it ends"), None);
            assert_eq!(store.lease().stage, Stage::Free);
        }
    }

    #[tokio::test]
    async fn a_renewal_under_way_does_not_keep_a_lease_from_being_given_back() {
        let store = Memory::new();
        let anna = party(&store, Machine::off_by(0), "anna");
        let (held, keeper) = anna.take().await.expect("it is free");
        store.faults.lock().expect("whole").push(true);
        while store.lease().renewed == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // It is written, and its holder has not heard of that.
        drop(held);
        assert_eq!(keeper.await.expect("it ends"), None);
        assert_eq!(store.lease().stage, Stage::Free);
    }

    #[tokio::test]
    async fn what_is_given_back_is_free_at_once_and_says_whether_all_is_settled() {
        let store = Memory::new();
        for (settled, next) in [(true, "fresh"), (false, "over"), (true, "fresh")] {
            let anna = party(&store, Machine::off_by(0), "anna");
            let (held, keeper) = anna.take().await.expect("it is free");
            held.settle(settled);
            drop(held);
            assert_eq!(keeper.await.expect("it ends"), None);
            let bert = party(&store, Machine::off_by(0), "bert");
            let (held, keeper) = bert.take().await.expect("it is free");
            let taken = match held.taken {
                Taken::Fresh => "fresh",
                Taken::Own => "own",
                Taken::Over(_) => "over",
            };
            assert_eq!(taken, next);
            held.settle(true);
            drop(held);
            keeper.await.expect("it ends");
        }
    }

    #[tokio::test]
    async fn a_folder_takes_back_what_its_dead_run_held() {
        let store = Memory::new();
        let mut anna = party(&store, Machine::off_by(0), "anna");
        let (held, keeper) = anna.take().await.expect("it is free");
        // As SIGKILL leaves it: held, and nobody there.
        keeper.abort();
        std::mem::forget(held);
        anna.claim.nonce = "another nonce".to_owned();
        let (held, _keeper) = anna.take().await.expect("it is her own");
        assert_eq!(held.taken, Taken::Own);
        let other = party(&store, Machine::off_by(0), "bert");
        assert!(other.take().await.is_err(), "not from another folder");
    }

    #[tokio::test]
    async fn a_broken_lease_is_waited_out_and_its_holder_stops() {
        let store = Memory::new();
        let anna = party(&store, Machine::off_by(0), "anna");
        let (held, _keeper) = anna.take().await.expect("it is free");
        let bert = party(&store, Machine::off_by(0), "bert");
        let (occupied, look) = bert.claim.occupied().await.expect("it can be read");
        assert!(matches!(occupied, Occupied::By(by) if by.holder.user == "anna"));
        let rest = bert.claim.break_it(look.clone(), bert.holder.clone()).await;
        assert_eq!(rest.expect("it is broken"), Some(Duration::from_secs(62)));
        let clara = Holder::here("clara", "state unlock", Timestamp::UNIX_EPOCH);
        let late = bert.claim.break_it(look, clara).await;
        assert_eq!(late.expect("it answers"), None, "it has changed since");
        held.term.lost().await;
        assert!(matches!(held.term.loss(), Some(Loss::Broken(Some(by))) if by.user == "bert"));

        let (mut told, advance) = (Vec::new(), Arc::clone(&store));
        let mut waiting = |other: &Waiting| {
            told.push(other.clone());
            advance.clock.advance(Duration::from_secs(70));
        };
        let claim = bert.claim.clone();
        let taken = claim
            .take(&bert.holder, Duration::ZERO, (), &mut waiting)
            .await;
        let (held, _keeper) = taken.expect("it ran out");
        assert!(matches!(held.taken, Taken::Over(_)));
        assert_eq!(told.len(), 1);
        assert!(told[0].broken_by.is_some());
    }
}
