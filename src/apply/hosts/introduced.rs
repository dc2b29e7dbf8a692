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
        let in_time = !asked.in_vain && self.since(asked.first) < IN_TIME;
        if asked.keys.is_none() && in_time {
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
