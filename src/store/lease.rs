//! The lease: one small object beside the shared lockfile that says who is at work, written on condition.
//!
//! Its age is the difference of two moments on the store's clock: when the object was written, and when it was read.
//! No machine's own clock is asked. Owns: what the object says and what that means. Does not own: taking and keeping
//! it (`hold`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Holder;
use crate::port::Look;

/// The format of the object.
const FORMAT: u32 = 1;

/// A lease is some 400 bytes.
pub(super) const LIMIT: u64 = 16 * 1024;

/// Both moments on the store's clock are whole seconds, and its machines may differ by a little.
const GRACE: Duration = Duration::from_secs(2);

/// No lease is believed to last longer than this, whatever it says.
const LONGEST: Duration = Duration::from_mins(15);

/// What a lease says about the run that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    /// It is at work.
    Held,
    /// It ended, and all that it did is in the lockfile.
    Free,
    /// It ended without having written down all that it did.
    Unsettled,
    /// Somebody took the lease away from it; until it has run out, the run may not have noticed.
    Broken,
}

/// The object's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    format: u32,
    /// What it says.
    pub(super) stage: Stage,
    /// Who wrote it; `since` is by the store's clock.
    pub(super) holder: Holder,
    /// Drawn for this lease alone.
    pub(super) nonce: String,
    /// How often it was renewed: no two contents of one lease are the same.
    pub(super) renewed: u64,
    /// How long it lasts from the moment it is written.
    pub(super) ttl_s: u64,
    /// Who broke it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) broken_by: Option<Holder>,
}

/// What a look at the lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none yet.
    Never,
    /// The last run gave it back. All is written down.
    Free(Box<Lease>),
    /// The last run left something open, or died, and cannot act any more.
    Left(Box<Lease>),
    /// A run may be at work for so long yet.
    Held(Box<Lease>, Duration),
    /// The lease of a run was broken; it may be at work for so long yet.
    Broken(Box<Lease>, Duration),
    /// The object is no lease.
    Illegible,
}

impl Lease {
    /// A lease that `holder` has from now on.
    pub(super) fn new(holder: Holder, nonce: &str, ttl: Duration) -> Self {
        Self {
            format: FORMAT,
            stage: Stage::Held,
            holder,
            nonce: nonce.to_owned(),
            renewed: 0,
            ttl_s: ttl.as_secs(),
            broken_by: None,
        }
    }

    /// The same lease, a little later.
    pub(super) fn next(&self) -> Self {
        Self {
            renewed: self.renewed + 1,
            ..self.clone()
        }
    }

    /// The same lease, given back.
    pub(super) fn given_back(&self, settled: bool) -> Self {
        Self {
            stage: if settled {
                Stage::Free
            } else {
                Stage::Unsettled
            },
            ttl_s: 0,
            ..self.next()
        }
    }

    /// The same lease, taken away from its holder, who may not notice for `rest`.
    pub(super) fn broken(&self, by: Holder, rest: Duration) -> Self {
        Self {
            stage: Stage::Broken,
            ttl_s: rest.as_secs() + 1,
            broken_by: Some(by),
            ..self.next()
        }
    }

    /// The object's content.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("texts and numbers are always JSON");
        text.push(b'\n');
        text
    }

    /// Reads a lease; `None` if it is none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let lease: Self = serde_json::from_slice(bytes).ok()?;
        (lease.format == FORMAT).then(|| Self {
            // It is shown on a terminal and was written by somebody else's process.
            holder: lease.holder.plain(),
            broken_by: lease.broken_by.map(Holder::plain),
            nonce: lease.nonce,
            ..lease
        })
    }
}

/// What a look at the lease means at that moment.
pub(super) fn standing(look: &Look) -> Standing {
    let Some(object) = &look.object else {
        return Standing::Never;
    };
    let Some(lease) = Lease::from_bytes(&object.bytes) else {
        return Standing::Illegible;
    };
    let age = Duration::try_from(look.at.duration_since(object.modified)).unwrap_or_default();
    let lasts = Duration::from_secs(lease.ttl_s).min(LONGEST) + GRACE;
    let rest = lasts.saturating_sub(age);
    let lease = Box::new(lease);
    match lease.stage {
        Stage::Free => Standing::Free(lease),
        Stage::Unsettled => Standing::Left(lease),
        Stage::Held | Stage::Broken if rest.is_zero() => Standing::Left(lease),
        Stage::Held => Standing::Held(lease, rest),
        Stage::Broken => Standing::Broken(lease, rest),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::port::{Object, ObjectTag};

    fn lease() -> Lease {
        let holder = Holder::here("anna", "apply", Timestamp::UNIX_EPOCH);
        Lease::new(holder, "n1", Duration::from_mins(1))
    }

    fn seen(lease: &[u8], age_s: i64) -> Standing {
        let modified: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        standing(&Look {
            object: Some(Object {
                bytes: lease.to_vec(),
                tag: ObjectTag("t".to_owned()),
                modified,
            }),
            at: modified
                .checked_add(jiff::SignedDuration::from_secs(age_s))
                .expect("in time"),
        })
    }

    #[test]
    fn it_runs_out_by_the_stores_clock_alone() {
        let held = lease();
        for (age, rest) in [(-3, 62), (0, 62), (59, 3), (61, 1)] {
            let expected = Standing::Held(Box::new(held.clone()), Duration::from_secs(rest));
            assert_eq!(seen(&held.to_bytes(), age), expected, "{age}");
        }
        for age in [62, 63, 100_000] {
            let left = Standing::Left(Box::new(held.clone()));
            assert_eq!(seen(&held.to_bytes(), age), left, "{age}");
        }
    }

    #[test]
    fn its_end_says_whether_all_is_written_down() {
        let free = lease().given_back(true);
        assert!(matches!(seen(&free.to_bytes(), 0), Standing::Free(_)));
        let left = lease().given_back(false);
        assert!(matches!(seen(&left.to_bytes(), 0), Standing::Left(_)));
        let by = Holder::here("bert", "state unlock", Timestamp::UNIX_EPOCH);
        let broken = lease().broken(by, Duration::from_secs(20));
        let Standing::Broken(_, rest) = seen(&broken.to_bytes(), 0) else {
            panic!("broken is not free")
        };
        assert_eq!(rest, Duration::from_secs(23));
        assert!(matches!(seen(&broken.to_bytes(), 23), Standing::Left(_)));
    }

    #[test]
    fn what_is_no_lease_is_not_believed() {
        let other = Lease {
            format: 2,
            ..lease()
        };
        for bytes in [
            &b""[..],
            b"\x00\xff",
            b"{}",
            b"held by anna",
            &other.to_bytes(),
        ] {
            assert_eq!(seen(bytes, 0), Standing::Illegible, "{bytes:?}");
        }
        let endless = Lease {
            ttl_s: u64::MAX,
            ..lease()
        };
        assert!(matches!(seen(&endless.to_bytes(), 903), Standing::Left(_)));
    }
}
