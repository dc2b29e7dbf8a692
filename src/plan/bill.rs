//! What the lab costs, before and after: per resource, per hour running and stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::places::owned;
use super::rate::{BillLine, Rate};
use super::watch_bill;
use crate::catalog::{self, Basis};
use crate::inventory::{Inventory, Seen, SeenVolume, Sighting};
use crate::lab::Lab;
use crate::model::{Address, CloudId, InstanceType, Market, RootVolume, Rung, Spec, Usd, Zone};
use crate::state::Lockfile;

/// The latest spot prices per hour.
pub type SpotPrices = BTreeMap<(InstanceType, Zone), Usd>;

/// What a bill is made from.
struct Prices<'a> {
    list: catalog::Prices,
    spot: &'a SpotPrices,
}

impl Prices<'_> {
    const FREE_IOPS: u32 = catalog::Prices::GP3_FREE_IOPS;
    const FREE_THROUGHPUT_MIB: u32 = catalog::Prices::GP3_FREE_THROUGHPUT_MIB;
}

/// The cost of the lab.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bill {
    /// One line for each resource that costs something.
    pub lines: Vec<BillLine>,
    /// All of it now.
    pub before: Rate,
    /// All of it after the plan.
    pub after: Rate,
    /// The day of the price list.
    pub prices_date: String,
    /// Whether the prices are this region's own.
    pub of_region: bool,
    /// Types whose price is not known; they are missing from the sums.
    pub unpriced: Vec<InstanceType>,
}

/// Makes the bill of `lab` as it would be, against what is there now. Prices are by the hour; a stopped machine
/// still pays for its disks and addresses. `launched` tells which choice was taken by machines that are not in
/// `observed` yet.
pub fn bill(
    lab: &Lab,
    observed: &Inventory,
    launched: Option<&Lockfile>,
    spot: &SpotPrices,
) -> Bill {
    let prices = &Prices {
        list: catalog::prices(&lab.region),
        spot,
    };
    let mut bill = Bill {
        prices_date: catalog::PRICES_DATE.to_owned(),
        of_region: prices.list.basis == Basis::Listed,
        ..Bill::default()
    };
    let mut lines: BTreeMap<Address, BillLine> = BTreeMap::new();
    let volumes: BTreeMap<&CloudId, &SeenVolume> =
        observed.sightings.iter().filter_map(volume).collect();
    for (address, sighting) in owned(lab, observed) {
        if let Some((what, rate)) = rate_of_seen(sighting, &volumes, prices, &mut bill.unpriced) {
            let line = BillLine {
                address: address.clone(),
                what,
                before: Some(rate),
                after: None,
            };
            lines.insert(address.clone(), line);
        }
    }
    let chosen = chosen(lab, observed, launched);
    for (address, resource) in &lab.resources {
        let chosen = chosen.get(address);
        if let Some((what, rate)) = rate_of_spec(&resource.spec, chosen, prices, &mut bill.unpriced)
        {
            let line = lines.entry(address.clone()).or_insert_with(|| BillLine {
                address: address.clone(),
                what: what.clone(),
                before: None,
                after: None,
            });
            line.what = what;
            line.after = Some(rate);
        }
    }
    for line in watch_bill::lines(lab, observed, &chosen, &prices.list) {
        lines.insert(line.address.clone(), line);
    }
    bill.unpriced.sort();
    bill.unpriced.dedup();
    bill.lines = lines.into_values().collect();
    bill.before = bill
        .lines
        .iter()
        .filter_map(|line| line.before)
        .fold(Rate::default(), Rate::plus);
    bill.after = bill
        .lines
        .iter()
        .filter_map(|line| line.after)
        .fold(Rate::default(), Rate::plus);
    bill
}

/// Counts a resource that outlives the lab among what is paid for afterwards.
pub fn keep(bill: &mut Bill, address: &Address) {
    if let Some(line) = bill.lines.iter_mut().find(|line| line.address == *address)
        && line.after.is_none()
    {
        line.after = line.before;
        bill.after = bill.after.plus(line.before.unwrap_or_default());
    }
}

/// A gp3 volume per hour.
fn gp3(volume: RootVolume, prices: &Prices<'_>) -> Usd {
    let monthly = prices
        .list
        .gp3_month(volume.size_gib, volume.iops, volume.throughput_mib);
    monthly * (1.0 / crate::model::HOURS_PER_MONTH)
}

fn machine(
    instance_type: &InstanceType,
    zone: Option<&Zone>,
    market: Market,
    prices: &Prices<'_>,
    unpriced: &mut Vec<InstanceType>,
) -> Usd {
    let on_demand = prices.list.on_demand(instance_type).map(|price| price.usd);
    let price = match market {
        Market::OnDemand => on_demand,
        Market::Spot => zone
            .and_then(|zone| {
                prices
                    .spot
                    .get(&(instance_type.clone(), zone.clone()))
                    .copied()
            })
            .or_else(|| {
                prices
                    .spot
                    .iter()
                    .filter(|((t, _), _)| t == instance_type)
                    .map(|(_, price)| *price)
                    .max()
            })
            .or(on_demand),
    };
    price.unwrap_or_else(|| {
        unpriced.push(instance_type.clone());
        Usd::ZERO
    })
}

/// The type and market that each machine has: as seen, and for what was launched since, as recorded. Until a machine
/// is launched its first choice counts.
fn chosen(
    lab: &Lab,
    observed: &Inventory,
    launched: Option<&Lockfile>,
) -> BTreeMap<Address, (InstanceType, Market)> {
    let seen = owned(lab, observed).filter_map(|(address, sighting)| {
        let seen = sighting.instance()?;
        Some((address, (seen.instance_type.clone(), seen.market)))
    });
    let recorded = launched
        .into_iter()
        .flat_map(|lock| &lock.resources)
        .filter_map(|(address, recorded)| {
            Some((
                address.clone(),
                (recorded.instance_type.clone()?, recorded.market?),
            ))
        });
    seen.chain(recorded).collect()
}

fn volume(sighting: &Sighting) -> Option<(&CloudId, &SeenVolume)> {
    match &sighting.seen {
        Seen::Volume(seen) => Some((&sighting.id, seen)),
        _ => None,
    }
}

fn rate_of_volume(seen: &SeenVolume, prices: &Prices<'_>) -> Option<(u32, Usd)> {
    let volume = RootVolume {
        size_gib: seen.size_gib?,
        iops: seen.iops.unwrap_or(Prices::FREE_IOPS),
        throughput_mib: seen.throughput_mib.unwrap_or(Prices::FREE_THROUGHPUT_MIB),
    };
    Some((volume.size_gib, gp3(volume, prices)))
}

/// What exists costs by the same rules as what is asked for: a machine pays for its root volume always, and for its
/// public address while it runs, whether that is an Elastic IP or not.
fn rate_of_seen(
    sighting: &Sighting,
    volumes: &BTreeMap<&CloudId, &SeenVolume>,
    prices: &Prices<'_>,
    unpriced: &mut Vec<InstanceType>,
) -> Option<(String, Rate)> {
    match &sighting.seen {
        Seen::Instance(seen) => {
            let root = seen.root_volume.as_ref().and_then(|id| volumes.get(id));
            let root = root.and_then(|root| rate_of_volume(root, prices));
            let (size, disk) = root.map_or((None, Usd::ZERO), |(size, rate)| (Some(size), rate));
            let size = size
                .map(|size| format!(", {size} GiB gp3"))
                .unwrap_or_default();
            let hourly = machine(
                &seen.instance_type,
                seen.zone.as_ref(),
                seen.market,
                prices,
                unpriced,
            ) + prices.list.public_ipv4_hour;
            let what = format!("{} {}{size}", seen.instance_type, seen.market);
            Some((
                what,
                Rate {
                    running: hourly + disk,
                    stopped: disk,
                },
            ))
        }
        Seen::Volume(seen) => {
            let (size, rate) = rate_of_volume(seen, prices)?;
            Some((format!("{size} GiB gp3"), Rate::constant(rate)))
        }
        Seen::ElasticIp(seen) => Some(address(seen.instance.is_some(), prices)),
        _ => None,
    }
}

/// While its machine runs, the machine's own line pays for the address.
fn address(used: bool, prices: &Prices<'_>) -> (String, Rate) {
    let idle = prices.list.public_ipv4_hour;
    let running = if used { Usd::ZERO } else { idle };
    (
        "public IPv4".to_owned(),
        Rate {
            running,
            stopped: idle,
        },
    )
}

fn rate_of_spec(
    spec: &Spec,
    chosen: Option<&(InstanceType, Market)>,
    prices: &Prices<'_>,
    unpriced: &mut Vec<InstanceType>,
) -> Option<(String, Rate)> {
    match spec {
        Spec::Instance(spec) => {
            let ladder = &spec.launch.ladder;
            let is_chosen = |rung: &&Rung| {
                chosen.is_some_and(|(kind, market)| {
                    rung.instance_type == *kind && rung.market == *market
                })
            };
            let rung = ladder.iter().find(is_chosen).or(ladder.first())?;
            let hourly = machine(
                &rung.instance_type,
                Some(&rung.zone),
                rung.market,
                prices,
                unpriced,
            );
            let disk = gp3(spec.launch.root, prices);
            let what = format!(
                "{} {}, {} GiB gp3",
                rung.instance_type, rung.market, spec.launch.root.size_gib
            );
            Some((
                what,
                Rate {
                    running: hourly + prices.list.public_ipv4_hour + disk,
                    stopped: disk,
                },
            ))
        }
        Spec::Volume(spec) => {
            let volume = RootVolume {
                size_gib: spec.size_gib,
                iops: spec.iops,
                throughput_mib: spec.throughput_mib,
            };
            Some((
                format!("{} GiB gp3", spec.size_gib),
                Rate::constant(gp3(volume, prices)),
            ))
        }
        Spec::ElasticIp(_) => Some(address(true, prices)),
        _ => None,
    }
}
