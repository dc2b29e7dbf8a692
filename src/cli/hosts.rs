//! Which hosts a command is about, and how each is reached.

use std::path::PathBuf;

use super::app::{App, READING};
use super::error::CliError;
use super::exit;
use super::named;
use super::prepare::read;
use super::session::{OpenError, Session};
use crate::apply::HostJob;
use crate::assets::OrderError;
use crate::catalog;
use crate::inventory::Inventory;
use crate::lab::{self, AtHand, Moves};
use crate::model::{Address, InstanceState, LabId};
use crate::plan::Mode;
use crate::port::HostTarget;
use crate::profile::Profile;

/// The hosts that are asked for and how each is reached. Without what is at hand a changed secret or agent
/// is not seen, which is all the same to who only wants to reach them.
pub(super) async fn hosts(
    app: &App,
    session: &Session,
    at_hand: &AtHand,
    asked: &[String],
) -> Result<Vec<HostJob>, OpenError> {
    let named: Vec<Address> = asked
        .iter()
        .map(|asked| named::host(&session.profile, asked))
        .collect();
    let wanted =
        |address: &Address| named.is_empty() || named.iter().any(|named| address.is_within(named));
    let mut jobs = edge_jobs(session, at_hand, &wanted)?;
    let nodes = session.profile.nodes.keys();
    let any_node = nodes
        .map(|name| Address::of(&["node", name.as_str()]))
        .any(|group| {
            named.is_empty()
                || named
                    .iter()
                    .any(|named| named.is_within(&group) || group.is_within(named))
        });
    if any_node {
        jobs.extend(node_jobs(app, session, at_hand, &wanted).await?);
    }
    for (asked, named) in asked.iter().zip(&named) {
        if !jobs.iter().any(|job| job.target.address.is_within(named)) {
            return Err(named::no_host(&session.profile, asked).into());
        }
    }
    Ok(jobs)
}

pub(super) fn edge_jobs(
    session: &Session,
    at_hand: &AtHand,
    wanted: &dyn Fn(&Address) -> bool,
) -> Result<Vec<HostJob>, CliError> {
    let mut jobs = Vec::new();
    for (name, host) in &session.profile.edge {
        let address = Address::of(&["edge", name.as_str()]);
        if !wanted(&address) {
            continue;
        }
        jobs.push(HostJob {
            wanted: lab::wanted_edge(&session.profile, at_hand, &address, host)
                .map_err(|error| unordered(&error))?,
            target: HostTarget {
                alias: address.to_string(),
                address,
                host: host.host.clone(),
                port: host.port,
                user: host.user.clone(),
                keys: keys(session),
                host_key: None,
                launched: None,
            },
        });
    }
    Ok(jobs)
}

async fn node_jobs(
    app: &App,
    session: &Session,
    at_hand: &AtHand,
    wanted: &dyn Fn(&Address) -> bool,
) -> Result<Vec<HostJob>, OpenError> {
    let loaded = session.load().await?;
    let Some(lock) = loaded.state.folded().lockfile.clone() else {
        return Ok(Vec::new());
    };
    let busy = app.busy(READING);
    let reading = read(session, Some(&lock), Mode::Apply).await?;
    drop(busy);
    Ok(machines(
        session,
        at_hand,
        (reading.inventory(), &reading.lab_id),
        wanted,
    )?)
}

/// The running machines of a lab.
pub(super) fn machines(
    session: &Session,
    at_hand: &AtHand,
    (world, lab_id): (&Inventory, &LabId),
    wanted: &dyn Fn(&Address) -> bool,
) -> Result<Vec<HostJob>, CliError> {
    let profile = &session.profile;
    let mut jobs = Vec::new();
    let moves = Moves::of(profile);
    for (address, sighting) in world.owned(&profile.name, lab_id) {
        // A machine answers to its new name before `apply` has written that on it.
        let address = &moves.home(address);
        let Some(seen) = sighting.instance() else {
            continue;
        };
        let Some((_, node)) = group_of(profile, address) else {
            continue;
        };
        let ip = seen.public_ip.as_ref().or(seen.private_ip.as_ref());
        let (InstanceState::Running, Some(ip), true) = (seen.state, ip, wanted(address)) else {
            continue;
        };
        let user = catalog::image(&node.image.0).map_or("ubuntu", |image| image.user);
        jobs.push(HostJob {
            wanted: lab::wanted_node(profile, at_hand, (address, node), &seen.instance_type)
                .map_err(|error| unordered(&error))?,
            target: HostTarget {
                address: address.clone(),
                alias: sighting.id.to_string(),
                host: ip.clone(),
                port: 22,
                user: user.to_owned(),
                keys: keys(session),
                host_key: None,
                launched: seen.launched,
            },
        });
    }
    Ok(jobs)
}

/// The steps of the shipped set have an order, which a test proves; a profile names no others.
fn unordered(error: &OrderError) -> CliError {
    CliError::new(error.to_string()).code(exit::PROFILE)
}

/// The node group of an address such as `node.sim.0`.
fn group_of<'a>(
    profile: &'a Profile,
    address: &Address,
) -> Option<(&'a crate::model::NodeName, &'a crate::profile::Node)> {
    let name = address.as_str().strip_prefix("node.")?.split('.').next()?;
    profile
        .nodes
        .iter()
        .find(|(group, _)| group.as_str() == name)
}

/// The private keys to try: the lab's own, and those beside the public keys that the profile lists.
fn keys(session: &Session) -> Vec<PathBuf> {
    let own = session.paths.private_key.clone();
    let listed = session
        .public_key_paths
        .iter()
        .map(|path| path.with_extension(""));
    std::iter::once(own)
        .chain(listed)
        .filter(|path| path.is_file())
        .collect()
}

/// The one host that a command is about.
pub(super) async fn host(app: &App, session: &Session, asked: &str) -> Result<HostJob, OpenError> {
    let mut found = hosts(app, session, &AtHand::default(), &[asked.to_owned()]).await?;
    match (found.pop(), found.as_slice()) {
        (Some(one), []) => Ok(one),
        (_, others) => Err(CliError::new(format!(
            "{asked} is {} hosts: name one, for example {asked}.0",
            others.len() + 1
        ))
        .into()),
    }
}
