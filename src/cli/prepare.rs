//! From a lab at hand to its plan: reads, thinks, prices. What thinks does not read, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use super::agents;
use super::error::CliError;
use super::exit;
use super::scope::scope;
use super::secrets::known;
use super::session::Session;
use crate::apply::{ForLaunch, Gathered, capacity, confirm, gather};
use crate::inventory::{Identity, Inventory, Owner};
use crate::lab::{self, Facts, Lab, LabProblem};
use crate::model::{Address, Kind, LabId, SecretSource};
use crate::plan::{self, Bill, HostPlan, Input, Mode, Notice, Plan, Severity, SpotPrices};
use crate::port::Scope;
use crate::profile;
use crate::state::{LabEntry, Lockfile, Pins};

/// What a command wants a plan for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// Apply, destroy or refresh.
    pub(super) mode: Mode,
    /// The only addresses to change; empty for all.
    pub(super) targets: BTreeSet<Address>,
}

impl Wish {
    /// For the whole lab.
    pub(super) fn whole(mode: Mode) -> Self {
        Self {
            mode,
            targets: BTreeSet::new(),
        }
    }
}

/// What was read of the world and of who is asking.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Who is asking, and where.
    pub(super) identity: Identity,
    /// The world and what was looked up.
    pub(super) gathered: Gathered,
    /// The lab's identity: from the lockfile, or drawn now.
    pub(super) lab_id: LabId,
    /// What the reading covered.
    pub(super) scope: Scope,
}

/// A plan with all that is shown beside it.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The reading it rests on.
    pub(super) reading: Reading,
    /// The lab as the profile wants it.
    pub(super) lab: Lab,
    /// The plan.
    pub(super) plan: Plan,
    /// What is to be done on hosts.
    pub(super) hosts: Vec<HostPlan>,
    /// The steps of those hosts with the digests of their scripts.
    pub(super) scripts: Vec<(Address, Vec<(String, String)>)>,
    /// The bill.
    pub(super) bill: Bill,
    /// Spot prices, where they were read.
    pub(super) spot: SpotPrices,
    /// The preflight.
    pub(super) notices: Vec<Notice>,
    /// What the profile asks for and is left out.
    pub(super) warnings: Vec<String>,
}

impl Prepared {
    /// Whether there is anything to do, in the cloud or on hosts.
    pub(super) fn has_work(&self) -> bool {
        let on_hosts = self.plan.mode == Mode::Apply && self.hosts.iter().any(HostPlan::has_work);
        self.plan.has_changes() || on_hosts
    }
}

impl Reading {
    /// The world.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.gathered.inventory
    }

    /// The lockfile's entry for this lab.
    pub(super) fn entry(&self, session: &Session) -> LabEntry {
        LabEntry {
            name: session.profile.name.clone(),
            id: self.lab_id.clone(),
            account: self.identity.account.clone(),
            region: self.identity.region.clone(),
            endpoint: self.identity.endpoint.clone(),
        }
    }
}

/// A short random name: 12 characters of base 32, 60 bits.
pub(super) fn draw_id() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0_u8; 12];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}

/// Reads the world, who is asking, and what is not pinned yet, all at once.
pub(super) async fn read(
    session: &Session,
    recorded: Option<&Lockfile>,
    mode: Mode,
) -> Result<Reading, CliError> {
    let lab_id = recorded.map_or_else(|| LabId::new(draw_id()), |lock| lock.lab.id.clone());
    let pins = recorded.map(pins_in_use).unwrap_or_default();
    read_as(session, recorded, mode, lab_id, pins).await
}

/// Whether the lab is one of edge hosts alone, and has never been anything else: then nobody needs an account for it.
pub(super) fn needs_no_cloud(session: &Session, recorded: Option<&Lockfile>) -> bool {
    session.profile.nodes.is_empty()
        && !session.profile.edge.is_empty()
        && recorded.is_none_or(|lock| !lock.lab.has_cloud())
}

fn without_cloud(session: &Session, lab_id: LabId) -> Reading {
    let profile = &session.profile;
    let entry = LabEntry::without_cloud(profile.name.clone(), lab_id, profile.region.clone());
    Reading {
        identity: Identity {
            account: entry.account,
            arn: String::new(),
            region: entry.region,
            endpoint: entry.endpoint,
        },
        gathered: Gathered {
            pins: Pins::default(),
            inventory: Inventory::empty(session.clock.now()),
            offered: None,
        },
        lab_id: entry.id,
        scope: Scope::default(),
    }
}

/// What was looked up once holds for as long as something rests on it: a lab without machines takes today's image, and
/// an empty one today's zones too.
fn pins_in_use(lock: &Lockfile) -> Pins {
    let mut pins = lock.pins.clone();
    if !lock
        .resources
        .values()
        .any(|recorded| recorded.kind == Kind::Instance)
    {
        pins.images.clear();
    }
    if lock.resources.is_empty() {
        pins.zones.clear();
    }
    pins
}

/// The same with a given identity and given pins, as a saved plan has them.
pub(super) async fn read_as(
    session: &Session,
    recorded: Option<&Lockfile>,
    mode: Mode,
    lab_id: LabId,
    pins: Pins,
) -> Result<Reading, CliError> {
    if mode != Mode::Destroy && needs_no_cloud(session, recorded) {
        return Ok(without_cloud(session, lab_id));
    }
    let reading = read_known(session, recorded, mode, lab_id, pins).await?;
    unknown_lab(session, recorded, &reading)?;
    Ok(reading)
}

/// The same for a lab that is known to be there.
pub(super) async fn read_known(
    session: &Session,
    recorded: Option<&Lockfile>,
    mode: Mode,
    lab_id: LabId,
    pins: Pins,
) -> Result<Reading, CliError> {
    // What is to go needs no look-ups.
    let wants = if mode == Mode::Destroy {
        lab::Wants::default()
    } else {
        lab::wants(&session.profile)
    };
    let mut scope = scope(session, recorded, &lab_id);
    let cloud = session.cloud.as_ref();
    let (identity, gathered) = tokio::join!(
        cloud.identity(),
        gather(cloud, session.whoami.as_ref(), &wants, pins, &scope)
    );
    let identity = identity.map_err(|failure| session.told(&failure))?;
    session.check_belongs(recorded, &identity)?;
    let mut gathered = gathered.map_err(|failure| session.told(&failure))?;
    // A lockfile that was lost and made again knows of nothing that is there: then everything is looked for.
    let unknowing = recorded.is_none_or(|lock| lock.resources.is_empty());
    let exists = gathered
        .inventory
        .owned(&session.profile.name, &lab_id)
        .next()
        .is_some();
    if unknowing && exists && (!scope.placement_groups || scope.watch.is_none()) {
        let wider = Scope {
            placement_groups: true,
            watch: Some(lab::watch_names(&session.profile, &lab_id)),
            ..scope.clone()
        };
        let inventory = cloud.collect(&wider).await;
        // They cost little: where nobody asks for one, a cloud that does not tell keeps no lockfile from being made.
        let untold = [Kind::PlacementGroup, Kind::Alarm, Kind::Dashboard]
            .iter()
            .any(|kind| inventory.unreadable.contains_key(kind));
        if recorded.is_some() || !untold {
            (scope, gathered.inventory) = (wider, inventory);
        }
    }
    gathered.inventory = confirm(
        cloud,
        session.clock.as_ref(),
        &scope,
        recorded,
        gathered.inventory,
        session.suspect_age,
    )
    .await;
    let mut reading = Reading {
        identity,
        gathered,
        lab_id,
        scope,
    };
    trace(session, recorded, &mut reading.gathered.inventory).await?;
    Ok(reading)
}

/// Looks for what is remembered and was not seen by its tags: somebody may have taken them off.
pub(super) async fn trace(
    session: &Session,
    recorded: Option<&Lockfile>,
    inventory: &mut Inventory,
) -> Result<(), CliError> {
    let missing = plan::missing(recorded, inventory);
    if !missing.is_empty() {
        let found = session.cloud.find(&missing).await;
        let found = found.map_err(|failure| session.told(&failure))?;
        plan::add_found(inventory, found);
    }
    Ok(())
}

/// A lab that is there although no lockfile knows it must not be built a second time.
fn unknown_lab(
    session: &Session,
    recorded: Option<&Lockfile>,
    reading: &Reading,
) -> Result<(), CliError> {
    let (name, own) = (&session.profile.name, &reading.lab_id);
    let inventory = reading.inventory();
    let Some((id, count)) = inventory.unknown_lab(name, own, recorded.is_some()) else {
        return Ok(());
    };
    let region = &reading.identity.region;
    let there =
        format!("a lab named {name} exists in {region} already ({count} resources, lab id {id})");
    let told = if recorded.is_none() {
        CliError::new(format!("{there}, and there is no lockfile for it"))
            .hint("if it is this one, and its lockfile was lost: roboinfra state rebuild{lab}")
    } else {
        CliError::new(format!("{there}, and the lockfile is of lab {own}, of which nothing exists"))
            .hint("if it is this one, and the lockfile is another's: put the right one in its place, or move it away and run `roboinfra state rebuild{lab}`")
    };
    Err(told.hint("if it is someone else's: give this lab another `[lab] name`"))
}

/// Builds the lab and its plan. Pure.
pub(super) fn think(
    session: &Session,
    reading: &Reading,
    recorded: Option<&Lockfile>,
    wish: &Wish,
) -> Result<(Lab, Plan), CliError> {
    let lab = match build(session, reading) {
        Ok(lab) => lab,
        // What is tagged goes although the profile cannot be built any more, unless a node is protected.
        Err(_) if wish.mode == Mode::Destroy => lab::empty(&session.profile, &reading.lab_id),
        Err(problem) => return Err(problem.into()),
    };
    let observed = reading.inventory();
    aimed_at_something(wish, &lab, recorded, observed)?;
    let input = Input {
        mode: wish.mode,
        lab: &lab,
        recorded,
        observed,
        targets: &wish.targets,
    };
    let plan = plan::build(&input);
    let flaws = plan::check(&plan);
    if !flaws.is_empty() {
        return Err(flaws.into());
    }
    Ok((lab, plan))
}

/// The lab as the profile wants it.
pub(super) fn build(session: &Session, reading: &Reading) -> Result<Lab, LabProblem> {
    let pins = &reading.gathered.pins;
    let facts = Facts {
        lab_id: reading.lab_id.clone(),
        my_ip: pins.my_ip,
        zones: pins.zones.clone(),
        images: pins.images.clone(),
        subnets: pins.subnets.clone(),
        public_keys: session.public_keys.clone(),
    };
    lab::build(&session.profile, &facts)
}

/// A target that is nowhere is a slip of the pen; "no changes" would hide it.
fn aimed_at_something(
    wish: &Wish,
    lab: &Lab,
    recorded: Option<&Lockfile>,
    observed: &Inventory,
) -> Result<(), CliError> {
    let remembered = recorded.iter().flat_map(|lock| lock.resources.keys());
    let seen = observed.sightings.iter().filter_map(|s| match &s.owner {
        Owner::Lab { address, .. } => address.as_ref(),
        Owner::Foreign => None,
    });
    let known: Vec<&Address> = lab.resources.keys().chain(remembered).chain(seen).collect();
    let nowhere = |target: &&Address| !known.iter().any(|address| address.is_within(target));
    let Some(target) = wish.targets.iter().find(nowhere) else {
        return Ok(());
    };
    let told = CliError::new(format!("there is nothing at {target} in this lab"));
    let node = Address::of(&["node", target.as_str()]);
    let told = if nowhere(&&node) {
        told
    } else {
        told.hint(format!("did you mean `{node}`?"))
    };
    Err(told.hint("`roboinfra graph{lab}` shows every address"))
}

/// The same plan with what is to be done on the lab's hosts, for which their stacks' secrets are looked at.
pub(super) async fn with_hosts(
    session: &Session,
    mut prepared: Prepared,
    recorded: Option<&Lockfile>,
    wish: &Wish,
) -> Result<Prepared, CliError> {
    let none = lab::AtHand::default();
    let mut unread = &BTreeMap::new();
    let at_hand = match wish.mode {
        Mode::Destroy => return Ok(prepared),
        Mode::RefreshOnly => &none,
        Mode::Apply => {
            let secrets = known(session).await;
            prepared.notices.extend(secrets.missing.iter().cloned());
            unread = &secrets.unread;
            &secrets.at_hand
        }
    };
    let machines =
        plan::lasting_machines(&prepared.lab, &prepared.plan, prepared.reading.inventory());
    let wishes = lab::host_wishes(&session.profile, &prepared.lab, &machines, at_hand)
        .map_err(|error| CliError::new(error.to_string()).code(exit::PROFILE))?;
    let recorded = plan::remembered(&prepared.lab, recorded);
    prepared.hosts = plan::host_plans(&wishes, recorded.as_ref(), &wish.targets);
    let planned: BTreeSet<&Address> = prepared.hosts.iter().map(|host| &host.address).collect();
    prepared.scripts = wishes
        .iter()
        .filter(|wish| planned.contains(&wish.address))
        .map(|wish| (wish.address.clone(), wish.steps.clone()))
        .collect();
    // A secret of a host that is not aimed at is in nobody's way.
    let taken: BTreeSet<SecretSource> = (prepared.scripts.iter())
        .flat_map(|(address, steps)| steps.iter().map(move |(step, _)| (address, step)))
        .flat_map(|(address, step)| lab::step_secrets(&session.profile, address, step))
        .map(|(_, source)| source)
        .collect();
    let missed = unread.iter().filter(|(source, _)| taken.contains(source));
    prepared
        .notices
        .extend(missed.map(|(_, notice)| notice.clone()));
    if wish.mode == Mode::Apply {
        let told = agents::of_plan(&session.profile, &wishes, recorded.as_ref(), &wish.targets);
        prepared.notices.extend(told);
    }
    Ok(prepared)
}

/// The same for a plan of the whole lab: what is not the lab's is told, too.
pub(super) async fn price_whole(
    session: &Session,
    reading: Reading,
    lab: Lab,
    plan: Plan,
) -> Prepared {
    let foreign = plan::foreign(&lab, &plan, reading.inventory());
    let mut prepared = price(session, reading, lab, plan).await;
    prepared.notices.extend(foreign);
    prepared
}

/// Reads what only a launch needs, makes the bill and the preflight.
pub(super) async fn price(session: &Session, reading: Reading, lab: Lab, plan: Plan) -> Prepared {
    let read = capacity(
        session.cloud.as_ref(),
        &plan,
        reading.inventory(),
        reading.gathered.offered.clone(),
    )
    .await;
    let after = if plan.mode == Mode::Destroy {
        lab.emptied()
    } else {
        lab.clone()
    };
    let bill = bill_of(&reading, &plan, &after, &read);
    let mut notices = plan::preflight(&after, &plan, reading.inventory(), &read.capacity);
    notices.extend(read.unread.iter().map(|failure| Notice {
        severity: Severity::Warning,
        topic: "unread".to_owned(),
        text: format!("could not be checked: {failure}"),
        help: None,
    }));
    notices.extend(over_budget(session, &bill));
    let mut warnings = profile::not_built(&session.profile);
    warnings.extend(
        session
            .warnings
            .iter()
            .map(|problem| problem.message.clone()),
    );
    Prepared {
        reading,
        lab,
        plan,
        hosts: Vec::new(),
        scripts: Vec::new(),
        bill,
        spot: read.spot,
        notices,
        warnings,
    }
}

fn bill_of(reading: &Reading, plan: &Plan, after: &Lab, read: &ForLaunch) -> Bill {
    let mut bill = plan::bill(after, reading.inventory(), None, &read.spot);
    // What stays although the lab goes is paid for on.
    for change in plan
        .changes
        .iter()
        .filter(|change| change.reason == crate::model::Reason::Kept)
    {
        plan::keep(&mut bill, &change.address);
    }
    bill
}

fn over_budget(session: &Session, bill: &Bill) -> Option<Notice> {
    let limit = session.profile.budget.as_ref()?.max_hourly;
    (bill.after.running > limit).then(|| Notice {
        severity: Severity::Error,
        topic: "budget".to_owned(),
        text: format!(
            "the lab would cost {} per hour, and [budget] allows {limit}",
            bill.after.running
        ),
        help: Some("choose smaller or fewer machines, or raise max_hourly_usd".to_owned()),
    })
}
