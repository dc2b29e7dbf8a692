//! Reads all that a plan is made from: what must be looked up once, the world, and, only when something is launched,
//! quotas, offers and prices. Everything that does not need another answer first is asked at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use ipnet::IpNet;

use crate::inventory::Inventory;
use crate::lab::{Wants, image_key};
use crate::model::{
    Failure, ImageRef, InstanceType, Market, Op, PinnedImage, QuotaCode, UsageClass, Zone,
};
use crate::plan::{Capacity, Plan, SpotPrices, demands};
use crate::port::{Cloud, Scope, WhoAmI};
use crate::state::Pins;

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered {
    /// What was pinned already and what has been looked up now.
    pub pins: Pins,
    /// The world.
    pub inventory: Inventory,
    /// The zones that offer each type, if that was looked up now.
    pub offered: Option<BTreeMap<InstanceType, BTreeSet<Zone>>>,
}

/// Reads the world and looks up what is not pinned yet.
pub async fn gather(
    cloud: &dyn Cloud,
    whoami: &dyn WhoAmI,
    wants: &Wants,
    mut pins: Pins,
    scope: &Scope,
) -> Result<Gathered, Failure> {
    let types: BTreeSet<InstanceType> = wants
        .types
        .iter()
        .filter(|t| !pins.zones.contains_key(t))
        .cloned()
        .collect();
    let subnets = wants
        .subnets
        .iter()
        .filter(|s| !pins.subnets.contains_key(s))
        .cloned()
        .collect::<BTreeSet<_>>();
    let unpinned =
        |(image, arch): &&(ImageRef, String)| !pins.images.contains_key(&image_key(image, arch));
    let images: Vec<&(ImageRef, String)> = wants.images.iter().filter(unpinned).collect();
    let my_ip = wants.my_ip && pins.my_ip.is_none();
    let (inventory, offered, zones, found, me) = tokio::join!(
        cloud.collect(scope),
        async {
            if types.is_empty() {
                Ok(None)
            } else {
                cloud.zones_offering(&types).await.map(Some)
            }
        },
        async {
            if subnets.is_empty() {
                Ok(BTreeMap::new())
            } else {
                cloud.subnet_zones(&subnets).await
            }
        },
        join_all(
            images
                .iter()
                .map(|(image, architecture)| cloud.image(image, architecture))
        ),
        async {
            if my_ip {
                whoami.my_ip().await.map(Some)
            } else {
                Ok(None)
            }
        },
    );
    let offered = offered?;
    for (instance_type, zones) in offered.iter().flatten() {
        pins.zones
            .insert(instance_type.clone(), zones.iter().cloned().collect());
    }
    pins.subnets.extend(zones?);
    for ((image, architecture), found) in images.into_iter().zip(found) {
        let found: PinnedImage = found?;
        pins.images.insert(image_key(image, architecture), found);
    }
    if let Some(address) = me? {
        pins.my_ip = Some(IpNet::from(address));
    }
    Ok(Gathered {
        pins,
        inventory,
        offered,
    })
}

/// What was read for a launch, and what could not be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForLaunch {
    /// Quotas and offers.
    pub capacity: Capacity,
    /// Spot prices, where spot is asked for.
    pub spot: SpotPrices,
    /// What could not be read: it is said, and nothing is held up by it.
    pub unread: Vec<Failure>,
}

/// Reads what only a launch needs to know, and the spot prices of what runs.
pub async fn capacity(
    cloud: &dyn Cloud,
    plan: &Plan,
    inventory: &Inventory,
    offered: Option<BTreeMap<InstanceType, BTreeSet<Zone>>>,
) -> ForLaunch {
    let mut read = ForLaunch::default();
    let demand = demands(plan, inventory);
    for (quota, need, used) in [
        (
            QuotaCode::ELASTIC_IPS,
            demand.elastic_ips,
            inventory.region_use.elastic_ips,
        ),
        (QuotaCode::VPCS, demand.vpcs, inventory.region_use.vpcs),
    ] {
        // A quota is never below AWS's default, so what fits into the default needs no look.
        if need > 0 && used + need <= quota.default {
            read.capacity.quotas.insert(quota, (quota.default, used));
        } else if need > 0 {
            match cloud.quota(&quota).await {
                Ok(limit) => drop(read.capacity.quotas.insert(quota, (limit, used))),
                Err(failure) => read.unread.push(failure),
            }
        }
    }
    let (types, spot_types) = types(plan, inventory);
    let (vcpus, zones, prices) = tokio::join!(
        join_all(
            demand
                .vcpus
                .keys()
                .map(|(class, market)| vcpus(cloud, *class, *market))
        ),
        async {
            match offered {
                Some(offered) => Ok(offered),
                None if types.is_empty() => Ok(BTreeMap::new()),
                None => cloud.zones_offering(&types).await,
            }
        },
        async {
            if spot_types.is_empty() {
                Ok(SpotPrices::new())
            } else {
                cloud.spot_prices(&spot_types).await
            }
        },
    );
    for result in vcpus {
        match result {
            Ok((quota, limit, used)) => drop(read.capacity.quotas.insert(quota, (limit, used))),
            Err(failure) => read.unread.push(failure),
        }
    }
    match zones {
        Ok(zones) => read.capacity.offered = zones,
        Err(failure) => read.unread.push(failure),
    }
    match prices {
        Ok(prices) => read.spot = prices,
        Err(failure) => read.unread.push(failure),
    }
    read
}

async fn vcpus(
    cloud: &dyn Cloud,
    class: UsageClass,
    market: Market,
) -> Result<(QuotaCode, u32, u32), Failure> {
    let quota = QuotaCode::vcpus(class, market);
    let (limit, used) = tokio::join!(cloud.quota(&quota), cloud.vcpus_in_use(class, market));
    Ok((quota, limit?, used?))
}

/// The types that the plan may launch, and those on the spot market, the ones that run already among them: their price
/// is part of the bill.
fn types(plan: &Plan, inventory: &Inventory) -> (BTreeSet<InstanceType>, BTreeSet<InstanceType>) {
    let (mut all, mut spot) = (BTreeSet::new(), BTreeSet::new());
    for step in &plan.steps {
        if let Op::RunInstances { launch, .. } = &step.op {
            for rung in &launch.ladder {
                all.insert(rung.instance_type.clone());
                if rung.market == Market::Spot {
                    spot.insert(rung.instance_type.clone());
                }
            }
        }
    }
    let machines = inventory
        .sightings
        .iter()
        .filter(|sighting| !sighting.is_gone());
    for seen in machines.filter_map(crate::inventory::Sighting::instance) {
        if seen.market == Market::Spot {
            spot.insert(seen.instance_type.clone());
        }
    }
    (all, spot)
}
