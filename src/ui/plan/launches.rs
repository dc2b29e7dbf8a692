//! In which order the choices of a launch are tried, and what was looked up for it.

use std::collections::BTreeMap;

use super::report::PlanReport;
use crate::model::{Address, Market, Op, Rung};
use crate::plan::Plan;
use crate::ui::fold::zones;
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::widest;

/// The choices of each launch, by the address of its group; like launches of one group once.
pub(in crate::ui) fn ladders(plan: &Plan) -> BTreeMap<&Address, Vec<&[Rung]>> {
    let mut ladders: BTreeMap<&Address, Vec<&[Rung]>> = BTreeMap::new();
    for step in &plan.steps {
        if let Op::RunInstances { launch, .. } = &step.op {
            let of_group = ladders.entry(&step.address).or_default();
            if !of_group.contains(&launch.ladder.as_slice()) {
                of_group.push(&launch.ladder);
            }
        }
    }
    ladders
}

pub(super) fn show(page: &mut Page, report: &PlanReport<'_>, look: &Look) {
    let ladders = ladders(report.plan);
    if !ladders.is_empty() {
        page.heading("Tried in this order");
    }
    let width = widest(
        ladders.keys().map(|address| address.as_str()),
        look.width / 2,
    );
    for (address, ladders) in &ladders {
        for ladder in ladders {
            page.lines(ladder_lines(address, ladder, 4 + width + 2));
        }
    }
    pins(page, report);
}

/// One line for each type and market: `on-demand g5.2xlarge in us-east-1a, b, c`.
fn ladder_lines(address: &Address, ladder: &[Rung], column: usize) -> Vec<Line> {
    let of_one_type =
        ladder.chunk_by(|a, b| a.market == b.market && a.instance_type == b.instance_type);
    let mut market: Option<Market> = None;
    let mut lines = Vec::new();
    for rungs in of_one_type {
        let rung = &rungs[0];
        let lead = if lines.is_empty() {
            address.as_str()
        } else {
            ""
        };
        let mut line = Line::at(4).hang(column + 5).plain(lead).pad_to(column);
        line.push(Role::Faint, if lines.is_empty() { "" } else { "then " });
        if market != Some(rung.market) {
            line.push(Role::Plain, format!("{} ", rung.market));
            market = Some(rung.market);
        }
        line.push(Role::Plain, rung.instance_type.as_str());
        let where_to = zones(rungs.iter().map(|rung| rung.zone.as_str()));
        line.push(Role::Faint, format!(" in {where_to}"));
        lines.push(line);
    }
    lines
}

/// What was looked up once and stays.
fn pins(page: &mut Page, report: &PlanReport<'_>) {
    let pins = report.pins;
    let mut rows: Vec<(String, String)> = Vec::new();
    rows.extend(pins.my_ip.map(|ip| ("my-ip".to_owned(), ip.to_string())));
    for (key, image) in &pins.images {
        let name = key.split('/').next().unwrap_or(key);
        let name = if report.verbose { key } else { name };
        rows.push((name.to_owned(), format!("{}  {}", image.id, image.name)));
    }
    if report.verbose {
        let offers = pins.zones.iter();
        rows.extend(offers.map(|(type_, found)| {
            (
                type_.to_string(),
                zones(found.iter().map(crate::model::Zone::as_str)),
            )
        }));
    }
    if rows.is_empty() {
        return;
    }
    page.heading("Looked up once and pinned");
    let width = widest(rows.iter().map(|(name, _)| name.as_str()), 30);
    for (name, value) in rows {
        page.line(
            Line::at(4)
                .hang(4 + width + 2)
                .plain(name)
                .pad_to(4 + width + 2)
                .add(Role::Faint, value),
        );
    }
}
