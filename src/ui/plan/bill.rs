//! The bill as a compact table.

use super::report::PlanReport;
use crate::model::{Address, Usd};
use crate::plan::{Bill, BillLine, Rate};
use crate::ui::fold::{FOLD_FROM, Shape, label};
use crate::ui::money::{difference, hourly, total};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::{Column, Table};
use crate::ui::text::listed;

/// Lines of the bill that one row stands for.
struct Group<'a> {
    shapes: Vec<Shape>,
    first: &'a BillLine,
    before: Option<Rate>,
    after: Option<Rate>,
}

pub(super) fn show(page: &mut Page, report: &PlanReport<'_>, look: &Look) {
    let bill = report.bill;
    if bill.lines.is_empty() {
        return;
    }
    page.gap();
    let columns = [
        Column::Left,
        Column::Flexible,
        Column::Right,
        Column::Right,
        Column::Right,
    ];
    let mut table = Table::at(0, &columns);
    let mut heads = vec![Line::at(0).add(Role::Strong, "Cost"), Line::default()];
    heads.extend(["hour", "stopped", "month"].map(|head| Line::at(0).add(Role::Faint, head)));
    table.row_of(heads);
    for group in groups(
        bill,
        if report.verbose {
            usize::MAX
        } else {
            FOLD_FROM
        },
    ) {
        rows(&mut table, &group, look);
    }
    totals(&mut table, bill);
    page.lines(table.lines(look));
    page.lines(notes(bill));
}

fn groups(bill: &Bill, fold_from: usize) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut sorted: Vec<(Shape, &BillLine)> = bill
        .lines
        .iter()
        .map(|line| (Shape::of(&line.address), line))
        .collect();
    sorted.sort_by(|(a, x), (b, y)| {
        (place(&x.address), a.pattern(), a).cmp(&(place(&y.address), b.pattern(), b))
    });
    let runs = sorted.chunk_by(|(a, x), (b, y)| a.is_like(b) && are_alike(x, y));
    for run in runs {
        let step = if run.len() >= fold_from { run.len() } else { 1 };
        for part in run.chunks(step) {
            groups.push(Group {
                shapes: part.iter().map(|(shape, _)| shape.clone()).collect(),
                first: part[0].1,
                before: sum(part.iter().map(|(_, line)| line.before)),
                after: sum(part.iter().map(|(_, line)| line.after)),
            });
        }
    }
    groups
}

/// Node groups one after the other: the machines, then what stands beside them.
fn place(address: &Address) -> (&str, usize) {
    let mut parts = address.as_str().split('.');
    let first = parts.next().unwrap_or_default();
    let rank = ["node", "volume", "elastic-ip", "metrics"]
        .iter()
        .position(|kind| *kind == first);
    (parts.next().unwrap_or_default(), rank.unwrap_or(usize::MAX))
}

fn are_alike(a: &BillLine, b: &BillLine) -> bool {
    (&a.what, a.before, a.after) == (&b.what, b.before, b.after)
}

fn sum(rates: impl Iterator<Item = Option<Rate>>) -> Option<Rate> {
    rates.flatten().reduce(|a, b| Rate {
        running: a.running + b.running,
        stopped: a.stopped + b.stopped,
    })
}

fn rows(table: &mut Table, group: &Group<'_>, look: &Look) {
    let (sign, role) = match (group.before, group.after) {
        (None, _) => ("  + ", Role::Good),
        (_, None) => ("  - ", Role::Bad),
        (before, after) if before == after => ("    ", Role::Plain),
        _ => ("  ~ ", Role::Change),
    };
    let goes = group.after.is_none();
    let shown = group.after.or(group.before).unwrap_or_default();
    let name_role = if goes { Role::Faint } else { Role::Plain };
    let name = Line::at(0)
        .add(role, sign)
        .add(name_role, label(&group.shapes, look));
    amounts(table, name, &group.first.what, shown, name_role);
    if let Some(before) = group
        .before
        .filter(|before| !goes && group.after != Some(*before))
    {
        amounts(
            table,
            Line::at(0).add(Role::Faint, "      before"),
            "",
            before,
            Role::Faint,
        );
    }
}

fn amounts(table: &mut Table, name: Line, what: &str, rate: Rate, role: Role) {
    let Rate { running, stopped } = rate;
    figures(
        table,
        name,
        what,
        [hourly(running), hourly(stopped), total(running.per_month())],
        role,
    );
}

fn figures(table: &mut Table, name: Line, what: &str, figures: [String; 3], role: Role) {
    let mut row = vec![name, Line::at(0).add(Role::Faint, what)];
    row.extend(figures.map(|figure| Line::at(0).add(role, figure)));
    table.row_of(row);
}

fn totals(table: &mut Table, bill: &Bill) {
    let name = |role, text: &str| Line::at(0).add(role, format!("    {text}"));
    if bill.before == Rate::default() {
        amounts(
            table,
            name(Role::Strong, "total"),
            "",
            bill.after,
            Role::Strong,
        );
        return;
    }
    amounts(
        table,
        name(Role::Faint, "total before"),
        "",
        bill.before,
        Role::Faint,
    );
    amounts(
        table,
        name(Role::Strong, "total after"),
        "",
        bill.after,
        Role::Strong,
    );
    let running = bill.after.running - bill.before.running;
    let stopped = bill.after.stopped - bill.before.stopped;
    if (running, stopped) != (Usd::ZERO, Usd::ZERO) {
        let change = [
            (running, hourly as fn(Usd) -> String),
            (stopped, hourly),
            (running.per_month(), total),
        ];
        let role = if running > Usd::ZERO {
            Role::Notice
        } else {
            Role::Good
        };
        figures(
            table,
            name(Role::Plain, "change"),
            "",
            change.map(|(amount, show)| difference(amount, show)),
            role,
        );
    }
}

/// Where the figures come from, and what is not in them.
fn notes(bill: &Bill) -> Vec<Line> {
    let note = |text: String| Line::at(4).hang(4).add(Role::Faint, text);
    let mut notes = vec![
        note("Per hour running, per hour stopped, and per month running.".to_owned()),
        note(format!(
            "Prices of {}, before tax and data transfer.",
            bill.prices_date
        )),
    ];
    if !bill.of_region {
        let text = "An estimate: these are us-east-1's prices, the region's own are not known.";
        notes.push(Line::at(4).hang(4).add(Role::Notice, text));
    }
    if !bill.unpriced.is_empty() {
        let types: Vec<&str> = bill
            .unpriced
            .iter()
            .map(crate::model::InstanceType::as_str)
            .collect();
        notes.push(Line::at(4).hang(4).add(
            Role::Notice,
            format!("Not in the sums, price unknown: {}.", listed(&types)),
        ));
    }
    notes
}

/// What a lab costs that does not change.
pub(in crate::ui) fn standing(bill: &Bill) -> Line {
    let about = if bill.of_region { "" } else { "about " };
    let Rate { running, stopped } = bill.before;
    let text = format!(
        "It costs {about}{} an hour now; with every machine stopped, {}.",
        hourly(running),
        hourly(stopped)
    );
    Line::at(0).plain(text)
}
