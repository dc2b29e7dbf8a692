//! What the lockfile remembers.

use crate::model::{Address, CloudId};
use crate::state::{HostRecord, LabEntry, Lockfile, Pins, Recorded, Standing};
use crate::ui::fold::zones;
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::{Column, Table};
use crate::ui::text::{counted, moment};

/// One line for each resource at or below `only`, or for all.
pub fn state_list_view(lockfile: &Lockfile, only: Option<&Address>, look: &Look) -> String {
    // The address says the kind; an id that is cut is of no use.
    let mut table = Table::at(0, &[Column::Left, Column::Left]);
    let wanted = |address: &Address| only.is_none_or(|only| address.is_within(only));
    for (address, recorded) in lockfile
        .resources
        .iter()
        .filter(|(address, _)| wanted(address))
    {
        table.row([
            (Role::Plain, address.to_string()),
            (Role::Plain, recorded.id.to_string()),
        ]);
    }
    let mut page = Page::default();
    page.lines(table.lines(look));
    page.render(look)
}

/// The whole lockfile, or all that is remembered of what lies at or below `only`.
pub fn state_show_view(lockfile: &Lockfile, only: Option<&Address>, look: &Look) -> String {
    let mut page = Page::default();
    if only.is_none() {
        lab(&mut page, lockfile);
        pins(&mut page, &lockfile.pins);
    }
    for (address, recorded) in &lockfile.resources {
        if only.is_none_or(|only| address.is_within(only)) {
            page.heading(address.as_str());
            resource(&mut page, recorded);
            if let Some(known) = lockfile.hosts.get(address) {
                host(&mut page, known);
            }
        }
    }
    for (address, known) in &lockfile.hosts {
        let apart = !lockfile.resources.contains_key(address);
        if apart && only.is_none_or(|only| address.is_within(only)) {
            page.heading(address.as_str());
            page.line(field("kind", "edge host"));
            host(&mut page, known);
        }
    }
    page.render(look)
}

fn field(name: &str, value: impl Into<String>) -> Line {
    let line = Line::at(2).hang(14).add(Role::Faint, name);
    let line = if line.columns() < 11 {
        line.pad_to(14)
    } else {
        line.plain("  ")
    };
    line.plain(value)
}

fn lab(page: &mut Page, lockfile: &Lockfile) {
    let Lockfile {
        serial,
        unfinished: _,
        lab,
        pins: _,
        resources,
        hosts,
    } = lockfile;
    let LabEntry {
        name,
        id,
        account,
        region,
        endpoint,
    } = lab;
    page.heading(name.as_str());
    page.lines([
        field("lab id", id.as_str()),
        field("account", account.as_str()),
        field("region", region.as_str()),
        field("endpoint", endpoint),
        field("serial", serial.to_string()),
        field("remembers", counted(resources.len(), "resource")),
    ]);
    page.lines((!hosts.is_empty()).then(|| field("", counted(hosts.len(), "host"))));
}

fn pins(page: &mut Page, pins: &Pins) {
    let Pins {
        my_ip,
        zones: offers,
        images,
        subnets,
        tags: _,
    } = pins;
    let none = my_ip.is_none() && offers.is_empty() && images.is_empty() && subnets.is_empty();
    if none {
        return;
    }
    page.heading("Looked up once and pinned");
    page.lines(my_ip.map(|ip| field("my-ip", ip.to_string())));
    page.lines(
        images
            .iter()
            .map(|(name, image)| field(name, format!("{}  {}", image.id, image.name))),
    );
    page.lines(offers.iter().map(|(name, found)| {
        field(
            name.as_str(),
            zones(found.iter().map(crate::model::Zone::as_str)),
        )
    }));
    page.lines(
        subnets
            .iter()
            .map(|(subnet, zone): (&CloudId, _)| field(subnet.as_str(), zone.to_string())),
    );
}

fn resource(page: &mut Page, recorded: &Recorded) {
    let Recorded {
        kind,
        id,
        digest,
        created,
        zone,
        instance_type,
        market,
        keep,
    } = recorded;
    page.line(field("kind", kind.label()));
    page.line(field("id", id.as_str()));
    page.lines(zone.as_ref().map(|zone| field("zone", zone.as_str())));
    page.lines(
        instance_type
            .as_ref()
            .map(|name| field("type", name.as_str())),
    );
    page.lines(market.map(|market| field("market", market.to_string())));
    page.lines(created.map(|at| field("created", moment(at))));
    page.lines(keep.then(|| field("keep", "yes: destroy leaves it")));
    let applied = if digest.is_empty() {
        "not completely applied"
    } else {
        digest
    };
    page.line(field("applied", applied));
}

/// What is remembered of a host.
fn host(page: &mut Page, known: &HostRecord) {
    let HostRecord {
        machine,
        standing,
        lacks,
        measured,
        steps,
        versions,
        found,
        services,
    } = known;
    let lacks = lacks.join(", ");
    let running = services.iter();
    let running = running.map(|(name, state)| format!("{name} {state}"));
    let running = running.collect::<Vec<_>>().join(", ");
    let how = match standing {
        Standing::Ready => "ready".to_owned(),
        Standing::NotReady => format!("not ready: {lacks}"),
        Standing::Unfinished => format!("unfinished: {lacks}"),
    };
    page.line(field("machine", machine));
    page.line(field("host", format!("{how} ({})", moment(*measured))));
    page.lines(steps.iter().map(|(name, done)| {
        let digest = done.digest.get(..12).unwrap_or(&done.digest);
        field(name, format!("{digest}  {}", moment(done.finished)))
    }));
    page.lines(versions.iter().map(|(name, version)| {
        let now = match found.get(name).map(String::as_str) {
            None => String::new(),
            Some("") => ", gone since".to_owned(),
            Some(now) => format!(", {now} since"),
        };
        field(name, format!("{version}{now}"))
    }));
    let new = found
        .iter()
        .filter(|(name, _)| !versions.contains_key(*name));
    page.lines(new.map(|(name, now)| field(name, format!("none, {now} since"))));
    page.lines((!running.is_empty()).then(|| field("services", running)));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{AccountId, Kind, LabId, Region};
    use crate::ui::plan::{now, sample};

    fn lockfile() -> Lockfile {
        let recorded = |kind, id: &str| Recorded {
            kind,
            id: CloudId::new(id),
            digest: "0123456789abcdef".to_owned(),
            created: Some(now()),
            zone: None,
            instance_type: None,
            market: None,
            keep: false,
        };
        let sample = sample(1);
        Lockfile {
            serial: 7,
            unfinished: false,
            lab: LabEntry {
                name: sample.place.lab,
                id: LabId::new("k3v9q2"),
                account: AccountId::new("111122223333"),
                region: Region::new("us-east-1"),
                endpoint: "aws".to_owned(),
            },
            pins: sample.pins,
            resources: BTreeMap::from([
                (Address::new("network.vpc"), recorded(Kind::Vpc, "vpc-0a1b")),
                (
                    Address::new("node.sim.0"),
                    recorded(Kind::Instance, "i-0123"),
                ),
                (
                    Address::new("volume.sim.0.data"),
                    Recorded {
                        keep: true,
                        ..recorded(Kind::Volume, "vol-0a")
                    },
                ),
            ]),
            hosts: BTreeMap::from([
                (Address::new("edge.arm1"), crate::state::samples::host()),
                (Address::new("node.sim.0"), crate::state::samples::host()),
            ]),
        }
    }

    #[test]
    fn the_state_as_list_and_in_full() {
        let (lockfile, look) = (lockfile(), Look::plain(80));
        let list = state_list_view(&lockfile, None, &look);
        let full = state_show_view(&lockfile, None, &look);
        let one = state_show_view(&lockfile, Some(&Address::new("volume.sim.0.data")), &look);
        insta::assert_snapshot!([list, full, one].join("----\n"));
    }
}
