//! The plan.

use std::collections::BTreeMap;

use serde::Serialize;

use super::line::{Format, RateMirror, line};
use crate::model::{Action, Address, BlockReason, FieldChange, Impact, Kind, Market, Reason, Rung};
use crate::plan::{
    BillLine, Change, HostPlan, Mode, Notice, Severity, StepPlan, Tally, VersionDrift,
};
use crate::state::Standing;
use crate::ui::plan::{Place, PlanReport, ladders};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Lab {
        lab: &'a str,
        region: &'a str,
        account: &'a str,
        endpoint: &'a str,
        mode: Mode,
    },
    Change(ChangeMirror<'a>),
    Launch {
        address: &'a Address,
        choices: Vec<RungMirror<'a>>,
    },
    Pins {
        my_ip: Option<String>,
        images: BTreeMap<&'a str, &'a str>,
        zones: BTreeMap<&'a str, Vec<&'a str>>,
    },
    Cost(CostMirror<'a>),
    Bill {
        before: RateMirror,
        after: RateMirror,
        prices_date: &'a str,
        estimate: bool,
        unpriced: Vec<&'a str>,
    },
    Notice {
        severity: Severity,
        topic: &'a str,
        text: &'a str,
        help: Option<&'a str>,
    },
    Warning {
        text: &'a str,
    },
    Host {
        address: &'a Address,
        asleep: bool,
        replaced: bool,
        steps: Vec<StepMirror<'a>>,
        standing: Option<Standing>,
        lacks: &'a [String],
        measured: Option<jiff::Timestamp>,
        drift: &'a [VersionDrift],
    },
    Summary(SummaryMirror<'a>),
}

#[derive(Serialize)]
struct StepMirror<'a> {
    step: &'a str,
    plan: StepPlan,
}

#[derive(Serialize)]
struct ChangeMirror<'a> {
    address: &'a Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<&'a Address>,
    kind: Kind,
    action: Action,
    reason: &'static str,
    detail: Option<String>,
    id: Option<&'a str>,
    summary: &'a str,
    fields: Vec<FieldMirror<'a>>,
    losses: Vec<&'a str>,
}

#[derive(Serialize)]
struct FieldMirror<'a> {
    field: &'a str,
    before: &'a str,
    after: &'a str,
    impact: Impact,
    drift: bool,
}

#[derive(Serialize)]
struct RungMirror<'a> {
    market: Market,
    instance_type: &'a str,
    zone: &'a str,
}

#[derive(Serialize)]
struct CostMirror<'a> {
    address: &'a Address,
    what: &'a str,
    before: Option<RateMirror>,
    after: Option<RateMirror>,
}

#[derive(Serialize)]
struct SummaryMirror<'a> {
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    adopt: usize,
    #[serde(skip_serializing_if = "is_none")]
    forget: usize,
    unchanged: usize,
    blocked: usize,
    steps: usize,
    next: &'a [String],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// The plan as lines of JSON.
pub fn plan_json(report: &PlanReport<'_>) -> String {
    let Place {
        lab,
        region,
        account,
        endpoint,
    } = report.place;
    let mut text = Format::Plan.opening();
    let mut write = |mirror: &Mirror<'_>| text.push_str(&line(mirror));
    write(&Mirror::Lab {
        lab: lab.as_str(),
        region: region.as_str(),
        account: account.as_str(),
        endpoint,
        mode: report.plan.mode,
    });
    report
        .plan
        .changes
        .iter()
        .map(change)
        .for_each(|mirror| write(&mirror));
    for (address, ladders) in ladders(report.plan) {
        for ladder in ladders {
            write(&Mirror::Launch {
                address,
                choices: ladder.iter().map(rung).collect(),
            });
        }
    }
    write(&pins(report));
    report
        .bill
        .lines
        .iter()
        .map(cost)
        .for_each(|mirror| write(&mirror));
    write(&Mirror::Bill {
        before: report.bill.before.into(),
        after: report.bill.after.into(),
        prices_date: &report.bill.prices_date,
        estimate: !report.bill.of_region,
        unpriced: report
            .bill
            .unpriced
            .iter()
            .map(crate::model::InstanceType::as_str)
            .collect(),
    });
    report
        .hosts
        .iter()
        .map(host)
        .for_each(|mirror| write(&mirror));
    report
        .notices
        .iter()
        .map(notice)
        .for_each(|mirror| write(&mirror));
    report
        .warnings
        .iter()
        .for_each(|text| write(&Mirror::Warning { text }));
    write(&summary(report));
    text
}

fn change(change: &Change) -> Mirror<'_> {
    let Change {
        address,
        moved_from,
        kind,
        action,
        reason,
        id,
        summary,
        fields,
        losses,
    } = change;
    let (reason, detail) = why(reason);
    Mirror::Change(ChangeMirror {
        address,
        moved_from: moved_from.as_ref(),
        kind: *kind,
        action: *action,
        reason,
        detail,
        id: id.as_ref().map(crate::model::CloudId::as_str),
        summary,
        fields: fields.iter().map(field).collect(),
        losses: losses.iter().map(|loss| loss.0.as_str()).collect(),
    })
}

fn host(host: &HostPlan) -> Mirror<'_> {
    let HostPlan {
        address,
        asleep,
        replaced,
        steps,
        standing,
        measured,
        drift,
    } = host;
    Mirror::Host {
        address,
        asleep: *asleep,
        replaced: *replaced,
        steps: steps
            .iter()
            .map(|(step, plan)| StepMirror { step, plan: *plan })
            .collect(),
        standing: standing.as_ref().map(|(standing, _)| *standing),
        lacks: standing.as_ref().map_or(&[], |(_, lacks)| lacks),
        measured: *measured,
        drift,
    }
}

/// A reason as a stable word, with what it is about.
fn why(reason: &Reason) -> (&'static str, Option<String>) {
    match reason {
        Reason::New => ("new", None),
        Reason::Vanished => ("vanished", None),
        Reason::Differs => ("differs", None),
        Reason::CannotUpdate => ("cannot-update", None),
        Reason::Unfinished => ("unfinished", None),
        Reason::DependsOnReplaced(other) => ("depends-on-replaced", Some(other.to_string())),
        Reason::NotInProfile => ("not-in-profile", None),
        Reason::Destroying => ("destroying", None),
        Reason::NotRecorded => ("not-recorded", None),
        Reason::UpToDate => ("up-to-date", None),
        Reason::Stopped => ("stopped", None),
        Reason::Kept => ("kept", None),
        Reason::NotTargeted => ("not-targeted", None),
        Reason::Moved => ("moved", None),
        Reason::Imported => ("imported", None),
        Reason::LetGo => ("let-go", None),
        Reason::RolledBack => ("rolled-back", None),
        Reason::Blocked(block) => blocked(block),
    }
}

fn blocked(block: &BlockReason) -> (&'static str, Option<String>) {
    match block {
        BlockReason::Unreadable(text) => ("unreadable", Some(text.clone())),
        BlockReason::PreventDestroy(text) => ("prevent-destroy", Some(text.clone())),
        BlockReason::Occupied(text) => ("occupied", Some(text.clone())),
        BlockReason::Untagged(id) => ("untagged", Some(id.to_string())),
        BlockReason::InUse(text) => ("in-use", Some(text.clone())),
        BlockReason::Foreign(text) => ("foreign", Some(text.clone())),
        BlockReason::Ambiguous(text) => ("ambiguous", Some(text.clone())),
        BlockReason::DependsOnBlocked(other) => ("depends-on-blocked", Some(other.to_string())),
        BlockReason::Impossible(text) => ("impossible", Some(text.clone())),
        BlockReason::InTransition(text) => ("in-transition", Some(text.clone())),
    }
}

fn field(change: &FieldChange) -> FieldMirror<'_> {
    let FieldChange {
        field,
        before,
        after,
        impact,
        drift,
    } = change;
    FieldMirror {
        field,
        before,
        after,
        impact: *impact,
        drift: *drift,
    }
}

fn rung(rung: &Rung) -> RungMirror<'_> {
    let Rung {
        market,
        instance_type,
        zone,
        subnet: _,
    } = rung;
    RungMirror {
        market: *market,
        instance_type: instance_type.as_str(),
        zone: zone.as_str(),
    }
}

fn pins<'a>(report: &PlanReport<'a>) -> Mirror<'a> {
    let pins = report.pins;
    Mirror::Pins {
        my_ip: pins.my_ip.map(|ip| ip.to_string()),
        images: pins
            .images
            .iter()
            .map(|(name, image)| (name.as_str(), image.id.as_str()))
            .collect(),
        zones: pins
            .zones
            .iter()
            .map(|(name, zones)| {
                (
                    name.as_str(),
                    zones.iter().map(crate::model::Zone::as_str).collect(),
                )
            })
            .collect(),
    }
}

fn cost(line: &BillLine) -> Mirror<'_> {
    let BillLine {
        address,
        what,
        before,
        after,
    } = line;
    Mirror::Cost(CostMirror {
        address,
        what,
        before: before.map(RateMirror::from),
        after: after.map(RateMirror::from),
    })
}

fn notice(notice: &Notice) -> Mirror<'_> {
    let Notice {
        severity,
        topic,
        text,
        help,
    } = notice;
    Mirror::Notice {
        severity: *severity,
        topic,
        text,
        help: help.as_deref(),
    }
}

fn summary<'a>(report: &PlanReport<'a>) -> Mirror<'a> {
    let Tally {
        create,
        update,
        replace,
        delete,
        adopt,
        forget,
        unchanged,
        blocked,
    } = report.plan.tally();
    Mirror::Summary(SummaryMirror {
        create,
        update,
        replace,
        delete,
        adopt,
        forget,
        unchanged,
        blocked,
        steps: report.plan.steps.len(),
        next: report.next,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::plan::sample;

    #[test]
    fn a_plan_in_json() {
        let sample = sample(1);
        let next = ["roboinfra apply".to_owned()];
        let warnings = ["[idle] is not built yet".to_owned()];
        let text = plan_json(&PlanReport {
            place: &sample.place,
            plan: &sample.plan,
            hosts: &sample.hosts,
            bill: &sample.bill,
            notices: &sample.notices,
            warnings: &warnings,
            pins: &sample.pins,
            next: &next,
            verbose: false,
        });
        insta::assert_snapshot!(text);
    }
}
