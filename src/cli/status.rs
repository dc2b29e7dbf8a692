//! `status`: what runs, what it costs, what to do next.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::app::{App, READING};
use super::error::CliError;
use super::exit;
use super::hosts::{edge_jobs, machines};
use super::prepare::{Prepared, Reading, Wish, price_whole, read, think};
use super::session::{OpenError, Session};
use super::show::{place, same_lab};
use super::stepless;
use super::tend::{PATIENCE, tending};
use crate::apply;
use crate::inventory::{Seen, SeenAddress, SeenInstance, Sighting};
use crate::lab::{AGENT_STEP, AtHand, Lab};
use crate::model::{Action, Address, CloudId, FieldChange, InstanceState, Kind, TAG_KEEP, Usd};
use crate::plan::{Mode, Rate};
use crate::state::{Lockfile, Standing};
use crate::ui::{
    self, AddressStatus, HostStatus, NodeStatus, Spending, StatusReport, VolumeStatus,
};

/// For so long the agents of all hosts together are asked.
const FOR_AGENTS: Duration = Duration::from_secs(5);

/// Show what runs, what it costs and what to do next.
///
/// The agents of running hosts are asked, for five seconds at most, why each is busy or when it will stop.
#[derive(Debug, Default, Args)]
pub(super) struct StatusArgs {
    /// Do not ask the hosts.
    #[arg(long)]
    no_hosts: bool,
}

pub(super) async fn status(app: &mut App, args: &StatusArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let loaded = session.load().await?;
    let folded = loaded.state.folded();
    let run = (!folded.open.is_empty()).then(|| {
        format!(
            "An earlier run was cut off, or is still going on: {} of its calls are open.",
            folded.open.len()
        )
    });
    let Some(lock) = folded.lockfile.clone() else {
        let text = format!("Lab {} has not been applied yet.", session.profile.name);
        return Ok(nothing(app, &session, &text));
    };
    let busy = app.busy(READING);
    let reading = read(&session, Some(&lock), Mode::Apply).await?;
    let wish = Wish::whole(Mode::Apply);
    let (lab, plan) = think(&session, &reading, Some(&lock), &wish)?;
    if is_gone(&lock, &lab, &reading) && run.is_none() {
        drop(busy);
        let text = format!("Nothing of lab {} exists.", session.profile.name);
        return Ok(nothing(app, &session, &text));
    }
    // Status looks at what there is: what only a launch needs is not read.
    let quiet = crate::plan::Plan {
        steps: Vec::new(),
        ..plan.clone()
    };
    let mut prepared = price_whole(&session, reading, lab, quiet).await;
    prepared.plan = plan;
    let mut report = report(app, &session, &prepared, run);
    let lock = crate::plan::remembered(&prepared.lab, Some(&lock)).unwrap_or(lock);
    report.hosts = hosts(&session, &prepared, &lock);
    if !args.no_hosts {
        ask_agents(app, &session, &prepared, &lock, &mut report.hosts).await?;
    }
    drop(busy);
    if let Some(command) = for_hosts(&report).filter(|_| report.pending == 0) {
        report.next.insert(0, format!("{command}{}", same_lab(app)));
    }
    let shown = if app.global.json {
        ui::json::status_json(&report)
    } else {
        ui::status_view(&report, &app.look(), session.clock.now())
    };
    app.data(&shown);
    Ok(exit::DONE)
}

/// Whether nothing is remembered, and nothing is there that could be: a lab after `destroy`.
fn is_gone(lock: &Lockfile, lab: &Lab, reading: &Reading) -> bool {
    let world = reading.inventory();
    let owned = crate::plan::owned(lab, world).next().is_some();
    lock.resources.is_empty() && lock.hosts.is_empty() && !owned && world.unreadable.is_empty()
}

fn nothing(app: &mut App, session: &Session, text: &str) -> u8 {
    if app.global.json {
        app.data(&ui::json::status_of_nothing_json(
            session.profile.name.as_str(),
        ));
    }
    app.say(text);
    app.say(&format!("Next: roboinfra plan{}", same_lab(app)));
    exit::DONE
}

fn report(app: &App, session: &Session, prepared: &Prepared, run: Option<String>) -> StatusReport {
    let world = prepared.reading.inventory();
    let placed: Vec<(Address, &Sighting)> = crate::plan::owned(&prepared.lab, world).collect();
    let owned: Vec<(&Address, &Sighting)> = placed
        .iter()
        .map(|(address, sighting)| (address, *sighting))
        .collect();
    let plan = &prepared.plan;
    let nodes: Vec<NodeStatus> = owned
        .iter()
        .filter_map(|(address, sighting)| {
            Some(node(prepared, address, sighting, sighting.instance()?))
        })
        .collect();
    let missing = plan
        .changes
        .iter()
        .filter(|c| c.kind == Kind::Instance && c.action == Action::Create)
        .map(absent);
    let drift: Vec<(Address, FieldChange)> = plan
        .changes
        .iter()
        .flat_map(|change| {
            change
                .fields
                .iter()
                .filter(|field| field.drift)
                .map(|field| (change.address.clone(), field.clone()))
        })
        .collect();
    let pending = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.action, Action::NoOp))
        .count();
    let kinds = [Kind::Instance, Kind::Volume, Kind::ElasticIp];
    let volumes: Vec<VolumeStatus> = owned
        .iter()
        .filter_map(|(address, sighting)| volume(prepared, address, sighting, &owned))
        .collect();
    let addresses: Vec<AddressStatus> = owned
        .iter()
        .filter_map(|(address, sighting)| elastic_ip(prepared, address, sighting, &owned))
        .collect();
    let machines = nodes.iter().filter_map(|node| node.hourly);
    let rest = volumes
        .iter()
        .map(|v| v.hourly)
        .chain(addresses.iter().map(|a| a.hourly));
    let hourly: Usd = machines.chain(rest).sum();
    StatusReport {
        place: place(app, session, prepared),
        read_at: session.clock.now(),
        hosts: Vec::new(),
        volumes,
        addresses,
        others: owned
            .iter()
            .filter(|(_, sighting)| !kinds.contains(&sighting.seen.kind()))
            .count(),
        spending: spending(session, prepared, &nodes, hourly),
        nodes: nodes.into_iter().chain(missing).collect(),
        pending: pending.saturating_sub(
            drift
                .iter()
                .map(|(a, _)| a)
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
        ),
        drift,
        foreign: prepared
            .notices
            .iter()
            .filter(|notice| notice.topic == "foreign")
            .map(|notice| notice.text.clone())
            .collect(),
        unreadable: world
            .unreadable
            .iter()
            .map(|(kind, failure)| (*kind, failure.to_string()))
            .collect(),
        run,
        next: next(app, &owned, pending),
    }
}

/// The hosts that run, or stand at the edge, as the lockfile remembers them.
fn hosts(session: &Session, prepared: &Prepared, lock: &Lockfile) -> Vec<HostStatus> {
    let profile = &session.profile;
    let world = prepared.reading.inventory();
    let nodes = crate::plan::owned(&prepared.lab, world)
        .filter(|(_, sighting)| {
            let seen = sighting.instance();
            seen.is_some_and(|seen| seen.state == InstanceState::Running)
        })
        .filter(|(address, _)| has_steps(session, address))
        .map(|(address, sighting)| (address, sighting.id.to_string()));
    let edge = profile.edge.iter().map(|(name, host)| {
        let address = Address::of(&["edge", name.as_str()]);
        (address, format!("{}:{}", host.host, host.port))
    });
    nodes
        .chain(edge)
        .map(|(address, machine)| {
            let known = lock.hosts.get(&address);
            let known = known.filter(|known| known.machine == machine);
            HostStatus {
                address,
                standing: known.map(|known| known.standing),
                lacks: known.map_or_else(Vec::new, |known| known.lacks.clone()),
                measured: known.map(|known| known.measured),
                services: known.map_or_else(BTreeMap::new, |known| known.services.clone()),
                agent: None,
            }
        })
        .collect()
}

/// Asks the agents that were installed. No host is met for the first time here: its key is known already.
async fn ask_agents(
    app: &App,
    session: &Session,
    prepared: &Prepared,
    lock: &Lockfile,
    hosts: &mut [HostStatus],
) -> Result<(), CliError> {
    let has_agent = |address: &Address| {
        let known = lock.hosts.get(address);
        known.is_some_and(|known| known.steps.contains_key(AGENT_STEP))
            && hosts.iter().any(|host| host.address == *address)
    };
    let at_hand = AtHand::default();
    let mut jobs = edge_jobs(session, &at_hand, &has_agent)?;
    let world = (prepared.reading.inventory(), &prepared.reading.lab_id);
    jobs.extend(machines(session, &at_hand, world, &has_agent)?);
    jobs.retain(|job| session.hosts.knows(&job.target));
    let tending = tending(app, session, PATIENCE);
    let answers = apply::agents(&tending, &jobs, FOR_AGENTS).await;
    for (job, answer) in jobs.iter().zip(answers) {
        let mut found = hosts.iter_mut();
        if let Some(host) = found.find(|host| host.address == job.target.address) {
            host.agent = Some(answer);
        }
    }
    Ok(())
}

/// What helps a host that is not as it should be.
fn for_hosts(report: &StatusReport) -> Option<&'static str> {
    let stands = |standing| report.hosts.iter().any(|host| host.standing == standing);
    if stands(None) || stands(Some(Standing::Unfinished)) {
        Some("roboinfra bootstrap")
    } else {
        stands(Some(Standing::NotReady)).then_some("roboinfra doctor")
    }
}

/// Whether the profile asks for steps on the node at an address such as `node.sim.0`.
fn has_steps(session: &Session, address: &Address) -> bool {
    let nodes = session.profile.nodes.iter();
    nodes
        .filter(|(name, _)| address.is_within(&Address::of(&["node", name.as_str()])))
        .any(|(_, node)| !node.bootstrap.is_empty())
}

fn spending(session: &Session, prepared: &Prepared, nodes: &[NodeStatus], hourly: Usd) -> Spending {
    let now = session.clock.now();
    let since = nodes.iter().filter_map(|node| node.launched).min();
    let so_far = nodes.iter().filter_map(|node| {
        let hours = now.duration_since(node.launched?).as_secs_f64() / 3600.0;
        Some(node.hourly? * hours.max(0.0))
    });
    Spending {
        hourly,
        stopped: prepared.bill.before.stopped,
        so_far: so_far.sum(),
        since,
        prices_date: prepared.bill.prices_date.clone(),
        of_region: prepared.bill.of_region,
    }
}

fn node(
    prepared: &Prepared,
    address: &Address,
    sighting: &Sighting,
    seen: &SeenInstance,
) -> NodeStatus {
    let runs = matches!(seen.state, InstanceState::Running | InstanceState::Pending);
    NodeStatus {
        address: address.clone(),
        id: Some(sighting.id.clone()),
        state: Some(seen.state),
        reason: seen.state_reason.clone(),
        instance_type: Some(seen.instance_type.clone()),
        market: Some(seen.market),
        zone: seen.zone.clone(),
        public_ip: seen.public_ip.clone(),
        private_ip: seen.private_ip.clone(),
        launched: seen.launched.filter(|_| runs),
        hourly: Some(if runs {
            rate(prepared, address).running
        } else {
            rate(prepared, address).stopped
        }),
    }
}

/// A machine that should be there and is not.
fn absent(change: &crate::plan::Change) -> NodeStatus {
    NodeStatus {
        address: change.address.clone(),
        id: None,
        state: None,
        reason: None,
        instance_type: None,
        market: None,
        zone: None,
        public_ip: None,
        private_ip: None,
        launched: None,
        hourly: None,
    }
}

/// What something costs as it is now.
fn rate(prepared: &Prepared, address: &Address) -> Rate {
    let line = prepared
        .bill
        .lines
        .iter()
        .find(|line| line.address == *address);
    line.and_then(|line| line.before).unwrap_or_default()
}

/// The address of the node with this id, or the id itself.
fn name_of(id: &CloudId, owned: &[(&Address, &Sighting)]) -> String {
    let node = owned.iter().find(|(_, other)| other.id == *id);
    node.map_or_else(|| id.to_string(), |(address, _)| address.to_string())
}

fn volume(
    prepared: &Prepared,
    address: &Address,
    sighting: &Sighting,
    owned: &[(&Address, &Sighting)],
) -> Option<VolumeStatus> {
    let Seen::Volume(seen) = &sighting.seen else {
        return None;
    };
    Some(VolumeStatus {
        address: address.clone(),
        id: sighting.id.clone(),
        size_gib: seen.size_gib,
        zone: seen.zone.clone(),
        attached: seen
            .attached
            .as_ref()
            .map(|(instance, _)| name_of(instance, owned)),
        keep: sighting.tags.get(TAG_KEEP).map(String::as_str) == Some("true"),
        hourly: rate(prepared, address).stopped,
    })
}

fn elastic_ip(
    prepared: &Prepared,
    address: &Address,
    sighting: &Sighting,
    owned: &[(&Address, &Sighting)],
) -> Option<AddressStatus> {
    let Seen::ElasticIp(seen) = &sighting.seen else {
        return None;
    };
    Some(AddressStatus {
        address: address.clone(),
        id: sighting.id.clone(),
        public_ip: seen.public_ip.clone(),
        associated: seen
            .instance
            .as_ref()
            .map(|instance| name_of(instance, owned)),
        hourly: if serves_running(seen, owned) {
            rate(prepared, address).running
        } else {
            rate(prepared, address).stopped
        },
    })
}

/// Whether an address belongs to a machine that runs: that machine's own line pays for it.
fn serves_running(address: &SeenAddress, owned: &[(&Address, &Sighting)]) -> bool {
    let machine = owned
        .iter()
        .find(|(_, other)| Some(&other.id) == address.instance.as_ref());
    let state = machine
        .and_then(|(_, sighting)| sighting.instance())
        .map(|seen| seen.state);
    matches!(state, Some(InstanceState::Running | InstanceState::Pending))
}

/// The command that most likely comes next.
fn next(app: &App, owned: &[(&Address, &Sighting)], pending: usize) -> Vec<String> {
    let states: Vec<InstanceState> = owned
        .iter()
        .filter_map(|(_, s)| Some(s.instance()?.state))
        .collect();
    let command = if pending > 0 {
        "roboinfra plan"
    } else if states.contains(&InstanceState::Stopped) {
        "roboinfra start"
    } else if states.is_empty() {
        return Vec::new();
    } else {
        "roboinfra stop"
    };
    vec![format!("{command}{}", same_lab(app))]
}
