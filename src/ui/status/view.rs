//! The status in 80 columns.

use jiff::Timestamp;

use super::report::{AddressStatus, HostStatus, NodeStatus, Spending, StatusReport, VolumeStatus};
use crate::model::{InstanceState, Market, Usd};
use crate::state::Standing;
use crate::ui::agent::agent_line;
use crate::ui::money::{hourly, total};
use crate::ui::page::{Line, Page};
use crate::ui::plan::header;
use crate::ui::style::{Look, Role};
use crate::ui::table::{Column, Table};
use crate::ui::text::{counted, lasting, since};

/// From this width zones and private addresses have columns of their own.
const WIDE: usize = 100;
/// Up to so many nodes have a second line in a narrow terminal.
const FEW: usize = 8;

/// Renders the status; ages are as of `now`.
pub fn status_view(report: &StatusReport, look: &Look, now: Timestamp) -> String {
    let mut page = Page::default();
    page.line(header(&report.place, look));
    if let Some(run) = &report.run {
        page.line(Line::at(0).hang(2).add(Role::Notice, format!("! {run}")));
    }
    nodes(&mut page, report, look, now);
    hosts(&mut page, report, look, now);
    belongings(&mut page, report, look);
    foreign(&mut page, report);
    unreadable(&mut page, report);
    drift(&mut page, report, look);
    if report.place.has_cloud() {
        page.gap();
        cost(&mut page, report, now);
        matters(&mut page, report);
    } else if !report.next.is_empty() {
        page.gap();
    }
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

fn nodes(page: &mut Page, report: &StatusReport, look: &Look, now: Timestamp) {
    if report.nodes.is_empty() {
        if report.place.has_cloud() {
            page.gap();
            page.line(Line::at(0).plain("No machines."));
        }
        return;
    }
    let wide = look.width >= WIDE;
    page.heading("Nodes");
    let columns = [
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Right,
        Column::Right,
    ];
    let mut table = Table::at(2, &columns);
    for node in &report.nodes {
        let (state, role) = state(node.state);
        let market = if node.market == Some(Market::Spot) {
            " spot"
        } else {
            ""
        };
        let instance_type = node
            .instance_type
            .as_ref()
            .map_or_else(String::new, |name| format!("{name}{market}"));
        let up = node
            .launched
            .filter(|_| node.state == Some(InstanceState::Running));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let zone = node.zone.as_ref().map(ToString::to_string);
        table.row([
            (Role::Strong, node.address.to_string()),
            (role, state.to_owned()),
            (Role::Plain, instance_type),
            (Role::Plain, if wide { text(&zone) } else { String::new() }),
            (Role::Plain, text(&node.public_ip)),
            (
                Role::Plain,
                if wide {
                    text(&node.private_ip)
                } else {
                    String::new()
                },
            ),
            (
                Role::Plain,
                up.map_or_else(String::new, |at| lasting(since(at, now))),
            ),
            (
                Role::Plain,
                node.hourly
                    .map_or_else(String::new, |usd| format!("{}/h", hourly(usd))),
            ),
        ]);
    }
    for (lines, node) in table.blocks(look).into_iter().zip(&report.nodes) {
        page.lines(lines);
        page.lines(second_line(node, !wide && report.nodes.len() <= FEW, look));
    }
}

/// What has no room in the first line.
fn second_line(node: &NodeStatus, narrow: bool, look: &Look) -> Option<Line> {
    let mut parts: Vec<String> = Vec::new();
    if narrow {
        parts.extend(node.zone.as_ref().map(ToString::to_string));
        parts.extend(node.private_ip.as_ref().map(|ip| format!("private {ip}")));
        parts.extend(node.id.as_ref().map(ToString::to_string));
    }
    let reason = node
        .reason
        .clone()
        .filter(|_| node.state != Some(InstanceState::Running));
    parts.extend(reason);
    let text = parts.join(&format!(" {} ", look.dot()));
    (!text.is_empty()).then(|| Line::at(4).hang(4).add(Role::Faint, text))
}

/// How the hosts stood when they were last measured, and what their agents say now.
fn hosts(page: &mut Page, report: &StatusReport, look: &Look, now: Timestamp) {
    if report.hosts.is_empty() {
        return;
    }
    page.heading("Hosts, as last measured");
    let mut table = Table::at(2, &[Column::Left, Column::Flexible, Column::Right]);
    for host in &report.hosts {
        let lacks = host.lacks.join(", ");
        let with = |word: &str| {
            if lacks.is_empty() {
                word.to_owned()
            } else {
                format!("{word}: {lacks}")
            }
        };
        let (role, how) = match host.standing {
            Some(Standing::Ready) => (Role::Good, "ready".to_owned()),
            Some(Standing::NotReady) => (Role::Bad, with("not ready")),
            Some(Standing::Unfinished) => (Role::Notice, with("unfinished")),
            None => (Role::Notice, "not made ready yet".to_owned()),
        };
        let ago = host.measured.map(|at| lasting(since(at, now)));
        table.row([
            (Role::Strong, host.address.to_string()),
            (role, how),
            (
                Role::Faint,
                ago.map_or_else(String::new, |ago| format!("for {ago}")),
            ),
        ]);
    }
    for (lines, host) in table.blocks(look).into_iter().zip(&report.hosts) {
        page.lines(lines);
        page.lines(services(host, look));
        page.lines(host.agent.as_ref().map(|agent| agent_line(agent, look)));
    }
}

/// The services of a host, those that are not well first.
fn services(host: &HostStatus, look: &Look) -> Option<Line> {
    let mut known: Vec<(&String, &String)> = host.services.iter().collect();
    known.sort_by_key(|(_, state)| state.as_str() == "healthy");
    let mut line = Line::at(4).hang(4);
    for (position, (name, state)) in known.iter().enumerate() {
        if position > 0 {
            line.push(Role::Faint, format!(" {} ", look.dot()));
        }
        line.push(Role::Plain, format!("{name} "));
        let role = match state.as_str() {
            "healthy" | "running" => Role::Good,
            "starting" => Role::Change,
            _ => Role::Bad,
        };
        line.push(role, state.as_str());
    }
    (!known.is_empty()).then_some(line)
}

fn state(state: Option<InstanceState>) -> (&'static str, Role) {
    match state {
        Some(InstanceState::Running) => ("running", Role::Good),
        Some(InstanceState::Stopped) => ("stopped", Role::Faint),
        Some(InstanceState::Pending) => ("pending", Role::Change),
        Some(InstanceState::Stopping) => ("stopping", Role::Change),
        Some(InstanceState::ShuttingDown) => ("shutting down", Role::Notice),
        Some(InstanceState::Terminated) => ("terminated", Role::Bad),
        None => ("missing", Role::Bad),
    }
}

/// What stands beside the machines.
fn belongings(page: &mut Page, report: &StatusReport, look: &Look) {
    let mut table = Table::at(
        2,
        &[Column::Left, Column::Left, Column::Flexible, Column::Right],
    );
    let price = |usd: Usd| (Role::Plain, format!("{}/h", hourly(usd)));
    for volume in &report.volumes {
        let VolumeStatus {
            address,
            id: _,
            size_gib,
            zone: _,
            attached,
            keep,
            hourly,
        } = volume;
        let size = size_gib.map_or_else(String::new, |size| format!("{size} GiB"));
        let kept = if *keep { ", kept" } else { "" };
        let (role, place) = tied(attached.as_deref(), "attached to", "attached to nothing");
        table.row([
            (Role::Strong, address.to_string()),
            (Role::Plain, size),
            (role, place + kept),
            price(*hourly),
        ]);
    }
    for own in &report.addresses {
        let AddressStatus {
            address,
            id: _,
            public_ip,
            associated,
            hourly,
        } = own;
        let ip = public_ip.clone().unwrap_or_default();
        let (role, place) = tied(associated.as_deref(), "serves", "serves nothing");
        table.row([
            (Role::Strong, address.to_string()),
            (Role::Plain, ip),
            (role, place),
            price(*hourly),
        ]);
    }
    if !table.is_empty() {
        page.heading("Volumes and addresses");
        page.lines(table.lines(look));
    }
}

fn tied(to: Option<&str>, how: &str, not: &str) -> (Role, String) {
    match to {
        Some(to) => (Role::Faint, format!("{how} {to}")),
        None => (Role::Notice, not.to_owned()),
    }
}

/// What is in the lab's network and is not the lab's.
fn foreign(page: &mut Page, report: &StatusReport) {
    for text in &report.foreign {
        page.line(Line::at(0).hang(2).add(Role::Notice, "! ").plain(text));
    }
}

fn unreadable(page: &mut Page, report: &StatusReport) {
    page.gap();
    for (kind, why) in &report.unreadable {
        let text = format!("! {kind}: cannot be read, so nothing is known of it: {why}");
        page.line(Line::at(0).hang(2).add(Role::Bad, text));
    }
}

/// Differences that were not made by roboinfra, the first few of them.
fn drift(page: &mut Page, report: &StatusReport, look: &Look) {
    const SHOWN: usize = 5;
    if !report.drift.is_empty() {
        page.heading(format!(
            "Changed outside roboinfra ({})",
            report.drift.len()
        ));
    }
    for (address, field) in report.drift.iter().take(SHOWN) {
        let text = format!(
            "{}: {} {} {}",
            field.field,
            field.after,
            look.arrow(),
            field.before
        );
        page.line(
            Line::at(2)
                .hang(4)
                .plain(format!("{address}  "))
                .add(Role::Notice, text),
        );
    }
    if report.drift.len() > SHOWN {
        let text = format!(
            "and {} more; `roboinfra plan` shows them",
            report.drift.len() - SHOWN
        );
        page.line(Line::at(2).add(Role::Faint, text));
    }
}

fn cost(page: &mut Page, report: &StatusReport, now: Timestamp) {
    let Spending {
        hourly: rate,
        stopped,
        so_far,
        since: from,
        prices_date,
        of_region,
    } = &report.spending;
    let about = if *of_region { "" } else { "about " };
    let mut line = Line::at(0).hang(6).add(Role::Strong, "Cost: ");
    line.push(
        Role::Plain,
        format!(
            "{about}{} an hour now, {} with all machines stopped",
            hourly(*rate),
            hourly(*stopped)
        ),
    );
    if let Some(from) = from {
        line.push(
            Role::Plain,
            format!(
                "; {} in the {} since the last start",
                total(*so_far),
                lasting(since(*from, now))
            ),
        );
    }
    line.push(Role::Faint, format!(". Prices of {prices_date}."));
    page.line(line);
}

fn matters(page: &mut Page, report: &StatusReport) {
    let state = match (report.drift.len(), report.pending) {
        (0, 0) => (Role::Good, "no drift, nothing to apply".to_owned()),
        (0, pending) => (
            Role::Notice,
            format!("no drift, {} to apply", counted(pending, "change")),
        ),
        (drift, pending) => (
            Role::Notice,
            format!(
                "{}, {} to apply",
                counted(drift, "changed field"),
                counted(pending, "change")
            ),
        ),
    };
    let others = report.nodes.len() + report.volumes.len() + report.addresses.len() + report.others;
    let line = Line::at(0)
        .hang(6)
        .add(Role::Strong, "State: ")
        .add(state.0, state.1);
    page.line(line.add(
        Role::Faint,
        format!("; {} in all.", counted(others, "resource")),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, CloudId, FieldChange, Impact, InstanceType, Kind, Zone};
    use crate::ui::plan::{now, sample};

    fn node(index: usize, state: Option<InstanceState>) -> NodeStatus {
        let known = state.is_some();
        NodeStatus {
            address: Address::new(format!("node.sim.{index}")),
            id: known.then(|| CloudId::new(format!("i-0123456789abcde{index:02}"))),
            state,
            reason: (state == Some(InstanceState::Stopped))
                .then(|| "User initiated (2026-07-20 18:00:00 GMT)".to_owned()),
            instance_type: known.then(|| InstanceType::new("g5.2xlarge")),
            market: known.then_some(if index == 0 {
                Market::Spot
            } else {
                Market::OnDemand
            }),
            zone: known.then(|| Zone::new("us-east-1a")),
            public_ip: (state == Some(InstanceState::Running)).then(|| "203.0.113.9".to_owned()),
            private_ip: known.then(|| format!("10.0.0.{index}")),
            launched: Some("2026-07-21T05:03:00Z".parse().expect("a moment")),
            hourly: known.then(|| Usd::from_dollars(1.217)),
        }
    }

    pub(in crate::ui) fn report() -> StatusReport {
        let rule = FieldChange {
            field: "rule".to_owned(),
            before: "8080/tcp from 0.0.0.0/0".to_owned(),
            after: "-".to_owned(),
            impact: Impact::InPlace,
            drift: true,
        };
        StatusReport {
            place: sample(1).place,
            read_at: now(),
            nodes: vec![
                node(0, Some(InstanceState::Running)),
                node(1, Some(InstanceState::Stopped)),
                node(2, None),
            ],
            hosts: vec![
                HostStatus {
                    address: Address::new("node.sim.0"),
                    standing: Some(Standing::NotReady),
                    lacks: vec!["stack".to_owned()],
                    measured: Some("2026-07-21T07:15:00Z".parse().expect("a moment")),
                    services: [
                        ("foxglove", "healthy"),
                        ("isaac-sim", "starting"),
                        ("nav2", "unhealthy"),
                        ("redis", "healthy"),
                    ]
                    .map(|(name, state)| (name.to_owned(), state.to_owned()))
                    .into(),
                    agent: Some(Err("no answer within 5 s".to_owned())),
                },
                HostStatus {
                    address: Address::new("edge.arm1"),
                    standing: None,
                    lacks: Vec::new(),
                    measured: None,
                    services: std::collections::BTreeMap::new(),
                    agent: None,
                },
            ],
            volumes: vec![VolumeStatus {
                address: Address::new("volume.sim.0.data"),
                id: CloudId::new("vol-0a"),
                size_gib: Some(500),
                zone: Some(Zone::new("us-east-1a")),
                attached: Some("node.sim.0".to_owned()),
                keep: true,
                hourly: Usd::from_dollars(0.0548),
            }],
            addresses: vec![AddressStatus {
                address: Address::new("elastic-ip.sim.1"),
                id: CloudId::new("eipalloc-0a"),
                public_ip: Some("203.0.113.77".to_owned()),
                associated: None,
                hourly: Usd::from_dollars(0.005),
            }],
            others: 17,
            spending: Spending {
                hourly: Usd::from_dollars(1.28),
                stopped: Usd::from_dollars(0.08),
                so_far: Usd::from_dollars(4.09),
                since: Some("2026-07-21T05:03:00Z".parse().expect("a moment")),
                prices_date: "2026-07-20".to_owned(),
                of_region: true,
            },
            drift: vec![(Address::new("access.security-group.sim"), rule)],
            pending: 2,
            foreign: vec![
                "in the lab's network, not the lab's: eni-0a1b (nat) of instance i-0c2d".to_owned(),
            ],
            unreadable: vec![(Kind::Role, "ListRoles: AccessDenied".to_owned())],
            run: Some(
                "The run r-7f3k2m was cut short at 07:58; `roboinfra apply` recovers it."
                    .to_owned(),
            ),
            next: vec!["roboinfra plan".to_owned(), "roboinfra stop".to_owned()],
        }
    }

    #[test]
    fn a_morning_in_80_columns() {
        insta::assert_snapshot!(status_view(&report(), &Look::plain(80), now()));
    }

    #[test]
    fn names_that_leave_no_room_hide_nobody() {
        let mut report = report();
        let long = "node.the-first-of-many-machines-of-the-laboratory.0";
        report.nodes[0].address = Address::new(long);
        report.hosts[0].address = Address::new(long);
        let text = status_view(&report, &Look::plain(50), now());
        let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
        let (hosts, volumes) = (place("Hosts, as"), place("Volumes and"));
        let nodes = &text[..hosts];
        for node in [long, "node.sim.1", "node.sim.2"] {
            assert_eq!(nodes.matches(node).count(), 1, "{node}: {text}");
        }
        let hosts = &text[hosts..volumes];
        let told: Vec<Option<usize>> = [long, "not ready: stack", "isaac-sim", "edge.arm1"]
            .map(|what| hosts.find(what))
            .into();
        assert!(
            told.iter().all(Option::is_some) && told.is_sorted(),
            "{text}"
        );
    }

    #[test]
    fn a_wide_terminal_has_one_line_for_each_node() {
        let text = status_view(&report(), &Look::plain(120), now());
        let line = text
            .lines()
            .find(|line| line.contains("node.sim.0"))
            .expect("the node is shown");
        assert!(
            line.contains("203.0.113.9") && line.contains("10.0.0.0") && line.contains("3h 12m"),
            "{line}"
        );
    }
}
