//! The account at the end of a run: what was done, what failed and what helps, what exists now, what it costs, and
//! what to type next.

use std::collections::BTreeMap;
use std::time::Duration;

use super::wording::tally;
use crate::event::RunEnd;
use crate::model::{Action, Address, CloudId, Failure, Kind, Usd};
use crate::plan::Rate;
use crate::ui::failure::{Circumstances, failure_lines};
use crate::ui::fold::{FOLD_FROM, Shape, label};
use crate::ui::money::hourly;
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::{Column, Table};
use crate::ui::text::{counted, lasting};

/// Something that exists at the end of a run and that the user should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its address.
    pub address: Address,
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: CloudId,
    /// What it is, or how to reach it: `g5.2xlarge, 203.0.113.9`.
    pub what: String,
    /// What it costs per hour now.
    pub hourly: Usd,
    /// Why it is still there, after `destroy`.
    pub why: Option<String>,
}

/// What a fresh scan by tag found after `destroy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains<'a> {
    /// The run was not to leave nothing.
    NotScanned,
    /// It found what `EndReport::standing` lists, and nothing else.
    Scanned,
    /// It found what `EndReport::standing` lists, all of which is to be kept.
    Kept,
    /// These kinds could not be read, so nobody knows.
    Unknown(&'a BTreeMap<Kind, Failure>),
}

/// All there is to say at the end of a run.
#[derive(Debug, Clone, Copy)]
pub struct EndReport<'a> {
    /// How it ended.
    pub end: RunEnd,
    /// How many resources each action was done to.
    pub done: &'a BTreeMap<Action, usize>,
    /// What failed.
    pub failures: &'a [(Address, Failure)],
    /// How many were not reached.
    pub skipped: usize,
    /// How long it took.
    pub took: Duration,
    /// What the advice on failures depends on.
    pub circumstances: Circumstances<'a>,
    /// What exists now and is worth a line.
    pub standing: &'a [Standing],
    /// Whether that is all there is.
    pub remains: Remains<'a>,
    /// How many resources exist in all, if it is known.
    pub resources: Option<usize>,
    /// What they cost, if it is known.
    pub rate: Option<Rate>,
    /// Commands to type next; the first is the usual one.
    pub next: &'a [String],
}

/// Renders the account.
pub fn end_view(report: &EndReport<'_>, look: &Look) -> String {
    let mut page = Page::default();
    failures(&mut page, report, look);
    page.gap();
    page.line(headline(report, look));
    proof(&mut page, report, look);
    standing(&mut page, report, look);
    cost(&mut page, report);
    for (position, command) in report.next.iter().enumerate() {
        let lead = if position == 0 { "Next: " } else { "      " };
        page.line(
            Line::at(0)
                .hang(6)
                .add(Role::Faint, lead)
                .add(Role::Strong, command),
        );
    }
    page.render(look)
}

fn headline(report: &EndReport<'_>, look: &Look) -> Line {
    let (mark, role, lead) = match report.end {
        RunEnd::Done => (look.tick(), Role::Good, "Done"),
        RunEnd::Failed if report.done.is_empty() => (look.cross(), Role::Bad, "Failed"),
        RunEnd::Failed => (look.cross(), Role::Bad, "Done in part"),
        RunEnd::Interrupted => ("!", Role::Notice, "Interrupted"),
    };
    let mut parts = vec![tally(report.done)];
    if !report.failures.is_empty() {
        parts.push(format!("{} failed", report.failures.len()));
    }
    if report.skipped > 0 {
        parts.push(format!("{} not reached", report.skipped));
    }
    let text = if report.end == RunEnd::Done && report.done.is_empty() {
        ": nothing to change in the cloud.".to_owned()
    } else {
        format!(": {} in {}.", parts.join(", "), lasting(report.took))
    };
    Line::at(0)
        .hang(2)
        .add(role, format!("{mark} {lead}"))
        .plain(text)
}

/// Failures with the same cause together, each with what helps.
fn failures(page: &mut Page, report: &EndReport<'_>, look: &Look) {
    for (addresses, failure) in causes(report.failures.iter().map(|(a, failure)| (a, failure))) {
        page.gap();
        let mut line = Line::at(0)
            .hang(2)
            .add(Role::Bad, format!("{} ", look.cross()));
        line.push(Role::Strong, addresses[0].as_str());
        if addresses.len() > 1 {
            line.push(
                Role::Plain,
                format!(" and {}", counted(addresses.len() - 1, "other")),
            );
        }
        page.line(line);
        page.lines(failure_lines(failure, &report.circumstances, 2));
    }
}

/// What has the same cause, together.
fn causes<'a, T>(
    failures: impl Iterator<Item = (&'a T, &'a Failure)>,
) -> Vec<(Vec<&'a T>, &'a Failure)> {
    let mut causes: Vec<(Vec<&T>, &Failure)> = Vec::new();
    for (what, failure) in failures {
        let same = |other: &Failure| {
            (&other.code, &other.operation, &other.message)
                == (&failure.code, &failure.operation, &failure.message)
        };
        match causes.iter_mut().find(|(_, other)| same(other)) {
            Some((those, _)) => those.push(what),
            None => causes.push((vec![what], failure)),
        }
    }
    causes
}

/// What `destroy` can and cannot promise.
fn proof(page: &mut Page, report: &EndReport<'_>, look: &Look) {
    let (role, text) = match report.remains {
        Remains::NotScanned => return,
        Remains::Scanned if report.standing.is_empty() => (
            Role::Good,
            format!(
                "{} Nothing is left: a fresh scan by tag found nothing of this lab.",
                look.tick()
            ),
        ),
        Remains::Kept => (
            Role::Good,
            format!(
                "{} Nothing is left but what is kept, a fresh scan by tag says:",
                look.tick()
            ),
        ),
        Remains::Scanned => (
            Role::Notice,
            "! A fresh scan by tag found what is left:".to_owned(),
        ),
        Remains::Unknown(_) => (
            Role::Bad,
            "! The scan for what is left failed: something may still exist.".to_owned(),
        ),
    };
    page.line(Line::at(0).hang(2).add(role, text));
    if let Remains::Unknown(unreadable) = report.remains {
        for (kinds, failure) in causes(unreadable.iter()) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.label()).collect();
            let text = format!("Not read: {}.", kinds.join(", "));
            page.line(Line::at(2).hang(2).plain(text));
            page.lines(failure_lines(failure, &report.circumstances, 4));
        }
    }
}

/// Only so many lines are listed: `status` lists all.
const MOST_STANDING: usize = 12;

/// What costs most first; like things as one line.
fn standing(page: &mut Page, report: &EndReport<'_>, look: &Look) {
    if report.remains == Remains::NotScanned
        && report.end != RunEnd::Done
        && !report.standing.is_empty()
    {
        page.line(Line::at(0).plain("This exists now and costs money:"));
    }
    let mut groups = like_things(report.standing);
    groups.sort_by_key(|group| {
        std::cmp::Reverse(group.iter().map(|(_, thing)| thing.hourly).sum::<Usd>())
    });
    let mut table = Table::at(
        4,
        &[Column::Left, Column::Flexible, Column::Left, Column::Right],
    );
    for group in groups.iter().take(MOST_STANDING) {
        let shapes: Vec<Shape> = group.iter().map(|(shape, _)| shape.clone()).collect();
        let (_, first) = &group[0];
        let alone = group.len() == 1;
        let sum: Usd = group.iter().map(|(_, thing)| thing.hourly).sum();
        let price = if sum == Usd::ZERO {
            String::new()
        } else {
            format!("{}/h", hourly(sum))
        };
        table.row([
            (Role::Plain, label(&shapes, look)),
            (Role::Plain, first.what.clone()),
            (
                Role::Faint,
                if alone {
                    first.id.to_string()
                } else {
                    String::new()
                },
            ),
            (Role::Plain, price),
        ]);
    }
    for (lines, group) in table.blocks(look).into_iter().zip(&groups) {
        page.lines(lines);
        let why = group[0].1.why.as_ref();
        page.lines(why.map(|why| Line::at(6).hang(6).add(Role::Faint, why)));
    }
    let unlisted: usize = groups.iter().skip(MOST_STANDING).map(Vec::len).sum();
    if unlisted > 0 {
        let text = format!("and {unlisted} more; `roboinfra status` lists them");
        page.line(Line::at(4).add(Role::Faint, text));
    }
}

/// Things by what they are, each group in the order of its addresses.
fn like_things(standing: &[Standing]) -> Vec<Vec<(Shape, &Standing)>> {
    let mut sorted: Vec<(Shape, &Standing)> = standing
        .iter()
        .map(|thing| (Shape::of(&thing.address), thing))
        .collect();
    sorted.sort_by(|(a, x), (b, y)| (x.kind, a.pattern(), a).cmp(&(y.kind, b.pattern(), b)));
    let alike = |(a, x): &(Shape, &Standing), (b, y): &(Shape, &Standing)| {
        a.is_like(b) && (x.kind, &x.what, &x.why) == (y.kind, &y.what, &y.why)
    };
    let runs = sorted.chunk_by(alike);
    let parts = runs.flat_map(|run| run.chunks(if run.len() >= FOLD_FROM { run.len() } else { 1 }));
    parts.map(<[_]>::to_vec).collect()
}

fn cost(page: &mut Page, report: &EndReport<'_>) {
    let Some(Rate { running, stopped }) = report.rate else {
        return;
    };
    if running == Usd::ZERO && stopped == Usd::ZERO {
        page.line(Line::at(0).plain("It costs nothing now."));
        return;
    }
    let what = report.resources.map_or_else(String::new, |count| {
        format!("{}. ", counted(count, "resource"))
    });
    let text = format!(
        "{what}The lab costs {} an hour running, {} stopped.",
        hourly(running),
        hourly(stopped)
    );
    page.line(Line::at(0).plain(text));
}

#[cfg(test)]
mod tests {
    use super::super::samples::no_quota;
    use super::*;
    use crate::model::{InstanceType, Market, Region};

    fn report<'a>(region: &'a Region, instance_type: &'a InstanceType) -> EndReport<'a> {
        const NONE: &BTreeMap<Action, usize> = &BTreeMap::new();
        EndReport {
            end: RunEnd::Done,
            done: NONE,
            failures: &[],
            skipped: 0,
            took: Duration::from_secs(83),
            circumstances: Circumstances {
                region,
                launch: Some((instance_type, Market::OnDemand, 1)),
                aws_profile: None,
            },
            standing: &[],
            remains: Remains::NotScanned,
            resources: None,
            rate: None,
            next: &[],
        }
    }

    #[test]
    fn what_a_run_leaves_is_told() {
        let (region, instance_type) = (Region::new("us-east-1"), InstanceType::new("g5.2xlarge"));
        let base = report(&region, &instance_type);
        let created = BTreeMap::from([(Action::Create, 14), (Action::Replace, 1)]);
        let deleted = BTreeMap::from([(Action::Delete, 15)]);
        let node = |why: Option<&str>| Standing {
            address: Address::new("node.sim.0"),
            kind: Kind::Instance,
            id: CloudId::new("i-0123456789abcdef0"),
            what: "203.0.113.9".to_owned(),
            hourly: Usd::from_dollars(1.239),
            why: why.map(str::to_owned),
        };
        let rate = Some(Rate {
            running: Usd::from_dollars(1.294),
            stopped: Usd::from_dollars(0.082),
        });
        let (alive, held) = (
            [node(None)],
            [node(Some("the profile forbids its deletion"))],
        );
        let failures = [
            (Address::new("node.sim.0"), no_quota()),
            (Address::new("node.sim.1"), no_quota()),
        ];
        let next = ["roboinfra status".to_owned()];
        let again = ["roboinfra apply  (goes on where this run ended)".to_owned()];
        let done = EndReport {
            done: &created,
            standing: &alive,
            rate,
            resources: Some(15),
            next: &next,
            ..base
        };
        let failed = EndReport {
            end: RunEnd::Failed,
            done: &created,
            failures: &failures,
            skipped: 2,
            rate,
            resources: Some(12),
            next: &again,
            ..base
        };
        let nothing = Some(Rate::default());
        let gone = EndReport {
            done: &deleted,
            remains: Remains::Scanned,
            rate: nothing,
            ..base
        };
        let left = EndReport {
            done: &deleted,
            remains: Remains::Scanned,
            standing: &held,
            rate,
            ..base
        };
        let unreadable: BTreeMap<Kind, Failure> = [Kind::Instance, Kind::Volume]
            .map(|kind| (kind, failures[0].1.clone()))
            .into();
        let unknown = EndReport {
            done: &deleted,
            remains: Remains::Unknown(&unreadable),
            ..base
        };
        let look = Look::plain(80);
        let all = [done, failed, gone, left, unknown].map(|report| end_view(&report, &look));
        insta::assert_snapshot!(all.join("\n----\n"));
    }
}
