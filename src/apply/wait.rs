//! Waiting for machines and volumes: bounded, told about, and given up when the user asks to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::worker::Worker;
use crate::event::Event;
use crate::model::{CloudId, Failure, FailureClass, InstanceState, Ref, RetryPolicy, Verdict};
use crate::port::Watched;

/// Pauses between looks: short at first for what is quick, then about as often as AWS's own waiters dare.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

fn pause(look: usize) -> Duration {
    PAUSES[look.min(PAUSES.len() - 1)]
}

/// How long a state may take. AWS's waiters give ten minutes; GPU machines take longer to go.
fn patience(state: InstanceState) -> Duration {
    match state {
        InstanceState::Terminated => Duration::from_mins(20),
        _ => Duration::from_mins(10),
    }
}

/// Waits until every instance is in `state`.
pub(super) async fn instances(
    worker: &Worker<'_>,
    instances: &[Ref],
    state: InstanceState,
) -> Result<(), Failure> {
    let ids: BTreeSet<CloudId> = instances
        .iter()
        .filter_map(|r| r.id().ok().cloned())
        .collect();
    let began = worker.clock.now();
    let mut absences: BTreeMap<CloudId, u32> = BTreeMap::new();
    let mut look = 0;
    loop {
        worker.sleep(pause(look)).await?;
        look += 1;
        let seen = retrying(worker, || worker.cloud.instance_states(&ids)).await?;
        let mut there = 0;
        for id in &ids {
            let watched = seen.get(id).cloned().unwrap_or(Watched {
                state: None,
                reason: None,
            });
            there += usize::from(arrived(id, &watched, state, &mut absences)?);
        }
        if there == ids.len() {
            return Ok(());
        }
        let elapsed = worker.since(began);
        let what = format!("{there} of {} {state}", ids.len());
        if elapsed > patience(state) {
            let text = format!("after {} minutes only {what}", elapsed.as_secs() / 60);
            return Err(Failure::local(
                FailureClass::TimedOut,
                "DescribeInstances",
                text,
            ));
        }
        worker.tell(Event::Waiting {
            address: worker.address.clone(),
            what,
            elapsed,
        });
    }
}

/// Whether an instance has arrived; an error if it never will.
fn arrived(
    id: &CloudId,
    watched: &Watched,
    state: InstanceState,
    absences: &mut BTreeMap<CloudId, u32>,
) -> Result<bool, Failure> {
    let Some(now) = watched.state else {
        // Two absences in a row: one may be a read that lags behind.
        let count = absences.entry(id.clone()).or_default();
        *count += 1;
        return Ok(state == InstanceState::Terminated && *count >= 2);
    };
    absences.remove(id);
    let lost = matches!(now, InstanceState::Terminated | InstanceState::ShuttingDown);
    if lost && state != InstanceState::Terminated {
        let reason = watched
            .reason
            .clone()
            .unwrap_or_else(|| "EC2 gave no reason".to_owned());
        let class = if reason.contains("InsufficientInstanceCapacity") {
            FailureClass::Capacity
        } else {
            FailureClass::Invalid
        };
        let text = format!("{id} is {now} instead of {state}: {reason}");
        return Err(Failure::local(class, "DescribeInstances", text));
    }
    Ok(now == state)
}

/// Waits until a volume can be attached.
pub(super) async fn volume(worker: &Worker<'_>, volume: &Ref) -> Result<(), Failure> {
    let id = worker.id(volume)?;
    let began = worker.clock.now();
    let mut look = 0;
    loop {
        worker.sleep(pause(look)).await?;
        look += 1;
        if retrying(worker, || worker.cloud.volume_is_available(id)).await? {
            return Ok(());
        }
        let elapsed = worker.since(began);
        if elapsed > Duration::from_mins(10) {
            let text = format!(
                "{id} is not available after {} minutes",
                elapsed.as_secs() / 60
            );
            return Err(Failure::local(
                FailureClass::TimedOut,
                "DescribeVolumes",
                text,
            ));
        }
        worker.tell(Event::Waiting {
            address: worker.address.clone(),
            what: "volume available".to_owned(),
            elapsed,
        });
    }
}

/// Reads until it works or will not: reads can always be sent again.
pub(super) async fn retrying<T, F: Future<Output = Result<T, Failure>>>(
    worker: &Worker<'_>,
    read: impl Fn() -> F,
) -> Result<T, Failure> {
    let began = worker.clock.now();
    let mut tries = 0;
    loop {
        tries += 1;
        let failure = match read().await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let policy: &RetryPolicy = worker.policy;
        match policy.verdict(&failure, false, tries, worker.since(began), worker.jitter()) {
            Verdict::Again(wait) => worker.retry(failure, tries, wait).await?,
            Verdict::Stop => return Err(failure),
        }
    }
}
