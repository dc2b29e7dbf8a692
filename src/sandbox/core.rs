//! The sandbox itself: takes a call, lets faults strike, lets due states change, acts, keeps, answers.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::catalog;
#[cfg(feature = "cli")]
use crate::port::Clock;

use super::call::{Broken, Call, CallRecord, Service, refusal};
use super::context::Ctx;
use super::ec2;
#[cfg(feature = "cli")]
use super::machine::Machine;
use super::options::Options;
use super::published::Published;
use super::s3;
use super::scenario::{Buckets, FaultKind, Faults, Scenario, Situation, When};
use super::services::perform;
use super::strike::{empty_page, strike_before, throttled};
use super::wire::{Request, Response};
use super::world::{Entity, IdSource, Line, Loaded, Log, Phase, Store, kind_of, mix};

/// An emulated AWS account.
pub struct Sandbox {
    options: Options,
    opened: Timestamp,
    state: Mutex<State>,
}

struct State {
    scenario: Arc<Scenario>,
    seed: u64,
    regions: BTreeMap<String, Store>,
    iam: Store,
    s3: Store,
    faults: Store,
    /// What hosts published; it does not outlive this process.
    metrics: Vec<Published>,
    log: Option<Log>,
    calls: Vec<CallRecord>,
    buckets: Buckets,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

const IAM: &str = "iam";
const S3: &str = "s3";
const FAULTS: &str = "faults";

/// A log is rewritten on opening when it holds this many changes for each entity that lives.
const COMPACT_FACTOR: usize = 4;
/// A log with fewer changes than this is left alone: reading it costs nothing.
const COMPACT_FLOOR: usize = 2_000;

impl Sandbox {
    /// An account that lives as long as this value.
    pub fn new(options: Options) -> Arc<Self> {
        let state = State::new(&options, None);
        Self::with_state(options, state)
    }

    /// An account that lives in a file; it is made if need be.
    pub fn open(path: &Path, options: Options) -> io::Result<Arc<Self>> {
        let mut state = State::new(&options, Some(Log::open(path)?));
        let changes = state.read_log()?;
        let alive = state.stores().map(|(_, store)| store.len()).sum::<usize>();
        if changes > COMPACT_FLOOR && changes > COMPACT_FACTOR * alive {
            let lines = state.snapshot();
            if let Some(log) = &mut state.log {
                log.compact(&lines)?;
            }
        }
        state.unlock();
        Ok(Self::with_state(options, state))
    }

    fn with_state(options: Options, state: State) -> Arc<Self> {
        Arc::new(Self {
            opened: options.clock.now(),
            options,
            state: Mutex::new(state),
        })
    }

    /// Every call that was made, in order.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.lock().calls.clone()
    }

    /// How often each action was called.
    pub fn call_counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in &self.lock().calls {
            *counts.entry(call.action.clone()).or_default() += 1;
        }
        counts
    }

    /// Every statistic set that hosts published, in order.
    pub fn published(&self) -> Vec<Published> {
        self.lock().metrics.clone()
    }

    /// Forgets the calls that were made.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// Another scenario from now on. What its rules have to count is counted from here.
    pub fn set_scenario(&self, scenario: Scenario) {
        let mut state = self.lock();
        state.scenario = Arc::new(scenario);
        state.faults = Store::new(ids_for(state.seed, FAULTS));
    }

    /// Everything that exists now, by region (or `iam`) and id, each thing as the world's file has it.
    pub fn entities(&self) -> BTreeMap<(String, String), serde_json::Value> {
        let mut state = self.lock();
        let now = self.options.clock.now();
        let regions: Vec<String> = state.regions.keys().cloned().collect();
        for region in regions {
            self.settle(&mut state, &region, now);
        }
        let mut entities = BTreeMap::new();
        for (place, store) in state.stores().filter(|(place, _)| *place != FAULTS) {
            for slot in store.slots() {
                let id = slot.entity.id().to_owned();
                let value = serde_json::to_value(&slot.entity).unwrap_or_default();
                entities.insert((place.to_owned(), id), value);
            }
        }
        entities
    }

    /// How many things of each kind exist, in EC2's spelling (`instance`, `elastic-ip`, ... and `role`,
    /// `instance-profile`). Terminated instances do not; what comes and goes with a VPC is not counted.
    pub fn live(&self) -> BTreeMap<&'static str, usize> {
        let mut state = self.lock();
        let now = self.options.clock.now();
        let regions: Vec<String> = state.regions.keys().cloned().collect();
        for region in regions {
            self.settle(&mut state, &region, now);
        }
        let mut counts = BTreeMap::new();
        for (_, store) in state.stores() {
            for kind in store.slots().filter_map(|slot| counted(&slot.entity)) {
                *counts.entry(kind).or_default() += 1;
            }
        }
        counts
    }

    /// The running instance of an id, in whatever region.
    #[cfg(feature = "cli")]
    pub(super) fn machine(&self, id: &str) -> Option<Machine> {
        let mut state = self.lock();
        // Another process may have changed the world.
        let known = state.read_log();
        state.unlock();
        known.ok()?;
        let now = self.options.clock.now();
        let regions: Vec<String> = state.regions.keys().cloned().collect();
        for region in regions {
            self.settle(&mut state, &region, now);
        }
        state
            .regions
            .values()
            .find_map(|store| Machine::find(store, id))
    }

    /// The clock.
    #[cfg(feature = "cli")]
    pub(super) fn clock(&self) -> &dyn Clock {
        self.options.clock.as_ref()
    }

    /// What it is asked to do badly.
    #[cfg(feature = "cli")]
    pub(super) fn scenario(&self) -> Arc<Scenario> {
        Arc::clone(&self.lock().scenario)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds the world")
    }

    /// Answers a request, or breaks its connection.
    pub(crate) async fn respond(&self, request: Request) -> Result<Response, Broken> {
        let call = match Call::read(&request) {
            Ok(call) => call,
            Err(response) => return Ok(*response),
        };
        // Only an endpoint that was never reached has a region that does not exist.
        if !catalog::regions().contains(&call.region.as_str()) {
            return Err(Broken::NoRegion);
        }
        let at = self.options.clock.now();
        let latency = self.options.latency.of(&call.action);
        if !latency.is_zero() {
            self.options.clock.sleep(latency).await;
        }
        let mut state = self.lock();
        let result = self
            .act(&mut state, &call)
            .map(|response| s3::dressed(&state.s3, &call, self.options.clock.now(), response));
        state.calls.push(CallRecord {
            service: call.service.name(),
            action: call.action,
            region: call.region,
            at,
            status: result.as_ref().ok().map(|response| response.status),
        });
        result
    }

    fn act(&self, state: &mut State, call: &Call) -> Result<Response, Broken> {
        state.read_log().map_err(|_| Broken::Unwritable)?;
        let now = self.options.clock.now();
        self.settle(state, &call.region, now);
        let mut lines = state.commit(&call.region);
        let number = state.calls.len() as u64 + 1;
        let outcome = self.decide(state, call, now, number);
        lines.extend(state.commit(&call.region));
        let written = state.append(&lines);
        state.unlock();
        written.map_err(|_| Broken::Unwritable)?;
        if matches!(outcome, Err(Broken::Killed)) {
            die();
        }
        outcome
    }

    fn decide(
        &self,
        state: &mut State,
        call: &Call,
        now: Timestamp,
        number: u64,
    ) -> Result<Response, Broken> {
        if state.scenario.rate_limits && call.service == Service::Ec2 {
            let params = &call.params;
            let unfiltered =
                params.child("Filter").is_none() && params.text("MaxResults").is_none();
            if !state
                .buckets
                .take(&call.region, &call.action, unfiltered, now)
            {
                return Ok(refusal(call.service, &throttled(), number));
            }
        }
        let mut ctx = self.context(state, &call.region, &call.action, now);
        let situation = Situation {
            action: &call.action,
            ..Situation::default()
        };
        if ctx.faults.kills(When::Before, &situation) {
            return Err(Broken::Killed);
        }
        let outcome = answered(&mut ctx, call, number);
        if ctx.faults.kills(When::After, &situation) {
            return Err(Broken::Killed);
        }
        outcome
    }

    fn context<'a>(
        &'a self,
        state: &'a mut State,
        region: &'a str,
        action: &'a str,
        now: Timestamp,
    ) -> Ctx<'a> {
        state.region(region).now = now;
        let State {
            scenario,
            regions,
            iam,
            s3,
            faults,
            metrics,
            ..
        } = state;
        iam.now = now;
        s3.now = now;
        faults.now = now;
        let faults = Faults {
            scenario,
            counts: faults,
            now,
            opened: self.opened,
        };
        Ctx {
            hidden: faults.hidden_for(action),
            empty_page: false,
            region,
            action,
            store: regions
                .get_mut(region)
                .expect("the region was made just before"),
            iam,
            s3,
            metrics,
            faults,
            now,
        }
    }

    /// Lets every state change that is due happen.
    fn settle(&self, state: &mut State, region: &str, now: Timestamp) {
        let mut ctx = self.context(state, region, "", now);
        ec2::settle(&mut ctx);
    }
}

/// What a call comes to: a fault, or what the account answers.
fn answered(ctx: &mut Ctx<'_>, call: &Call, number: u64) -> Result<Response, Broken> {
    if let Some(response) = strike_before(ctx, call, number)? {
        return Ok(response);
    }
    ctx.empty_page = empty_page(ctx, call);
    let answer = perform(ctx, call, number);
    if answer.is_err() {
        ctx.store.rollback();
        ctx.iam.rollback();
        ctx.s3.rollback();
    }
    let situation = Situation {
        action: &call.action,
        ..Situation::default()
    };
    if answer.is_ok()
        && ctx
            .faults
            .fire(FaultKind::LostResponse, &situation)
            .is_some()
    {
        return Err(Broken::Lost);
    }
    Ok(answer.unwrap_or_else(|error| refusal(call.service, &error, number)))
}

/// Ends the process as a loss of power would, without a word. What was kept of the world stays.
fn die() -> ! {
    loop {
        // A process may always kill itself; it does not come back from it.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// The kind under which an entity is counted as alive.
fn counted(entity: &Entity) -> Option<&'static str> {
    match entity {
        Entity::Instance(instance) if instance.phase == Phase::Terminated => None,
        Entity::RouteTable(table) if table.main => None,
        Entity::SecurityGroup(group) if group.is_default() => None,
        Entity::Role(_) => Some("role"),
        Entity::InstanceProfile(_) => Some("instance-profile"),
        Entity::Alarm(_) => Some("alarm"),
        Entity::Dashboard(_) => Some("dashboard"),
        Entity::SgRule(_) | Entity::SpotRequest(_) => None,
        // No part of a lab.
        Entity::Bucket(_) | Entity::Object(_) => None,
        other => kind_of(other.id())
            .map(|kind| kind.resource_type)
            .filter(|name| !name.is_empty()),
    }
}

impl State {
    fn new(options: &Options, log: Option<Log>) -> Self {
        let seed = options.seed;
        Self {
            scenario: Arc::new(options.scenario.clone()),
            seed,
            regions: BTreeMap::new(),
            iam: Store::new(ids_for(seed, IAM)),
            s3: Store::new(ids_for(seed, S3)),
            faults: Store::new(ids_for(seed, FAULTS)),
            metrics: Vec::new(),
            log,
            calls: Vec::new(),
            buckets: Buckets::default(),
        }
    }

    fn region(&mut self, name: &str) -> &mut Store {
        let seed = self.seed;
        self.regions
            .entry(name.to_owned())
            .or_insert_with(|| Store::new(ids_for(seed, name)))
    }

    fn place(&mut self, name: &str) -> &mut Store {
        match name {
            IAM => &mut self.iam,
            S3 => &mut self.s3,
            FAULTS => &mut self.faults,
            region => self.region(region),
        }
    }

    fn stores(&self) -> impl Iterator<Item = (&str, &Store)> {
        self.regions
            .iter()
            .map(|(name, store)| (name.as_str(), store))
            .chain([(IAM, &self.iam), (S3, &self.s3), (FAULTS, &self.faults)])
    }

    /// Takes in what is new in the log, and keeps it locked; says how many changes there were.
    fn read_log(&mut self) -> io::Result<usize> {
        let Some(log) = &mut self.log else {
            return Ok(0);
        };
        let mut count = 0;
        for line in log.lock_and_read()?.into_iter().flatten() {
            let store = self.place(&line.place);
            store.set_given(line.given);
            for change in line.changes {
                store.replay(change);
                count += 1;
            }
        }
        Ok(count)
    }

    fn unlock(&mut self) {
        if let Some(log) = &mut self.log {
            log.unlock();
        }
    }

    /// What the call changed so far.
    fn commit(&mut self, region: &str) -> Loaded {
        [region, IAM, S3, FAULTS]
            .into_iter()
            .filter_map(|place| {
                let store = self.place(place);
                let changes = store.commit();
                (!changes.is_empty()).then(|| Line {
                    place: place.to_owned(),
                    given: store.ids.given,
                    changes,
                })
            })
            .collect()
    }

    fn append(&mut self, lines: &Loaded) -> io::Result<()> {
        match &mut self.log {
            Some(log) if !lines.is_empty() => log.append(lines),
            _ => Ok(()),
        }
    }

    /// Everything, as if one call had made it.
    fn snapshot(&self) -> Loaded {
        self.stores()
            .map(|(place, store)| Line {
                place: place.to_owned(),
                given: store.ids.given,
                changes: store.everything(),
            })
            .collect()
    }
}

/// Each place has ids of its own, whatever happens elsewhere.
fn ids_for(seed: u64, place: &str) -> IdSource {
    let salt = place
        .bytes()
        .fold(seed, |salt, byte| mix(salt ^ u64::from(byte)));
    IdSource::new(salt, 0)
}
