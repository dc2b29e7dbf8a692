//! One step: sends its call as often as the policy allows, moves down the ladder, journals every intent before and
//! every effect after.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::worker::{Made, Worker};
use super::{lookup, wait};
use crate::event::Event;
use crate::model::{
    Address, Born, ClientToken, Failure, FailureClass, Kind, Leftover, Market, Op, Outcome, Rung,
    Shutdown, Stamp, TAG_FIRST, TAG_SHUTDOWN, Verdict, hex,
};
use crate::state::{Effect, Intent, Record, Recorded};

/// For how long "not found" is not taken for gone.
const UNSEEN: Duration = Duration::from_secs(30);

impl Worker<'_> {
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
            // What is gone cannot be terminated; the wait that follows makes sure of it. What was just launched may not
            // be found for a while, and runs all the same.
            if failure.class == FailureClass::NotFound
                && op.is_deletion()
                && tries >= self.policy.transient_tries
                && self.since(began) >= UNSEEN
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
                    self.retry(failure, tries, Duration::from_secs(3)).await?;
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
        let mut left = vec![(*first, *count)];
        let mut last = Failure::local(
            FailureClass::Capacity,
            "RunInstances",
            "no zone and type is left to try",
        );
        for (place, rung) in launch.ladder.iter().enumerate() {
            for (first, count) in std::mem::take(&mut left) {
                let min = if launch.placement_group.is_some() {
                    count
                } else {
                    1
                };
                let call = Op::RunInstances {
                    launch: launch.clone(),
                    rung: rung.clone(),
                    first,
                    count,
                    min,
                };
                match self.create(&call).await {
                    Ok(born) => {
                        left.extend(self.gaps(first, count, &born));
                        let text = format!("only {} of {count} could be launched", born.len());
                        last = Failure::local(FailureClass::Capacity, "RunInstances", text);
                        made.extend(born);
                    }
                    Err(failure)
                        if matches!(
                            failure.class,
                            FailureClass::Capacity | FailureClass::SpotPrice
                        ) =>
                    {
                        left.push((first, count));
                        last = failure;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if left.is_empty() {
                return Ok(made);
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
                    // A token is kept: should the thing be there unseen, EC2 answers with it and makes no second.
                    if !op.has_token() {
                        self.effect(seq, Effect::Cleared).await;
                    }
                    self.retry(failure, tries, self.policy.base).await?;
                    if !op.has_token() {
                        (seq, token) = self.intend(op).await;
                    }
                    continue;
                }
            }
            // What the token stood for is gone already: that was one effect, and this is to be another.
            if failure.class == FailureClass::Token && tries > 1 {
                self.effect(seq, Effect::Refused { failure }).await;
                (seq, token) = self.intend(op).await;
                continue;
            }
            let verdict =
                self.policy
                    .verdict(&failure, true, tries, self.since(began), self.jitter());
            let stopped = match verdict {
                Verdict::Again(wait) => self.retry(failure.clone(), tries, wait).await.is_err(),
                Verdict::Stop => true,
            };
            if stopped {
                let failed = failure.clone();
                let effect = if unknown {
                    Effect::Unknown { failure }
                } else {
                    Effect::Refused { failure }
                };
                self.effect(seq, effect).await;
                return Err(failed);
            }
        }
    }

    /// Writes down what came of an intent.
    async fn effect(&self, seq: u64, effect: Effect) {
        self.journal(vec![Record::Effect { seq, effect }]).await;
    }

    /// The machines of a launch that it did not bring, as first index and count of each run of neighbours.
    fn gaps(&self, first: u32, count: u32, born: &Made) -> Vec<(u32, u32)> {
        let made: BTreeSet<&Address> = born.iter().map(|(address, _)| address).collect();
        let mut gaps: Vec<(u32, u32)> = Vec::new();
        for index in (first..first + count).filter(|i| !made.contains(&self.address_of(*i))) {
            match gaps.last_mut() {
                Some((start, length)) if *start + *length == index => *length += 1,
                _ => gaps.push((index, 1)),
            }
        }
        gaps
    }

    /// Writes down what is about to be made, and gives it its token.
    async fn intend(&self, op: &Op) -> (u64, ClientToken) {
        let seq = self.seq.fetch_add(1, Ordering::SeqCst);
        let text = format!("{}/{}/{seq}/{}", self.lab.id, self.run, self.address);
        let token = ClientToken::new(&hex(Sha256::digest(text))[..40]);
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
        if let Op::RunInstances { first, launch, .. } = op {
            stamp.tags.insert(TAG_FIRST.to_owned(), first.to_string());
            if launch.shutdown == Shutdown::Terminate {
                let shutdown = "terminate".to_owned();
                stamp.tags.insert(TAG_SHUTDOWN.to_owned(), shutdown);
            }
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
        self.effect(seq, effect).await;
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
