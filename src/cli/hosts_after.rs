//! The hosts' part of `apply`: once the machines run, each is made ready.

use std::collections::BTreeSet;
use std::time::Duration;

use super::app::App;
use super::books::Books;
use super::error::CliError;
use super::hosts::{edge_jobs, machines};
use super::prepare::Prepared;
use super::secrets::known;
use super::session::Session;
use super::tend::{PATIENCE, forget_others, tend};
use crate::apply::{HostJob, Report};
use crate::event::RunEnd;
use crate::host::{Facts, HostEnd, Verdict};
use crate::inventory::Inventory;
use crate::lab::AtHand;
use crate::model::{Address, Kind};
use crate::plan::HostPlan;
use crate::port::Journal;
use crate::state::Record;

/// For how long a host is asked on which nothing is to be done: it is only looked at.
const GLANCE: Duration = Duration::from_secs(15);
/// How often the cloud is asked again for the addresses of machines that run.
const LOOKS: usize = 5;

/// Tends the hosts of the plan whose machines run. Those that were not reached are the cloud's failure, which is told
/// with it.
pub(super) async fn tend_hosts(
    app: &mut App,
    session: &Session,
    books: &mut Books,
    prepared: &Prepared,
    run: &Report,
    idle: bool,
) -> Result<Vec<Verdict>, CliError> {
    if run.end == RunEnd::Interrupted {
        return Ok(Vec::new());
    }
    forget_others(session, books)?;
    let awaited: BTreeSet<&Address> = prepared
        .hosts
        .iter()
        .filter(|host| !host.asleep && !has_failed(run, &host.address))
        .map(|host| &host.address)
        .collect();
    if awaited.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = jobs(app, session, prepared, run, &awaited).await?;
    let found = jobs.iter().map(|job| &job.target.address).collect();
    let unseen = unseen(&prepared.hosts, &awaited, &found);
    let patience = if idle { GLANCE } else { PATIENCE };
    let mut verdicts = tend(app, session, books, &jobs, (patience, idle)).await?;
    verdicts.extend(unseen);
    Ok(verdicts)
}

/// The hosts of the plan that were waited for and do not run: nobody has made them ready.
fn unseen(
    plans: &[HostPlan],
    awaited: &BTreeSet<&Address>,
    found: &BTreeSet<&Address>,
) -> Vec<Verdict> {
    plans
        .iter()
        .filter(|host| awaited.contains(&host.address) && !found.contains(&host.address))
        .map(|host| Verdict {
            address: host.address.clone(),
            end: HostEnd::Unreachable("its machine is not seen running".to_owned()),
            facts: Facts::default(),
            findings: Vec::new(),
            done: Vec::new(),
            wanted: host.steps.len(),
            answered: false,
            ran: 0,
            versions: Facts::default(),
        })
        .collect()
}

fn has_failed(run: &Report, address: &Address) -> bool {
    let failed = run.failures.iter().map(|(failed, _)| failed);
    failed
        .chain(&run.skipped)
        .any(|failed| address.is_within(failed))
}

async fn jobs(
    app: &App,
    session: &Session,
    prepared: &Prepared,
    run: &Report,
    awaited: &BTreeSet<&Address>,
) -> Result<Vec<HostJob>, CliError> {
    let wanted = |address: &Address| awaited.contains(address);
    let at_hand = &known(session).await.at_hand;
    let edge = edge_jobs(session, at_hand, &wanted)?;
    if edge.len() == awaited.len() {
        return Ok(edge);
    }
    let _busy = app.busy("looking for the machines");
    // What the plan was made from is new enough where nothing was done.
    let untouched = run.done.is_empty() && run.failures.is_empty();
    let mut world = untouched.then(|| prepared.reading.inventory().clone());
    let mut look = 0;
    loop {
        let seen = match world.take() {
            Some(world) => world,
            None => session.cloud.collect(&prepared.reading.scope).await,
        };
        let nodes = node_jobs(session, prepared, (&seen, at_hand), &wanted)?;
        look += 1;
        // A reading may lag behind a machine that has just been started.
        if edge.len() + nodes.len() == awaited.len() || look == LOOKS {
            return Ok(edge.into_iter().chain(nodes).collect());
        }
        session.clock.sleep(Duration::from_secs(2)).await;
    }
}

fn node_jobs(
    session: &Session,
    prepared: &Prepared,
    (world, at_hand): (&Inventory, &AtHand),
    wanted: &dyn Fn(&Address) -> bool,
) -> Result<Vec<HostJob>, CliError> {
    if let Some(failure) = world.unreadable.get(&Kind::Instance) {
        return Err(session
            .told(failure)
            .hint("the machines are there; make them ready with `roboinfra apply{lab}`"));
    }
    machines(session, at_hand, (world, &prepared.reading.lab_id), wanted)
}

/// Takes what was found on hosts for right.
pub(super) fn accept_drift(books: &mut Books, targets: &BTreeSet<Address>) -> Result<(), CliError> {
    let aimed = |address: &Address| {
        targets.is_empty() || targets.iter().any(|target| address.is_within(target))
    };
    let hosts = books.recorded().map(|lock| lock.hosts).unwrap_or_default();
    let records: Vec<Record> = hosts
        .into_iter()
        .filter(|(address, host)| !host.found.is_empty() && aimed(address))
        .map(|(address, host)| Record::Host {
            address,
            host: host.accepted(),
        })
        .collect();
    Ok(books.ledger.append(&records)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit;
    use crate::cli::tend::code_of_hosts;
    use crate::plan::StepPlan;

    #[test]
    fn a_machine_that_is_gone_again_is_not_taken_for_ready() {
        let plan = |address: &str, steps: usize| HostPlan {
            address: Address::new(address),
            asleep: false,
            replaced: false,
            steps: vec![("base".to_owned(), StepPlan::New); steps],
            standing: None,
            measured: None,
            drift: Vec::new(),
        };
        let plans = [
            plan("node.sim.0", 1),
            plan("node.sim.1", 2),
            plan("node.sim.2", 1),
        ];
        let awaited = plans[..2].iter().map(|host| &host.address).collect();
        let found = BTreeSet::from([&plans[0].address]);
        let verdicts = unseen(&plans, &awaited, &found);
        let told: Vec<(&str, usize)> = verdicts
            .iter()
            .map(|host| (host.address.as_str(), host.wanted))
            .collect();
        assert_eq!(told, [("node.sim.1", 2)]);
        assert_eq!(code_of_hosts(&verdicts), exit::PARTIAL);
        assert!(unseen(&plans, &awaited, &awaited).is_empty());
    }
}
