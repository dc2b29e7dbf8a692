//! Hosts whose first key is read from the console of their machine: the cloud vouches for it, and nobody in between can
//! show another. Where the console does not show it in time, the first key is trusted because it is the first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::host::console_keys;
use crate::model::{CloudId, FailureClass};
use crate::port::{Clock, Cloud, HostError, HostErrorKind, HostLink, HostTarget, Hosts};

/// For how long a console is asked for the key of a machine that nobody knows yet. The keys are written at the end of
/// the first boot, some seconds after sshd answers.
const IN_TIME: Duration = Duration::from_secs(60);
/// After so long the first boot is over: keys that the console does not show by then have scrolled away, or were never
/// written to it.
const FIRST_BOOT: Duration = Duration::from_secs(15 * 60);
/// Between two looks at a console.
const LOOK: Duration = Duration::from_secs(4);

/// Hosts that are introduced by the cloud.
#[derive(Debug)]
pub struct Introduced {
    hosts: Arc<dyn Hosts>,
    cloud: Arc<dyn Cloud>,
    clock: Arc<dyn Clock>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

/// What is known of a console.
#[derive(Debug, Clone)]
struct Asked {
    first: Timestamp,
    last: Timestamp,
    /// The keys, once they are there.
    keys: Option<String>,
    /// Whether asking on is of no use.
    in_vain: bool,
}

impl Asked {
    /// Whether keys may show yet, after it was asked for `waited`.
    fn may_come(&self, waited: Duration, boots: bool) -> bool {
        self.keys.is_none() && !self.in_vain && boots && waited < IN_TIME
    }
}

impl Introduced {
    /// The same hosts, introduced by this cloud.
    pub fn new(hosts: Arc<dyn Hosts>, cloud: Arc<dyn Cloud>, clock: Arc<dyn Clock>) -> Self {
        Self {
            hosts,
            cloud,
            clock,
            asked: Mutex::default(),
        }
    }

    fn since(&self, from: Timestamp) -> Duration {
        Duration::try_from(self.clock.now().duration_since(from)).unwrap_or_default()
    }

    /// What is known of a machine's console, asked anew if that was not just done.
    async fn console(&self, machine: &str) -> Asked {
        let known = self.asked().get(machine).cloned();
        if let Some(known) = &known {
            let settled = known.keys.is_some() || known.in_vain;
            if settled || self.since(known.last) < LOOK {
                return known.clone();
            }
        }
        let answer = self.cloud.console_output(&CloudId::new(machine)).await;
        let now = self.clock.now();
        let (keys, in_vain) = match &answer {
            Ok(output) => (console_keys(output), false),
            Err(failure) => (None, failure.class == FailureClass::Permission),
        };
        let asked = Asked {
            first: known.map_or(now, |known| known.first),
            last: now,
            keys,
            in_vain,
        };
        self.asked().insert(machine.to_owned(), asked.clone());
        asked
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Asked>> {
        self.asked
            .lock()
            .expect("no code panics while it holds what was asked")
    }
}

#[async_trait]
impl Hosts for Introduced {
    async fn connect(&self, target: &HostTarget) -> Result<Box<dyn HostLink>, HostError> {
        let is_machine = target.alias.starts_with("i-");
        if !is_machine || target.host_key.is_some() || self.hosts.knows(target) {
            return self.hosts.connect(target).await;
        }
        let asked = self.console(&target.alias).await;
        let boots = |at: Timestamp| self.since(at) < FIRST_BOOT;
        if asked.may_come(self.since(asked.first), target.launched.is_none_or(boots)) {
            return Err(HostError::new(
                HostErrorKind::Unreachable,
                "its console does not show its host key yet",
            ));
        }
        let target = HostTarget {
            host_key: asked.keys,
            ..target.clone()
        };
        self.hosts.connect(&target).await
    }

    fn knows(&self, target: &HostTarget) -> bool {
        self.hosts.knows(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_waited_for_while_they_may_come() {
        let asked = |keys: bool, in_vain| Asked {
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            keys: keys.then(String::new),
            in_vain,
        };
        let soon = Duration::from_secs(59);
        // Whether they are there, may not be asked for, how long it waited, whether it is the first boot, and the answer.
        for (keys, in_vain, waited, boots, may) in [
            (false, false, Duration::ZERO, true, true),
            (false, false, soon, true, true),
            (false, false, IN_TIME, true, false),
            (true, false, Duration::ZERO, true, false),
            (false, true, Duration::ZERO, true, false),
            // A command that tries once would never get in.
            (false, false, Duration::ZERO, false, false),
        ] {
            let told = asked(keys, in_vain).may_come(waited, boots);
            assert_eq!(told, may, "{keys} {in_vain} {waited:?} {boots}");
        }
    }
}
