//! What is said after a run: what exists now, what it costs, what to type next.

use super::app::App;
use super::prepare::Prepared;
use super::session::Session;
use super::show::same_lab;
use crate::apply::Report;
use crate::event::RunEnd;
use crate::host::{HostEnd, Verdict};
use crate::inventory::{Inventory, Owner, Sighting};
use crate::model::{Address, CloudId, Kind, Op, Reason, Usd};
use crate::plan::Rate;
use crate::state::Lockfile;
use crate::ui::json::end_json;
use crate::ui::{Circumstances, EndReport, Remains, Standing, end_view};

/// After `apply`: what became of the cloud, and of each host that was tended.
pub(super) fn after_apply(
    app: &mut App,
    session: &Session,
    prepared: &Prepared,
    (run, verdicts): (&Report, &[Verdict]),
    lockfile: Option<&Lockfile>,
) {
    let done = run.end == RunEnd::Done;
    let ready = verdicts.iter().all(|host| host.end == HostEnd::Ready);
    let lab = same_lab(app);
    let next: Vec<String> = match (done, ready) {
        (true, true) => &["status"][..],
        (true, false) => &["apply", "doctor"],
        (false, _) => &["apply", "status", "destroy"],
    }
    .iter()
    .map(|command| format!("roboinfra {command}{lab}"))
    .collect();
    let standing = if done {
        Vec::new()
    } else {
        costly(prepared, lockfile)
    };
    let report = EndReport {
        standing: &standing,
        resources: lockfile.map(|lock| lock.resources.len()),
        rate: done.then(|| settled(prepared, lockfile)),
        next: &next,
        ..account(app, session, prepared, run)
    };
    if verdicts.is_empty() {
        Shown::of(app, &report).tell(app);
        return;
    }
    let shown = Shown {
        json: app.global.json.then(|| end_json(&report)),
        text: end_view(
            &EndReport {
                next: &[],
                ..report
            },
            &app.look_aside(),
        ),
    };
    shown.tell(app);
    super::tend::told(app, session, verdicts, &next);
}

/// What the lab costs as it was launched: a fallback to another type has another price.
fn settled(prepared: &Prepared, lockfile: Option<&Lockfile>) -> Rate {
    let world = prepared.reading.inventory();
    crate::plan::bill(&prepared.lab, world, lockfile, &prepared.spot).after
}

/// After `start` and `stop`.
pub(super) fn after_power(app: &mut App, session: &Session, prepared: &Prepared, run: &Report) {
    let next = [format!("roboinfra status{}", same_lab(app))];
    let done = run.end == RunEnd::Done;
    let report = EndReport {
        rate: done.then_some(prepared.bill.after),
        next: &next,
        ..account(app, session, prepared, run)
    };
    let shown = Shown::of(app, &report);
    shown.tell(app);
}

/// An account, rendered.
struct Shown {
    json: Option<String>,
    text: String,
}

impl Shown {
    fn of(app: &App, report: &EndReport<'_>) -> Self {
        Self {
            json: app.global.json.then(|| end_json(report)),
            text: end_view(report, &app.look_aside()),
        }
    }

    fn tell(&self, app: &mut App) {
        if let Some(json) = &self.json {
            app.data(json);
        }
        app.conclude(&format!("\n{}", self.text));
    }
}

/// What every account has.
fn account<'a>(
    app: &'a App,
    session: &'a Session,
    prepared: &'a Prepared,
    run: &'a Report,
) -> EndReport<'a> {
    let launch = prepared.plan.steps.iter().find_map(|step| match &step.op {
        Op::RunInstances { launch, count, .. } => launch
            .ladder
            .first()
            .map(|rung| (&rung.instance_type, rung.market, *count)),
        _ => None,
    });
    let circumstances = Circumstances {
        region: &session.profile.region,
        launch,
        aws_profile: app.global.aws_profile.as_deref(),
    };
    EndReport {
        end: run.end,
        done: &run.done,
        failures: &run.failures,
        skipped: run.skipped.len(),
        took: run.took,
        circumstances,
        standing: &[],
        remains: Remains::NotScanned,
        resources: None,
        rate: None,
        next: &[],
    }
}

/// What the lockfile knows that costs money by the hour.
fn costly(prepared: &Prepared, lockfile: Option<&Lockfile>) -> Vec<Standing> {
    let resources = lockfile.into_iter().flat_map(|lock| &lock.resources);
    let paid = resources
        .filter(|(_, r)| matches!(r.kind, Kind::Instance | Kind::Volume | Kind::ElasticIp));
    paid.map(|(address, recorded)| Standing {
        address: address.clone(),
        kind: recorded.kind,
        id: recorded.id.clone(),
        what: recorded
            .instance_type
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        hourly: hourly(prepared, address),
        why: None,
    })
    .collect()
}

fn hourly(prepared: &Prepared, address: &Address) -> Usd {
    let line = prepared
        .bill
        .lines
        .iter()
        .find(|line| line.address == *address);
    line.and_then(|line| line.after.or(line.before))
        .map_or(Usd::ZERO, |rate| rate.running)
}

/// After a run that was aimed at a part of the lab.
pub(super) fn after_part(app: &mut App, session: &Session, prepared: &Prepared, run: &Report) {
    let next = [format!("roboinfra plan{}", same_lab(app))];
    let report = EndReport {
        next: &next,
        ..account(app, session, prepared, run)
    };
    let shown = Shown::of(app, &report);
    shown.tell(app);
}

/// After `destroy`: the proof.
pub(super) fn after_destroy(
    app: &mut App,
    session: &Session,
    prepared: &Prepared,
    run: &Report,
    world: &Inventory,
    left: &[Sighting],
) {
    let kept: Vec<Standing> = prepared
        .plan
        .changes
        .iter()
        .filter(|change| change.reason == Reason::Kept)
        .map(|change| Standing {
            address: change.address.clone(),
            kind: change.kind,
            id: change.id.clone().unwrap_or_else(|| CloudId::new("")),
            what: change.summary.clone(),
            hourly: hourly(prepared, &change.address),
            why: Some("keep = true in the profile".to_owned()),
        })
        .collect();
    if app.global.json {
        app.json(&serde_json::json!({
            "type": "proof",
            "unreadable_kinds": world.unreadable.keys().map(|kind| kind.label()).collect::<Vec<_>>(),
            "left": left.iter().map(|s| serde_json::json!({"kind": s.seen.kind().label(), "id": s.id})).collect::<Vec<_>>(),
            "kept": kept.iter().map(|k| serde_json::json!({"address": k.address, "id": k.id})).collect::<Vec<_>>(),
        }));
    }
    let mut standing: Vec<Standing> = left
        .iter()
        .map(|sighting| remaining(prepared, run, sighting))
        .collect();
    standing.extend(kept);
    let next: Vec<String> = if left.is_empty() {
        Vec::new()
    } else {
        vec![format!("roboinfra destroy{}", same_lab(app))]
    };
    let report = EndReport {
        standing: &standing,
        remains: if !world.unreadable.is_empty() {
            Remains::Unknown(&world.unreadable)
        } else if left.is_empty() && !standing.is_empty() {
            Remains::Kept
        } else {
            Remains::Scanned
        },
        next: &next,
        ..account(app, session, prepared, run)
    };
    let shown = Shown::of(app, &report);
    shown.tell(app);
}

/// Something that is still there, and why.
fn remaining(prepared: &Prepared, run: &Report, sighting: &Sighting) -> Standing {
    let address = match &sighting.owner {
        Owner::Lab {
            address: Some(address),
            ..
        } => address.clone(),
        Owner::Lab { address: None, .. } | Owner::Foreign => Address::new(sighting.id.as_str()),
    };
    let failed = run
        .failures
        .iter()
        .find(|(failed, _)| *failed == address || address.is_within(failed));
    Standing {
        kind: sighting.seen.kind(),
        id: sighting.id.clone(),
        what: String::new(),
        hourly: hourly(prepared, &address),
        why: failed.map(|(_, failure)| {
            failure
                .code
                .clone()
                .unwrap_or_else(|| failure.message.clone())
        }),
        address,
    }
}
