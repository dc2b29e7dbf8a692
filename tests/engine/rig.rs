//! The whole road in one process: profile text, lab, reading, plan, engine, against a sandbox through the AWS adapter.
//! It does what the command does, without its files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use roboinfra::apply::{Engine, Report, Run, Stop, capacity, gather, recover};
use roboinfra::aws::{Aws, Settings};
use roboinfra::event::Event;
use roboinfra::inventory::{Identity, Inventory, Owner};
use roboinfra::lab::{self, Facts, Lab};
use roboinfra::model::{Address, CloudId, Failure, Kind, LabId, RetryPolicy, RunId};
use roboinfra::plan::{self, Input, Mode, Notice, Plan};
use roboinfra::port::{Clock, Cloud, JournalError, Scope, TestClock, WhoAmI};
use roboinfra::profile::{self, Profile};
use roboinfra::sandbox::{Options, Sandbox};
use roboinfra::state::{LabEntry, Lockfile, Pins, Record};

use super::memory::Memory;

/// A lab, its cloud, and what is remembered of it.
pub(crate) struct Rig {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) profile: Profile,
    pub(crate) journal: Memory,
    pub(crate) lockfile: Option<Lockfile>,
    pub(crate) parallelism: usize,
    runs: u32,
}

/// All that is known before anything is done.
pub(crate) struct Look {
    pub(crate) lab: Lab,
    pub(crate) plan: Plan,
    observed: Inventory,
    pub(crate) notices: Vec<Notice>,
    identity: Identity,
    pins: Pins,
    pub(crate) scope: Scope,
}

/// How a run went.
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) events: Vec<Event>,
}

/// A clock that shows a fixed day and never waits.
pub(crate) fn still() -> Arc<dyn Clock> {
    Arc::new(TestClock::new(
        "2026-11-20T08:00:00Z".parse().expect("a time"),
    ))
}

impl Rig {
    /// A lab that has never been applied, in a sandbox of its own.
    pub(crate) async fn new(profile: &str, options: Options) -> Self {
        let parsed = profile::parse(profile);
        assert_eq!(parsed.problems, [], "the profile is valid");
        let sandbox = Sandbox::new(options.clone());
        let profile = parsed.profile.expect("a profile without problems");
        Self {
            cloud: connect(&sandbox, &options.clock, &profile).await,
            clock: options.clock,
            sandbox,
            profile,
            journal: Memory::default(),
            lockfile: None,
            parallelism: 10,
            runs: 0,
        }
    }

    /// Reads the world and plans.
    pub(crate) async fn look(&mut self, mode: Mode) -> Look {
        let recorded = self.journal.folded(&self.lockfile).lockfile;
        let lab_id = recorded
            .as_ref()
            .map_or_else(|| LabId::new("x1"), |lock| lock.lab.id.clone());
        let wants = match mode {
            Mode::Destroy => lab::Wants::default(),
            Mode::Apply | Mode::RefreshOnly => lab::wants(&self.profile),
        };
        let scope = self.scope(&lab_id);
        let pins = recorded
            .as_ref()
            .map(|lock| lock.pins.clone())
            .unwrap_or_default();
        let (identity, gathered) = tokio::join!(
            self.cloud.identity(),
            gather(self.cloud.as_ref(), &Operator, &wants, pins, &scope)
        );
        let (identity, gathered) = (identity.expect("known"), gathered.expect("read"));
        let head = (&identity, &gathered.pins, &lab_id);
        let inventory = self.settle(head, &scope, gathered.inventory).await;
        let lab = self.build(lab_id, &gathered.pins);
        let recorded = self.journal.folded(&self.lockfile).lockfile;
        let plan = planned(mode, &lab, recorded.as_ref(), &inventory);
        let mut notices = Vec::new();
        if plan.launches() {
            let read = capacity(self.cloud.as_ref(), &plan, &inventory, gathered.offered).await;
            assert_eq!(read.unread, []);
            notices = plan::preflight(&lab, &plan, &inventory, &read.capacity);
        }
        Look {
            lab,
            plan,
            observed: inventory,
            notices,
            identity,
            pins: gathered.pins,
            scope,
        }
    }

    /// Clears up after a run that was cut off.
    async fn settle(
        &mut self,
        (identity, pins, lab): (&Identity, &Pins, &LabId),
        scope: &Scope,
        inventory: Inventory,
    ) -> Inventory {
        let open = self.journal.folded(&self.lockfile).open;
        if open.is_empty() {
            return inventory;
        }
        let age = Duration::from_secs(30);
        let (cloud, clock) = (self.cloud.as_ref(), self.clock.as_ref());
        let recovery = recover(cloud, clock, (scope, lab), &open, inventory, age).await;
        assert_eq!(recovery.unsettled, []);
        self.begin(identity, pins, lab);
        self.journal.write(&recovery.records);
        recovery.inventory
    }

    fn build(&self, lab_id: LabId, pins: &Pins) -> Lab {
        let facts = Facts {
            lab_id,
            my_ip: pins.my_ip,
            zones: pins.zones.clone(),
            images: pins.images.clone(),
            subnets: pins.subnets.clone(),
            public_keys: vec![public_key()],
        };
        lab::build(&self.profile, &facts).expect("a lab")
    }

    /// The lab's VPC, if it is remembered.
    fn own_vpc(&self) -> Option<CloudId> {
        let lock = self.journal.folded(&self.lockfile).lockfile?;
        let recorded = lock.resources.get(&Address::new("network.vpc"))?;
        Some(recorded.id.clone())
    }

    fn scope(&self, lab_id: &LabId) -> Scope {
        let name = &self.profile.name;
        Scope {
            lab: Some(name.clone()),
            roles: BTreeSet::from([lab::role_name(name, lab_id)]),
            instance_profiles: BTreeSet::from([lab::instance_profile_name(name, lab_id)]),
            own_vpc: self.own_vpc(),
            placement_groups: self.profile.nodes.values().any(|node| node.placement_group),
            watch: (lab::is_watched(&self.profile) || self.remembers_alarms())
                .then(|| lab::watch_names(&self.profile, lab_id)),
            ..Scope::default()
        }
    }

    fn remembers_alarms(&self) -> bool {
        let known = self.journal.folded(&self.lockfile).lockfile;
        known.is_some_and(|lock| {
            let mut kinds = lock.resources.values().map(|recorded| recorded.kind);
            kinds.any(|kind| matches!(kind, Kind::Alarm | Kind::Dashboard))
        })
    }

    /// Does what a look has shown. `watch` sees every event and may ask to stop.
    pub(crate) async fn act(
        &mut self,
        look: &Look,
        mut watch: impl FnMut(&Event, &Stop) + Send,
    ) -> Result<Ran, JournalError> {
        let recorded = self.journal.folded(&self.lockfile).lockfile;
        let id = self.begin(&look.identity, &look.pins, &look.lab.id);
        let engine = Engine {
            cloud: self.cloud.clone(),
            clock: self.clock.clone(),
            policy: RetryPolicy::default(),
            parallelism: self.parallelism,
        };
        let run = Run {
            id: &id,
            lab: &look.lab,
            plan: &look.plan,
            recorded: recorded.as_ref(),
            observed: &look.observed,
            scope: &look.scope,
            seed: 7,
            first_seq: self.journal.folded(&self.lockfile).next_seq,
        };
        let (stop, mut events) = (Stop::default(), Vec::new());
        let mut tell = |event: Event| {
            watch(&event, &stop);
            events.push(event);
        };
        let report = engine
            .run(&run, &mut self.journal, &mut tell, &stop)
            .await?;
        self.lockfile = self.journal.conclude(&self.lockfile, &id, self.clock.now());
        Ok(Ran { report, events })
    }

    fn begin(&mut self, identity: &Identity, pins: &Pins, lab: &LabId) -> RunId {
        self.runs += 1;
        let run = RunId::new(format!("r{}", self.runs));
        let recorded = self.journal.folded(&self.lockfile).lockfile;
        self.journal.write(&[Record::Begun {
            run: run.clone(),
            command: "test".to_owned(),
            lab: LabEntry {
                name: self.profile.name.clone(),
                id: lab.clone(),
                account: identity.account.clone(),
                region: identity.region.clone(),
                endpoint: identity.endpoint.clone(),
            },
            pins: pins.clone(),
            serial: recorded.map_or(0, |lock| lock.serial),
            at: self.clock.now(),
        }]);
        run
    }

    /// Plans and does it.
    pub(crate) async fn go(&mut self, mode: Mode) -> Ran {
        let look = self.look(mode).await;
        self.act(&look, |_, _| ())
            .await
            .expect("the journal is in memory")
    }

    /// How many things of the lab live at each address, machines by their own.
    pub(crate) async fn living(&self) -> BTreeMap<Address, usize> {
        let world = self.cloud.collect(&self.scope(&LabId::new("x1"))).await;
        assert!(world.unreadable.is_empty(), "{:?}", world.unreadable);
        let mut living = BTreeMap::new();
        for sighting in world
            .sightings
            .iter()
            .filter(|s| !s.is_gone() && !s.is_part())
        {
            let Owner::Lab {
                address: Some(address),
                ..
            } = &sighting.owner
            else {
                continue;
            };
            *living.entry(address.clone()).or_default() += 1;
        }
        living
    }
}

async fn connect(
    sandbox: &Arc<Sandbox>,
    clock: &Arc<dyn Clock>,
    profile: &Profile,
) -> Arc<dyn Cloud> {
    let settings = Settings {
        region: profile.region.clone(),
        profile: None,
        endpoint: None,
        endpoint_name: Some("sandbox".to_owned()),
        http_client: Some(sandbox.http_client()),
        credentials: Some(("test".to_owned(), "test".to_owned())),
        known_images: |name, architecture| roboinfra::catalog::image(name)?.parameter(architecture),
        clock: clock.clone(),
    };
    Arc::new(Aws::connect(settings).await.expect("connects"))
}

/// A plan that its own judge finds sound.
pub(crate) fn planned(
    mode: Mode,
    lab: &Lab,
    recorded: Option<&Lockfile>,
    observed: &Inventory,
) -> Plan {
    let plan = plan::build(&Input {
        mode,
        lab,
        recorded,
        observed,
        targets: &BTreeSet::new(),
    });
    assert_eq!(plan::check(&plan), []);
    plan
}

/// An operator at an address that is kept for examples.
#[derive(Debug)]
struct Operator;

#[async_trait]
impl WhoAmI for Operator {
    async fn my_ip(&self) -> Result<std::net::IpAddr, Failure> {
        Ok(std::net::Ipv4Addr::new(203, 0, 113, 7).into())
    }
}

/// A well-formed ED25519 public key that nobody has.
fn public_key() -> String {
    let mut blob = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[7; 32]] {
        blob.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
        blob.extend(part);
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(blob);
    format!("ssh-ed25519 {encoded}")
}
