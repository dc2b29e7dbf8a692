//! The commands, as `cli` carries them out, on files in memory: what is read, what is refused, what is written when.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roboinfra::apply::{
    Engine, ForLaunch, Gathered, Report, Run, Stop, capacity, confirm, gather, recover,
};
use roboinfra::event::Event;
use roboinfra::inventory::Identity;
use roboinfra::lab::{self, Facts, Lab, LabProblem};
use roboinfra::model::{
    Action, Address, BlockReason, Failure, FailureClass, Kind, LabId, Op, Reason, RetryPolicy,
    RunId,
};
use roboinfra::plan::{self, Input, Mode, Notice, Plan, Power, Severity};
use roboinfra::port::{Clock, Cloud, Journal, JournalError, Scope, WhoAmI};
use roboinfra::profile::Profile;
use roboinfra::state::{LabEntry, Lockfile, Pins, Record};
use roboinfra::ui::{self, Circumstances, EndReport, Help, Look, Place, PlanReport, Remains};

use super::chaos::Fate;
use super::clock::SimClock;
use super::files::{Files, Ledger};
use super::log::Log;
use super::rng::Rng;

/// What a command has at hand. Its random numbers are ids; the process has no others.
pub(crate) struct Session<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) fate: Arc<Fate>,
    pub(crate) log: &'a Log,
    pub(crate) rng: Rng,
    /// After so many events the user asks to stop.
    pub(crate) patience: Option<usize>,
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    Plan,
    Apply,
    Refresh,
    Destroy,
    Power(Power),
    Rebuild,
}

/// Why a command ended without a run, or within one.
#[derive(Debug)]
pub(crate) enum Trouble {
    Cloud(Failure),
    NoSuchLab,
    SeveralLabs,
    HasLockfile,
    UnknownLab,
    Unsettled,
    Lab(LabProblem),
    Blocked(Vec<(Address, BlockReason)>, Option<Failure>),
    Preflight(Vec<Notice>),
    Protected,
    Journal(JournalError),
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl Trouble {
    /// What the command says about it: what happened, then what helps.
    pub(crate) fn told(&self, profile: &Profile) -> Vec<String> {
        let say = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Cloud(failure) => {
                let circumstances = Circumstances {
                    region: &profile.region,
                    launch: None,
                    aws_profile: None,
                };
                let advice = ui::advise(failure, &circumstances);
                let help = advice.help.into_iter().map(|help| match help {
                    Help::Say(text) | Help::Type(text) => text,
                });
                [advice.cause].into_iter().chain(help).collect()
            }
            Self::Preflight(notices) => notices
                .iter()
                .flat_map(|notice| [Some(notice.text.clone()), notice.help.clone()])
                .flatten()
                .collect(),
            Self::Blocked(blocked, unread) => {
                let why = unread
                    .clone()
                    .map(|failure| Self::Cloud(failure).told(profile));
                let blocked = blocked
                    .iter()
                    .map(|(address, why)| format!("{address}: {why:?}"));
                let rest = "--target applies the rest".to_owned();
                blocked
                    .chain(why.into_iter().flatten())
                    .chain([rest])
                    .collect()
            }
            Self::Lab(problem) => vec![problem.to_string(), "change the profile".to_owned()],
            Self::Journal(error) => vec![error.to_string(), "run it again".to_owned()],
            Self::NoSuchLab => say(&["no such lab", "roboinfra apply"]),
            Self::SeveralLabs => say(&["several labs", "--lab-id"]),
            Self::HasLockfile => say(&["a lockfile", "roboinfra plan --refresh-only"]),
            Self::UnknownLab => say(&["an unknown lab", "roboinfra state rebuild"]),
            Self::Unsettled => say(&["cannot be told", "run it again when the cloud answers"]),
            Self::Protected => say(&["protected", "remove prevent_destroy"]),
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Nothing was to be done, or nothing was asked to be done.
    Looked(Box<Plan>),
    /// A run, and what is said of it.
    Ran(Box<Report>, String),
    /// After a destroy: what is said of it, and what a search found.
    Searched(Box<Report>, String, Vec<Address>),
}

struct Reading {
    identity: Identity,
    gathered: Gathered,
    lab_id: LabId,
    scope: Scope,
}

struct Prepared {
    reading: Reading,
    lab: Lab,
    plan: Plan,
    notices: Vec<Notice>,
}

impl Session<'_> {
    /// Carries a command out.
    pub(crate) async fn obey(
        mut self,
        command: &Command,
        files: &mut Files,
    ) -> Result<Ended, Trouble> {
        match command {
            Command::Plan => self.plan(files).await,
            Command::Apply => self.apply(files, Mode::Apply).await,
            Command::Refresh => self.apply(files, Mode::RefreshOnly).await,
            Command::Destroy => self.apply(files, Mode::Destroy).await,
            Command::Power(way) => self.power(files, *way).await,
            Command::Rebuild => self.rebuild(files).await,
        }
    }

    async fn plan(&mut self, files: &Files) -> Result<Ended, Trouble> {
        let recorded = files.folded().lockfile;
        let reading = self.read(recorded.as_ref(), Mode::Apply).await?;
        let (lab, plan) = self.think(&reading, recorded.as_ref(), Mode::Apply)?;
        let prepared = self.price(reading, lab, plan).await;
        Ok(Ended::Looked(Box::new(prepared.plan)))
    }

    async fn apply(&mut self, files: &mut Files, mode: Mode) -> Result<Ended, Trouble> {
        let fate = Arc::clone(&self.fate);
        let mut ledger = files.open(&fate);
        let recorded = ledger.folded().lockfile.clone();
        let mut reading = self.read(recorded.as_ref(), mode).await?;
        self.settle(&mut ledger, &mut reading).await?;
        let recorded = ledger.folded().lockfile.clone();
        let (lab, plan) = self.think(&reading, recorded.as_ref(), mode)?;
        let prepared = self.price(reading, lab, plan).await;
        refuse(&prepared)?;
        let (report, told) = self.run(ledger, &prepared).await?;
        if mode == Mode::Destroy {
            let left = self.search(&prepared, report.failures.is_empty()).await;
            return Ok(Ended::Searched(Box::new(report), told, left));
        }
        Ok(Ended::Ran(Box::new(report), told))
    }

    async fn power(&mut self, files: &mut Files, way: Power) -> Result<Ended, Trouble> {
        let fate = Arc::clone(&self.fate);
        let mut ledger = files.open(&fate);
        let recorded = ledger.folded().lockfile.clone();
        let mut reading = self.read(recorded.as_ref(), Mode::Apply).await?;
        self.settle(&mut ledger, &mut reading).await?;
        let recorded = ledger.folded().lockfile.clone();
        let (lab, _) = self.think(&reading, recorded.as_ref(), Mode::Apply)?;
        let plan = plan::power(&lab, &reading.gathered.inventory, way, &BTreeSet::new());
        let blocked = blocks(&plan);
        if !blocked.is_empty() {
            return Err(Trouble::Blocked(blocked, None));
        }
        if plan.steps.is_empty() {
            return Ok(Ended::Looked(Box::new(plan)));
        }
        let prepared = self.price(reading, lab, plan).await;
        let (report, told) = self.run(ledger, &prepared).await?;
        Ok(Ended::Ran(Box::new(report), told))
    }

    async fn rebuild(&mut self, files: &mut Files) -> Result<Ended, Trouble> {
        let fate = Arc::clone(&self.fate);
        let ledger = files.open(&fate);
        if ledger.folded().lockfile.is_some() {
            return Err(Trouble::HasLockfile);
        }
        let name = self.profile.name.clone();
        let scope = Scope {
            lab: Some(name.clone()),
            ..Scope::default()
        };
        let world = self.cloud.collect(&scope).await;
        let labs = world.other_labs(&name, None);
        // A stranger's lab of this name is there in some stories: the user knows which one is theirs.
        let id = match labs.keys().find(|id| id.as_str().starts_with("lab-")) {
            Some(id) => id.clone(),
            None if labs.is_empty() => return Err(Trouble::NoSuchLab),
            None => return Err(Trouble::SeveralLabs),
        };
        let reading = self.read_known(None, Mode::RefreshOnly, id).await?;
        if let Some(failure) = reading.gathered.inventory.unreadable.values().next() {
            return Err(Trouble::Cloud(failure.clone()));
        }
        let (lab, plan) = self.think(&reading, None, Mode::RefreshOnly)?;
        let prepared = self.price(reading, lab, plan).await;
        let (report, told) = self.run(ledger, &prepared).await?;
        Ok(Ended::Ran(Box::new(report), told))
    }

    fn draw(&mut self, what: &str) -> RunId {
        RunId::new(format!("{what}-{:012x}", self.rng.next() >> 16))
    }

    async fn read(&mut self, recorded: Option<&Lockfile>, mode: Mode) -> Result<Reading, Trouble> {
        let lab_id = recorded.map_or_else(
            || LabId::new(self.draw("lab").as_str()),
            |lock| lock.lab.id.clone(),
        );
        let reading = self.read_known(recorded, mode, lab_id).await?;
        let world = &reading.gathered.inventory;
        let has_lockfile = recorded.is_some();
        match world.unknown_lab(&self.profile.name, &reading.lab_id, has_lockfile) {
            Some(_) => Err(Trouble::UnknownLab),
            None => Ok(reading),
        }
    }

    async fn read_known(
        &mut self,
        recorded: Option<&Lockfile>,
        mode: Mode,
        lab_id: LabId,
    ) -> Result<Reading, Trouble> {
        let pins = recorded.map(pins_in_use).unwrap_or_default();
        let wants = if mode == Mode::Destroy {
            lab::Wants::default()
        } else {
            lab::wants(self.profile)
        };
        let scope = self.scope(recorded, &lab_id);
        let cloud = self.cloud.as_ref();
        let (identity, gathered) = tokio::join!(
            cloud.identity(),
            gather(cloud, &Operator, &wants, pins, &scope)
        );
        let identity = identity.map_err(Trouble::Cloud)?;
        if let Some(lock) = recorded {
            let LabEntry {
                account,
                region,
                endpoint,
                name,
                ..
            } = entry(&identity, self.profile, &lab_id);
            lock.check_belongs(&name, &account, &region, &endpoint)
                .expect("it is the lab's own lockfile");
        }
        let mut gathered = gathered.map_err(Trouble::Cloud)?;
        gathered.inventory = confirm(
            cloud,
            self.clock.as_ref(),
            &scope,
            recorded,
            gathered.inventory,
            PATIENCE,
        )
        .await;
        let reading = Reading {
            identity,
            gathered,
            lab_id,
            scope,
        };
        Ok(reading)
    }

    fn scope(&self, recorded: Option<&Lockfile>, lab_id: &LabId) -> Scope {
        let profile = self.profile;
        let remembered = |kind| {
            recorded
                .into_iter()
                .flat_map(|lock| lock.resources.values())
                .filter(move |recorded| recorded.kind == kind)
                .map(|recorded| recorded.id.to_string())
        };
        let mut roles = BTreeSet::from([lab::role_name(&profile.name, lab_id)]);
        roles.extend(remembered(Kind::Role));
        let mut instance_profiles =
            BTreeSet::from([lab::instance_profile_name(&profile.name, lab_id)]);
        instance_profiles.extend(remembered(Kind::InstanceProfile));
        Scope {
            lab: Some(profile.name.clone()),
            roles,
            instance_profiles,
            placement_groups: profile.nodes.values().any(|node| node.placement_group)
                || remembered(Kind::PlacementGroup).next().is_some()
                || recorded.is_none_or(|lock| lock.resources.is_empty()),
            // Whatever the profile says now, alarms may be left from before.
            watch: Some(lab::watch_names(profile, lab_id)),
            ..Scope::default()
        }
    }

    async fn settle(
        &mut self,
        ledger: &mut Ledger<'_>,
        reading: &mut Reading,
    ) -> Result<(), Trouble> {
        let open = ledger.folded().open.clone();
        if open.is_empty() {
            return Ok(());
        }
        let recovery = recover(
            self.cloud.as_ref(),
            self.clock.as_ref(),
            (&reading.scope, &reading.lab_id),
            &open,
            reading.gathered.inventory.clone(),
            PATIENCE,
        )
        .await;
        self.begin(ledger, reading)?;
        ledger.append(&recovery.records)?;
        reading.gathered.inventory = recovery.inventory;
        if recovery.unsettled.is_empty() {
            Ok(())
        } else {
            Err(Trouble::Unsettled)
        }
    }

    fn begin(&mut self, ledger: &mut Ledger<'_>, reading: &Reading) -> Result<RunId, JournalError> {
        let run = self.draw("run");
        let serial = ledger
            .folded()
            .lockfile
            .as_ref()
            .map_or(0, |lock| lock.serial);
        ledger.append(&[Record::Begun {
            run: run.clone(),
            command: "simulation".to_owned(),
            lab: entry(&reading.identity, self.profile, &reading.lab_id),
            pins: reading.gathered.pins.clone(),
            serial,
            at: self.clock.now(),
        }])?;
        Ok(run)
    }

    fn think(
        &self,
        reading: &Reading,
        recorded: Option<&Lockfile>,
        mode: Mode,
    ) -> Result<(Lab, Plan), Trouble> {
        let pins = &reading.gathered.pins;
        let facts = Facts {
            lab_id: reading.lab_id.clone(),
            my_ip: pins.my_ip,
            zones: pins.zones.clone(),
            images: pins.images.clone(),
            subnets: pins.subnets.clone(),
            public_keys: vec![KEY.to_owned()],
        };
        let lab = match lab::build(self.profile, &facts) {
            Ok(lab) => lab,
            Err(_) if mode == Mode::Destroy => {
                if self.profile.nodes.values().any(|node| node.prevent_destroy) {
                    return Err(Trouble::Protected);
                }
                lab::empty(self.profile, &reading.lab_id)
            }
            Err(problem) => return Err(Trouble::Lab(problem)),
        };
        let plan = plan::build(&Input {
            mode,
            lab: &lab,
            recorded,
            observed: &reading.gathered.inventory,
            targets: &BTreeSet::new(),
        });
        assert_eq!(plan::check(&plan), [], "the plan is sound");
        Ok((lab, plan))
    }

    async fn price(&self, reading: Reading, lab: Lab, plan: Plan) -> Prepared {
        let inventory = &reading.gathered.inventory;
        let offered = reading.gathered.offered.clone();
        let read: ForLaunch = capacity(self.cloud.as_ref(), &plan, inventory, offered).await;
        let after = if plan.mode == Mode::Destroy {
            lab.emptied()
        } else {
            lab.clone()
        };
        let mut bill = plan::bill(&after, inventory, None, &read.spot);
        for change in plan.changes.iter().filter(|c| c.reason == Reason::Kept) {
            plan::keep(&mut bill, &change.address);
        }
        let notices = plan::preflight(&after, &plan, inventory, &read.capacity);
        let place = Place {
            lab: lab.name.clone(),
            region: reading.identity.region.clone(),
            account: reading.identity.account.clone(),
            endpoint: reading.identity.endpoint.clone(),
        };
        let shown = PlanReport {
            place: &place,
            plan: &plan,
            hosts: &[],
            bill: &bill,
            notices: &notices,
            warnings: &[],
            pins: &reading.gathered.pins,
            next: &[],
            verbose: true,
        };
        let view = ui::plan_view(&shown, &Look::plain(80));
        let json = ui::json::plan_json(&shown);
        self.log.line(|| format!("{view}\n{json}"));
        Prepared {
            reading,
            lab,
            plan,
            notices,
        }
    }

    async fn run(
        &mut self,
        mut ledger: Ledger<'_>,
        prepared: &Prepared,
    ) -> Result<(Report, String), Trouble> {
        let recorded = ledger.folded().lockfile.clone();
        let id = self.begin(&mut ledger, &prepared.reading)?;
        let engine = Engine {
            cloud: Arc::clone(&self.cloud),
            clock: self.clock.clone(),
            policy: RetryPolicy::default(),
            parallelism: 10,
        };
        let run = Run {
            id: &id,
            lab: &prepared.lab,
            plan: &prepared.plan,
            recorded: recorded.as_ref(),
            observed: &prepared.reading.gathered.inventory,
            scope: &prepared.reading.scope,
            seed: self.rng.next(),
            first_seq: ledger.folded().next_seq,
        };
        let stop = Stop::default();
        let (log, clock) = (self.log, Arc::clone(&self.clock));
        let mut left = self.patience;
        let mut tell = |event: Event| {
            log.line(|| format!("{} {event:?}", clock.now()));
            match &mut left {
                Some(0) => stop.ask(),
                Some(left) => *left -= 1,
                None => {}
            }
        };
        let report = engine.run(&run, &mut ledger, &mut tell, &stop).await?;
        let lockfile = ledger.conclude(self.clock.now())?;
        self.helps(&report);
        let told = self.account(&report, prepared, lockfile.as_ref());
        Ok((report, told))
    }

    /// What the command says at the end of a run.
    fn account(&self, report: &Report, prepared: &Prepared, lock: Option<&Lockfile>) -> String {
        let launch = prepared.plan.steps.iter().find_map(|step| match &step.op {
            Op::RunInstances { launch, count, .. } => launch
                .ladder
                .first()
                .map(|rung| (&rung.instance_type, rung.market, *count)),
            _ => None,
        });
        let next = ["apply", "status", "destroy"].map(|command| format!("roboinfra {command}"));
        let end = EndReport {
            end: report.end,
            done: &report.done,
            failures: &report.failures,
            skipped: report.skipped.len(),
            took: report.took,
            circumstances: Circumstances {
                region: &self.profile.region,
                launch,
                aws_profile: None,
            },
            standing: &[],
            remains: Remains::NotScanned,
            resources: lock.map(|lock| lock.resources.len()),
            rate: None,
            next: &next,
        };
        ui::end_view(&end, &Look::plain(100))
    }

    /// Every failure of a run has a cause in words and something that helps.
    fn helps(&self, report: &Report) {
        for (address, failure) in &report.failures {
            let circumstances = Circumstances {
                region: &self.profile.region,
                launch: None,
                aws_profile: None,
            };
            let advice = ui::advise(failure, &circumstances);
            assert!(
                !advice.cause.is_empty() && !advice.help.is_empty(),
                "{address}: {failure}: nothing helps"
            );
        }
    }

    async fn search(&self, prepared: &Prepared, patient: bool) -> Vec<Address> {
        let tries = if patient { 4 } else { 1 };
        let mut left = Vec::new();
        for round in 0..tries {
            if round > 0 {
                self.clock.sleep(Duration::from_secs(3)).await;
            }
            let world = self.cloud.collect(&prepared.reading.scope).await;
            left = world
                .left_of(&prepared.reading.lab_id, &prepared.plan.kept())
                .into_iter()
                .map(|sighting| Address::new(sighting.id.as_str()))
                .collect();
            if left.is_empty() {
                break;
            }
        }
        left
    }
}

fn entry(identity: &Identity, profile: &Profile, id: &LabId) -> LabEntry {
    LabEntry {
        name: profile.name.clone(),
        id: id.clone(),
        account: identity.account.clone(),
        region: identity.region.clone(),
        endpoint: identity.endpoint.clone(),
    }
}

fn pins_in_use(lock: &Lockfile) -> Pins {
    let mut pins = lock.pins.clone();
    if lock.resources.values().all(|r| r.kind != Kind::Instance) {
        pins.images.clear();
    }
    if lock.resources.is_empty() {
        pins.zones.clear();
    }
    pins
}

/// What is blocked, and why.
pub(crate) fn blocks(plan: &Plan) -> Vec<(Address, BlockReason)> {
    plan.changes
        .iter()
        .filter(|change| change.action == Action::Blocked)
        .map(|change| match &change.reason {
            Reason::Blocked(reason) => (change.address.clone(), reason.clone()),
            other => panic!("{} is blocked because of {other:?}", change.address),
        })
        .collect()
}

fn refuse(prepared: &Prepared) -> Result<(), Trouble> {
    let blocked = blocks(&prepared.plan);
    if !blocked.is_empty() {
        let unreadable = &prepared.reading.gathered.inventory.unreadable;
        let first = unreadable
            .values()
            .max_by_key(|failure| failure.class == FailureClass::Credentials);
        return Err(Trouble::Blocked(blocked, first.cloned()));
    }
    let errors: Vec<Notice> = prepared
        .notices
        .iter()
        .filter(|notice| notice.severity == Severity::Error)
        .cloned()
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Trouble::Preflight(errors))
    }
}

/// How old something must be before its absence counts.
const PATIENCE: Duration = Duration::from_secs(30);

/// A well-formed public key that nobody has.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

/// An operator at an address that is kept for examples.
#[derive(Debug)]
struct Operator;

#[async_trait]
impl WhoAmI for Operator {
    async fn my_ip(&self) -> Result<std::net::IpAddr, Failure> {
        Ok(std::net::Ipv4Addr::new(203, 0, 113, 7).into())
    }
}
