//! Taking a lease, waiting for whoever has it.
//!
//! Owns: who may take which lease, and when. Does not own: what it says (`lease`), or keeping it (`hold`).

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::careful::{self, Careful};
use super::claim::{Claim, Got, LeaseError, Taken, Waiting, expect, waiting_for};
use super::hold::Hold;
use super::lease::{self, Lease, Stage, Standing};
use super::term::Moment;
use super::{Holder, disk};
use crate::model::Failure;

/// How often a waiting run looks again.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A lease's own name is 26 characters long.
const NONCE_LIMIT: u64 = 256;

/// A try to take a lease.
enum Attempt {
    Got(Box<Got>, Taken),
    Wait(Waiting, bool),
    /// Somebody was quicker.
    Again,
}

impl Claim {
    /// Takes the lease, waiting up to `timeout` for whoever has it. `waiting` is told once per holder. The task keeps
    /// the lease, holds on to `guard` until it is given back, and says why that failed if it did.
    pub async fn take(
        self,
        holder: &Holder,
        timeout: Duration,
        guard: impl Send + 'static,
        waiting: &mut (dyn FnMut(&Waiting) + Send),
    ) -> Result<(Hold, JoinHandle<Option<Failure>>), LeaseError> {
        let mut waited = Duration::ZERO;
        let mut told: Option<Holder> = None;
        loop {
            let (pending, must) = match self.attempt(holder).await? {
                Attempt::Got(got, taken) => return Ok(Hold::begin(self, *got, taken, guard)),
                Attempt::Again => continue,
                Attempt::Wait(pending, must) => (pending, must),
            };
            // A broken lease is always waited out: it runs out for sure.
            if !must && waited >= timeout {
                return Err(LeaseError::Held {
                    waiting: Box::new(pending),
                });
            }
            if told.as_ref() != Some(&pending.holder) {
                waiting(&pending);
                told = Some(pending.holder.clone());
            }
            let pause = LOOK_EVERY.min(if must {
                pending.rest
            } else {
                timeout.saturating_sub(waited)
            });
            self.clock.sleep(pause).await;
            waited += pause;
        }
    }

    async fn attempt(&self, holder: &Holder) -> Result<Attempt, LeaseError> {
        let clock = self.clock.as_ref();
        let look = careful::look(self.objects.as_ref(), clock, &self.key, lease::LIMIT)
            .await
            .map_err(self.call())?;
        let taken = match lease::standing(&look) {
            Standing::Never | Standing::Free(_) => Taken::Fresh,
            Standing::Left(other) => Taken::Over(Box::new(other.holder)),
            Standing::Held(other, _) if self.is_mine(&other, holder) => Taken::Own,
            Standing::Held(other, rest) => {
                return Ok(Attempt::Wait(waiting_for(*other, rest), false));
            }
            Standing::Broken(other, rest) => {
                return Ok(Attempt::Wait(waiting_for(*other, rest), true));
            }
            Standing::Illegible => return Err(LeaseError::Illegible { url: self.url() }),
        };
        let holder = Holder {
            since: look.at,
            ..holder.clone()
        };
        let lease = Lease::new(holder, &self.nonce, self.ttl);
        self.remember().map_err(|source| LeaseError::Mine {
            path: self.mine.clone(),
            source,
        })?;
        // Counted from before the write: the store cannot have it earlier.
        let since = Moment::now(clock);
        let (bytes, expect) = (lease.to_bytes(), expect(look));
        let put = careful::put(self.objects.as_ref(), clock, &self.key, &bytes, &expect).await;
        Ok(match put.map_err(self.call())? {
            Careful::Done(tag) => Attempt::Got(Box::new((lease, tag, since)), taken),
            Careful::Changed(_) => Attempt::Again,
        })
    }

    /// Whether a lease that is held was this folder's last one. Its process is gone then: this one has the guard.
    fn is_mine(&self, lease: &Lease, holder: &Holder) -> bool {
        let Ok(disk::Content::Bytes(last)) = disk::read(&self.mine, NONCE_LIMIT) else {
            return false;
        };
        let alive = Path::new("/proc").join(lease.holder.pid.to_string());
        lease.stage == Stage::Held
            && last == lease.nonce.as_bytes()
            && lease.holder.host == holder.host
            // Where this folder was copied while a run was at work in the other, that run is alive.
            && (lease.holder.pid == holder.pid || !alive.exists())
    }

    fn remember(&self) -> std::io::Result<()> {
        let fresh = disk::sibling(&self.mine, ".", ".tmp");
        disk::write_new(&fresh, self.nonce.as_bytes(), 0o600)?;
        fs::rename(&fresh, &self.mine)
    }
}
