//! The adapter, its target, and short ways to do and to look.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use roboinfra::aws::{Aws, Settings};
use roboinfra::inventory::{Inventory, Owner, Sighting};
use roboinfra::model::{
    ClientToken, CloudId, Failure, InstanceState, Kind, LabName, Op, Outcome, PortRange, Protocol,
    Ref, Region, Rule, Stamp, TAG_ADDRESS, TAG_LAB, TAG_LAB_ID, TAG_MANAGED, TAG_RUN, Tags,
};
use roboinfra::port::{Clock, Cloud, Scope, TestClock};
use roboinfra::sandbox::{Options, Sandbox, Scenario};

use super::counted::{Calls, Counted};

/// How often a state is looked at before it is called stuck.
const LOOKS: u32 = 200;

pub(crate) struct Bench {
    pub(crate) aws: Aws,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<TestClock>,
    /// Whether the target keeps EC2's documented rules.
    pub(crate) faithful: bool,
    lab: LabName,
    tokens: AtomicU32,
}

impl Bench {
    /// The target that the environment names; the sandbox where it names none.
    pub(crate) async fn connect(lab: &str) -> Self {
        Self::against(lab, "").await
    }

    /// Like `connect`, with faults that only the sandbox knows.
    pub(crate) async fn against(lab: &str, faults: &str) -> Self {
        let clock = Arc::new(TestClock::new(
            "2026-11-20T08:00:00Z".parse().expect("a time"),
        ));
        #[expect(clippy::disallowed_methods, reason = "a test may be told its target")]
        let endpoint = std::env::var("ROBOINFRA_TEST_ENDPOINT")
            .ok()
            .filter(|_| faults.is_empty());
        let faithful = endpoint.is_none();
        let inner = match endpoint {
            Some(_) => aws_smithy_http_client::Builder::new().build_http(),
            None => sandbox(clock.clone(), faults).http_client(),
        };
        let calls = Calls::default();
        let client = Counted {
            inner,
            calls: calls.clone(),
        };
        let settings = Settings {
            region: Region::new("us-east-1"),
            profile: None,
            endpoint,
            endpoint_name: faithful.then(|| "sandbox".to_owned()),
            http_client: Some(SharedHttpClient::new(client)),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            known_images: |name, architecture| {
                roboinfra::catalog::image(name)?.parameter(architecture)
            },
            clock: clock.clone(),
        };
        Self {
            aws: Aws::connect(settings).await.expect("connects"),
            calls,
            clock,
            faithful,
            lab: LabName::try_from(lab).expect("a name"),
            tokens: AtomicU32::new(0),
        }
    }

    /// Tags and a fresh token for `address`.
    pub(crate) fn stamp(&self, address: &str) -> Stamp {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        let tags = [
            (TAG_LAB, self.lab.as_str()),
            (TAG_LAB_ID, "x1"),
            (TAG_ADDRESS, address),
            (TAG_RUN, "r1"),
            (TAG_MANAGED, "true"),
        ];
        Stamp {
            token: ClientToken::new(format!("{}-{number}", self.lab)),
            tags: tags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        }
    }

    /// Performs, with the tags of `address`.
    pub(crate) async fn perform(&self, address: &str, op: &Op) -> Result<Outcome, Failure> {
        self.aws.perform(op, &self.stamp(address)).await
    }

    /// Makes the one thing that is at `address`.
    pub(crate) async fn make(&self, address: &str, op: Op) -> CloudId {
        let outcome = self.perform(address, &op).await.expect("makes");
        assert_eq!(outcome.born.len(), 1, "{op:?}");
        outcome.born[0].id.clone()
    }

    /// Does something that makes nothing.
    pub(crate) async fn act(&self, op: Op) {
        let outcome = self
            .perform("none", &op)
            .await
            .unwrap_or_else(|e| panic!("{op:?}: {e}"));
        assert!(outcome.born.is_empty(), "{op:?} made {outcome:?}");
    }

    /// Deletes, twice: what is gone is gone. EC2 lets things go slowly, so conflicts are sat out.
    pub(crate) async fn delete(&self, kind: Kind, id: &CloudId) {
        let op = Op::Delete {
            kind,
            target: existing(id),
        };
        for _ in 0..LOOKS {
            match self.perform("none", &op).await {
                Err(failure) if failure.class == roboinfra::model::FailureClass::Conflict => {
                    self.clock.sleep(Duration::from_secs(5)).await;
                }
                done => {
                    done.unwrap_or_else(|e| panic!("{op:?}: {e}"));
                    self.act(op).await;
                    return;
                }
            }
        }
        panic!("{op:?} stays in conflict");
    }

    /// Waits for instances.
    pub(crate) async fn settle(&self, instances: &[CloudId], state: InstanceState) {
        let instances: BTreeSet<_> = instances.iter().cloned().collect();
        for _ in 0..LOOKS {
            let watched = self.aws.instance_states(&instances).await.expect("states");
            assert_eq!(watched.len(), instances.len());
            if watched.values().all(|w| w.state == Some(state)) {
                return;
            }
            self.clock.sleep(Duration::from_secs(5)).await;
        }
        panic!("{instances:?} are not {state}");
    }

    /// Waits for a volume.
    pub(crate) async fn until_available(&self, volume: &CloudId) {
        for _ in 0..LOOKS {
            if self.aws.volume_is_available(volume).await.expect("a state") {
                return;
            }
            self.clock.sleep(Duration::from_secs(5)).await;
        }
        panic!("{volume} is not available");
    }

    /// Reads the lab; everything must be readable.
    pub(crate) async fn world(&self) -> Inventory {
        let name = self.lab.to_string();
        let scope = Scope {
            lab: Some(self.lab.clone()),
            roles: BTreeSet::from([name.clone()]),
            instance_profiles: BTreeSet::from([name]),
            placement_groups: self.faithful,
            ..Scope::default()
        };
        let world = self.aws.collect(&scope).await;
        assert!(world.unreadable.is_empty(), "{:?}", world.unreadable);
        world
    }
}

/// A sandbox whose account may run some G instances.
fn sandbox(clock: Arc<TestClock>, faults: &str) -> Arc<Sandbox> {
    let scenario = format!("{faults}\n[quotas]\nL-DB2E81BA = 64\nL-3819A6DF = 64\n");
    Sandbox::new(Options {
        clock,
        scenario: Scenario::parse(&scenario).expect("a scenario"),
        ..Options::default()
    })
}

/// A reference to what exists.
pub(crate) fn existing(id: &CloudId) -> Ref {
    Ref::Existing(id.clone())
}

/// A rule for one port.
pub(crate) fn rule(port: u16, source: &str) -> Rule {
    Rule {
        protocol: Protocol::Tcp,
        ports: PortRange {
            from: port,
            to: port,
        },
        source: source.parse().expect("a block"),
        description: format!("port {port}"),
    }
}

/// The lab's sightings as kind, id and address.
pub(crate) fn owned(world: &Inventory) -> Vec<(Kind, String, Option<String>)> {
    let of_lab = |s: &&Sighting| matches!(s.owner, Owner::Lab { .. }) && !s.is_gone();
    let shown = |s: &Sighting| match &s.owner {
        Owner::Lab { address, .. } => (
            s.seen.kind(),
            s.id.to_string(),
            address.as_ref().map(ToString::to_string),
        ),
        Owner::Foreign => (s.seen.kind(), s.id.to_string(), None),
    };
    world.sightings.iter().filter(of_lab).map(shown).collect()
}

/// Tags as a map.
pub(crate) fn tag(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}
