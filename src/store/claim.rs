//! A claim on a lease: which one, for whom, and what stands in its way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Holder;
use super::lease::Lease;
use super::term::Moment;
use crate::model::Failure;
use crate::port::{Clock, Expect, Look, ObjectStore, ObjectTag};

/// Which lease, and how to hold it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where it is.
    pub objects: Arc<dyn ObjectStore>,
    /// Its object.
    pub key: String,
    /// How long it lasts unless renewed.
    pub ttl: Duration,
    /// A file of this folder that names the lease it had last. Only with the guard: whoever has that, and finds the
    /// folder's own lease held, knows that its holder is dead.
    pub mine: PathBuf,
    /// A name that no lease has had.
    pub nonce: String,
    /// The clock for waits.
    pub clock: Arc<dyn Clock>,
}

/// How a lease was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The last run had given it back.
    Fresh,
    /// The last run of this very folder was cut off.
    Own,
    /// Another run was cut off, or left something open.
    Over(Box<Holder>),
}

/// Who is being waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The run that has the lease.
    pub holder: Holder,
    /// Who has broken its lease.
    pub broken_by: Option<Holder>,
    /// When its lease runs out unless it is renewed.
    pub rest: Duration,
}

/// The lease was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another run has it.
    #[error("work on this lab: another run is at it: {}", waiting.holder)]
    Held {
        /// Who, and for how long.
        waiting: Box<Waiting>,
    },
    /// The object is something else.
    #[error("use the lease {url}: it is not one that roboinfra wrote")]
    Illegible {
        /// The object.
        url: String,
    },
    /// The store refused.
    #[error("reach the shared state {url}")]
    Call {
        /// The object.
        url: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// The folder's own file could not be written.
    #[error("write {}", path.display())]
    Mine {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A lease that was just written: what it says, the object, and since when it counts.
pub(super) type Got = (Lease, ObjectTag, Moment);

impl Claim {
    pub(super) fn url(&self) -> String {
        format!("{}/{}", self.objects.place(), self.key)
    }

    pub(super) fn call(&self) -> impl FnOnce(Failure) -> LeaseError {
        let url = self.url();
        move |failure| LeaseError::Call {
            url,
            failure: Box::new(failure),
        }
    }
}

/// What to expect of the object that was looked at.
pub(super) fn expect(look: Look) -> Expect {
    look.object
        .map_or(Expect::Absent, |object| Expect::Same(object.tag))
}

pub(super) fn waiting_for(lease: Lease, rest: Duration) -> Waiting {
    Waiting {
        holder: lease.holder,
        broken_by: lease.broken_by,
        rest,
    }
}
