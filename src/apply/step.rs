//! One step: sends its call as often as the policy allows, moves down the ladder, journals every intent before and
//! every effect after.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{lookup, wait};
use crate::event::Event;
use crate::lab::Lab;
use crate::model::{
    Address, Born, ClientToken, CloudId, Failure, FailureClass, Kind, Leftover, Market, Op,
    Outcome, Ref, RetryPolicy, RunId, Rung, Stamp, TAG_FIRST, Verdict,
};
use crate::port::{Clock, Cloud, Scope};
use crate::state::{Effect, Intent, Record, Recorded};

/// What a worker asks of the driver.
#[derive(Debug)]
pub(super) enum Request {
    /// Write these records and say when they are safe.
    Journal(Vec<Record>, oneshot::Sender<()>),
    /// Tell the user.
    Tell(Event),
}

/// What all steps of a run share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) clock: &'a dyn Clock,
    pub(super) policy: &'a RetryPolicy,
    pub(super) lab: &'a Lab,
    pub(super) run: &'a RunId,
    pub(super) scope: &'a Scope,
    /// Numbers intents.
    pub(super) seq: &'a AtomicU64,
    /// Draws jitter.
    pub(super) draws: &'a AtomicU64,
    /// Whether the user has asked to stop, and the bell that wakes sleepers.
    pub(super) stop: &'a AtomicBool,
    pub(super) bell: &'a Notify,
    pub(super) requests: &'a mpsc::UnboundedSender<Request>,
    /// Digests of the specs, by address; a resource of several steps gets its digest when the last is done.
    pub(super) digests: &'a BTreeMap<Address, String>,
}

/// One step being done.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    shared: &'a Shared<'a>,
    pub(super) address: Address,
    pub(super) covers: Vec<Address>,
    /// Whether it refers to something that this run made, which may not be visible everywhere yet.
    pub(super) fresh: bool,
}

impl<'a> std::ops::Deref for Worker<'a> {
    type Target = Shared<'a>;
    fn deref(&self) -> &Shared<'a> {
        self.shared
    }
}

/// What a step brought.
pub(super) type Made = Vec<(Address, Recorded)>;

impl<'a> Worker<'a> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        address: Address,
        covers: Vec<Address>,
        fresh: bool,
    ) -> Self {
        Self {
            shared,
            address,
            covers,
            fresh,
        }
    }

    /// Tells the user something.
    pub(super) fn tell(&self, event: Event) {
        // A driver that is gone has nobody left to tell.
        drop(self.requests.send(Request::Tell(event)));
    }

    /// Waits, but not when the user asks to stop.
    pub(super) async fn sleep(&self, duration: Duration) -> Result<(), Failure> {
        let rung = self.bell.notified();
        if !self.stop.load(Ordering::SeqCst) {
            tokio::select! {
                () = self.clock.sleep(duration) => return Ok(()),
                () = rung => {}
            }
        }
        Err(Failure::local(
            FailureClass::Interrupted,
            "wait",
            "you asked to stop",
        ))
    }

    pub(super) fn since(&self, began: Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(began)).unwrap_or_default()
    }

    /// A number in 0..1, the same in every run with the same draws.
    pub(super) fn jitter(&self) -> f64 {
        let draw = self
            .draws
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (draw ^ (draw >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    pub(super) fn id<'r>(&self, reference: &'r Ref) -> Result<&'r CloudId, Failure> {
        reference.id().map_err(|unresolved| {
            Failure::local(
                FailureClass::Invalid,
                self.address.to_string(),
                unresolved.to_string(),
            )
        })
    }

    /// Says that a call is sent again, and waits for the time.
    pub(super) async fn retry(
        &self,
        failure: Failure,
        tries: u32,
        wait: Duration,
    ) -> Result<(), Failure> {
        let stopped = failure.clone();
        self.tell(Event::Retrying {
            address: self.address.clone(),
            failure,
            tries,
            wait,
        });
        self.sleep(wait).await.map_err(|_| stopped)
    }

    async fn journal(&self, records: Vec<Record>) {
        let (done, safe) = oneshot::channel();
        drop(self.requests.send(Request::Journal(records, done)));
        // The driver ends the run when the journal cannot be written; a worker then waits here until it is dropped.
        if safe.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does the step.
    pub(super) async fn perform(&self, op: &Op) -> Result<Made, Failure> {
        match op {
            Op::AwaitInstances { instances, state } => wait::instances(self, instances, *state)
                .await
                .map(|()| Vec::new()),
            Op::AwaitVolume { volume } => wait::volume(self, volume).await.map(|()| Vec::new()),
            Op::RunInstances { .. } => self.launch(op).await,
            _ if op.creates().is_some() => self.create(op).await,
            _ => self.change(op).await.map(|()| Vec::new()),
        }
    }

    /// Sends a call that can be sent again.
    async fn change(&self, op: &Op) -> Result<(), Failure> {
        let stamp = self.stamp(&ClientToken::new(""));
        let began = self.clock.now();
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(failure) = self.cloud.perform(op, &stamp).await else {
                return Ok(());
            };
            let failure = self.seen_in_context(op, failure);
            // What is gone cannot be terminated; the wait that follows makes sure of it.
            if failure.class == FailureClass::NotFound
                && op.is_deletion()
                && tries >= self.policy.transient_tries
            {
                return Ok(());
            }
            let again = failure.class == FailureClass::NotFound && op.is_deletion();
            match self
                .policy
                .verdict(&failure, false, tries, self.since(began), self.jitter())
            {
                Verdict::Again(wait) => self.retry(failure, tries, wait).await?,
                Verdict::Stop if again => {
                    self.retry(failure, tries, Duration::from_secs(1)).await?
                }
                Verdict::Stop => return Err(failure),
            }
        }
    }

    /// What is not found although this run made what it refers to is only not visible yet.
    fn seen_in_context(&self, op: &Op, mut failure: Failure) -> Failure {
        if failure.class == FailureClass::NotFound && self.fresh && !op.is_deletion() {
            failure.class = FailureClass::NotVisibleYet;
        }
        failure
    }

    /// Walks down the ladder until all nodes are launched or no choice is left.
    async fn launch(&self, op: &Op) -> Result<Made, Failure> {
        let Op::RunInstances {
            launch,
            first,
            count,
            ..
        } = op
        else {
            return Ok(Vec::new());
        };
        let mut made = Made::new();
        let mut left = (*first, *count);
        let mut last = Failure::local(
            FailureClass::Capacity,
            "RunInstances",
            "no zone and type is left to try",
        );
        for (place, rung) in launch.ladder.iter().enumerate() {
            let (first, count) = left;
            let min = if launch.placement_group.is_some() { count } else { 1 };
            let call = Op::RunInstances {
                launch: launch.clone(),
                rung: rung.clone(),
                first,
                count,
                min,
            };
            match self.create(&call).await {
                Ok(born) => {
                    let more = u32::try_from(born.len()).unwrap_or(count);
                    made.extend(born);
                    left = (first + more, count.saturating_sub(more));
                    if left.1 == 0 {
                        return Ok(made);
                    }
                    let text = format!("only {more} of {count} could be launched");
                    last = Failure::local(FailureClass::Capacity, "RunInstances", text);
                }
                Err(failure)
                    if matches!(
                        failure.class,
                        FailureClass::Capacity | FailureClass::SpotPrice
                    ) =>
                {
                    last = failure;
                }
                Err(failure) => return Err(failure),
            }
            if let Some(next) = launch.ladder.get(place + 1) {
                let code = last
                    .code
                    .clone()
                    .unwrap_or_else(|| "partial capacity".to_owned());
                let (from, to) = (describe(rung), describe(next));
                self.tell(Event::FellBack {
                    address: self.address.clone(),
                    from,
                    to,
                    code,
                });
            }
        }
        let choices = launch.ladder.len();
        last.message = format!(
            "{} (all {choices} choices of zone, type and market were tried)",
            last.message
        );
        Err(last)
    }

    /// Sends a creating call once per intent; a call whose outcome is unknown is looked up before anything else.
    async fn create(&self, op: &Op) -> Result<Made, Failure> {
        let began = self.clock.now();
        let mut tries = 0;
        let (mut seq, mut token) = self.intend(op).await;
        loop {
            tries += 1;
            let failure = match self.cloud.perform(op, &self.stamp_of(op, &token)).await {
                Ok(outcome) => return Ok(self.made(op, seq, outcome).await),
                Err(failure) => self.seen_in_context(op, failure),
            };
            let unknown = failure.leftover == Leftover::Unknown;
            if unknown || failure.class == FailureClass::AlreadyExists {
                if let Some(outcome) = lookup::lookup(self, op).await? {
                    return Ok(self.made(op, seq, outcome).await);
                }
                if unknown && tries < self.policy.transient_tries {
                    self.journal(vec![Record::Effect {
                        seq,
                        effect: Effect::Cleared,
                    }])
                    .await;
                    self.retry(failure, tries, self.policy.base).await?;
                    (seq, token) = self.intend(op).await;
                    continue;
                }
            }
            match self
                .policy
                .verdict(&failure, true, tries, self.since(began), self.jitter())
            {
                Verdict::Again(wait) => self.retry(failure, tries, wait).await?,
                Verdict::Stop => {
                    let failed = failure.clone();
                    let effect = if unknown {
                        Effect::Unknown { failure }
                    } else {
                        Effect::Refused { failure }
                    };
                    self.journal(vec![Record::Effect { seq, effect }]).await;
                    return Err(failed);
                }
            }
        }
    }

    /// Writes down what is about to be made, and gives it its token.
    async fn intend(&self, op: &Op) -> (u64, ClientToken) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst);
        let text = format!("{}/{}/{seq}/{}", self.lab.id, self.run, self.address);
        let hash: String = Sha256::digest(text)
            .iter()
            .take(20)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let token = ClientToken::new(hash);
        let (first, count) = match op {
            Op::RunInstances { first, count, .. } => (Some(*first), Some(*count)),
            _ => (None, None),
        };
        let kind = op.creates().unwrap_or(Kind::Vpc);
        let at = self.clock.now();
        let intent = Intent {
            seq,
            address: self.address.clone(),
            kind,
            token: token.clone(),
            first,
            count,
            at,
        };
        self.journal(vec![Record::Intent(intent)]).await;
        (seq, token)
    }

    fn stamp(&self, token: &ClientToken) -> Stamp {
        Stamp {
            token: token.clone(),
            tags: self.lab.tags_for(&self.address, self.run.as_str()),
        }
    }

    fn stamp_of(&self, op: &Op, token: &ClientToken) -> Stamp {
        let mut stamp = self.stamp(token);
        if let Op::RunInstances { first, .. } = op {
            stamp.tags.insert(TAG_FIRST.to_owned(), first.to_string());
        }
        stamp
    }

    /// Writes down what a call made.
    async fn made(&self, op: &Op, seq: u64, outcome: Outcome) -> Made {
        let made: Made = outcome
            .born
            .into_iter()
            .map(|born| self.recorded(op, born))
            .collect();
        let effect = Effect::Made {
            resources: made.clone(),
        };
        self.journal(vec![Record::Effect { seq, effect }]).await;
        for (address, recorded) in &made {
            let (address, kind, id) = (address.clone(), recorded.kind, recorded.id.clone());
            self.tell(Event::Made { address, kind, id });
        }
        made
    }

    fn recorded(&self, op: &Op, born: Born) -> (Address, Recorded) {
        let kind = op.creates().unwrap_or(Kind::Vpc);
        let (address, rung) = match op {
            Op::RunInstances { first, rung, .. } => {
                (self.address_of(first + born.launch_index), Some(rung))
            }
            _ => (self.address.clone(), None),
        };
        let recorded = Recorded {
            kind,
            id: born.id,
            digest: self.digests.get(&address).cloned().unwrap_or_default(),
            created: Some(self.clock.now()),
            zone: born.zone,
            instance_type: rung.map(|rung| rung.instance_type.clone()),
            market: rung.map(|rung| rung.market),
            keep: false,
        };
        (address, recorded)
    }

    /// The address of the node with this index among those the step covers.
    fn address_of(&self, index: u32) -> Address {
        let suffix = format!(".{index}");
        let found = self
            .covers
            .iter()
            .find(|address| address.as_str().ends_with(&suffix));
        found.cloned().unwrap_or_else(|| self.address.child(index))
    }
}

/// A choice in words.
pub(super) fn describe(rung: &Rung) -> String {
    let market = match rung.market {
        Market::OnDemand => "on-demand",
        Market::Spot => "spot",
    };
    format!("{market} {} in {}", rung.instance_type, rung.zone)
}
