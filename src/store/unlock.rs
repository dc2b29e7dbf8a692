//! Breaking a lease whose holder hangs.

use std::time::Duration;

use super::Holder;
use super::careful::{self, Careful};
use super::claim::{Claim, LeaseError, Waiting, expect, waiting_for};
use super::lease::{self, Lease, Standing};
use crate::port::Look;

/// Who holds a lease, for `state unlock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupied {
    /// Nobody.
    No,
    /// This run, unless it is dead.
    By(Box<Waiting>),
    /// The object is no lease; nobody knows.
    Illegible,
}

impl Claim {
    /// Who holds the lease, and what breaking it needs.
    pub async fn occupied(&self) -> Result<(Occupied, Look), LeaseError> {
        let (objects, clock) = (self.objects.as_ref(), self.clock.as_ref());
        let look = careful::look(objects, clock, &self.key, lease::LIMIT)
            .await
            .map_err(self.call())?;
        let occupied = match lease::standing(&look) {
            Standing::Never | Standing::Free(_) | Standing::Left(_) => Occupied::No,
            Standing::Held(lease, rest) | Standing::Broken(lease, rest) => {
                Occupied::By(Box::new(waiting_for(*lease, rest)))
            }
            Standing::Illegible => Occupied::Illegible,
        };
        Ok((occupied, look))
    }

    /// Breaks the lease that was looked at, unless it has changed since; says for how long its holder may act yet.
    /// The next run waits for so long.
    pub async fn break_it(&self, look: Look, by: Holder) -> Result<Option<Duration>, LeaseError> {
        let by = Holder {
            since: look.at,
            ..by
        };
        let (lease, rest) = match lease::standing(&look) {
            Standing::Held(lease, rest) | Standing::Broken(lease, rest) => (*lease, rest),
            _ => (Lease::new(by.clone(), &self.nonce, self.ttl), self.ttl),
        };
        let bytes = lease.broken(by, rest).to_bytes();
        let (objects, clock) = (self.objects.as_ref(), self.clock.as_ref());
        let put = careful::put(objects, clock, &self.key, &bytes, &expect(look)).await;
        Ok(match put.map_err(self.call())? {
            Careful::Done(_) => Some(rest),
            Careful::Changed(_) => None,
        })
    }
}
