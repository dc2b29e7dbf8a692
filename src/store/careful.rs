//! Calls to a shared store, sent again while there is hope, and writes whose outcome is told even where an answer
//! was lost: what is there is looked at.

use crate::model::{Failure, RetryPolicy, Verdict};
use crate::port::{Clock, Expect, Look, ObjectStore, ObjectTag, Written};

/// The largest object that anything here reads.
pub(super) const MOST: u64 = 64 << 20;

/// What a careful write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Careful {
    /// It was written.
    Done(ObjectTag),
    /// Something else is there, namely this.
    Changed(Look),
}

/// Reads an object, patiently.
pub(super) async fn look(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    key: &str,
    limit: u64,
) -> Result<Look, Failure> {
    let (policy, mut tries) = (RetryPolicy::default(), 0);
    let began = clock.now();
    loop {
        tries += 1;
        let failure = match objects.look(key, limit).await {
            Ok(look) => return Ok(look),
            Err(failure) => failure,
        };
        let waited = clock.now().duration_since(began).try_into();
        match policy.verdict(&failure, false, tries, waited.unwrap_or_default(), 0.5) {
            Verdict::Again(wait) => clock.sleep(wait).await,
            Verdict::Stop => return Err(failure),
        }
    }
}

/// Writes an object, patiently. No two writes may have the same bytes and different meanings.
pub(super) async fn put(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    key: &str,
    bytes: &[u8],
    expect: &Expect,
) -> Result<Careful, Failure> {
    let (policy, mut tries) = (RetryPolicy::default(), 0);
    let began = clock.now();
    loop {
        tries += 1;
        let failure = match objects.put(key, bytes, expect).await {
            Ok(Written::Done(tag)) => return Ok(Careful::Done(tag)),
            Ok(Written::Changed) => return settled(objects, clock, key, bytes).await,
            Ok(Written::Busy) => Failure::local(
                crate::model::FailureClass::Transient,
                "PutObject",
                "others are writing at the same moment",
            ),
            Err(failure) => failure,
        };
        let waited = clock.now().duration_since(began).try_into();
        match policy.verdict(&failure, false, tries, waited.unwrap_or_default(), 0.5) {
            Verdict::Again(wait) => clock.sleep(wait).await,
            Verdict::Stop => return Err(failure),
        }
    }
}

/// A write found something else: perhaps itself, sent once more after its answer was lost.
pub(super) async fn settled(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    key: &str,
    bytes: &[u8],
) -> Result<Careful, Failure> {
    let there = look(objects, clock, key, MOST).await?;
    Ok(match there.object {
        Some(object) if object.bytes == bytes => Careful::Done(object.tag),
        _ => Careful::Changed(there),
    })
}
