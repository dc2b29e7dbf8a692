//! Instance types: what they are made of and in which zones they are offered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::{InstanceType, Region, Usd, Zone};

/// The GPUs of an instance type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// The model, for example `A10G`.
    pub model: String,
    /// How many; 0 where the type has a fraction of one, as EC2 reports it.
    pub count: u32,
    /// Memory of each in MiB, as EC2 reports it.
    pub memory_mib: u32,
    /// Whether it has ray-tracing cores, which Isaac Sim needs.
    pub rt_cores: bool,
}

/// What is known about one instance type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeFacts {
    /// The type.
    pub name: InstanceType,
    /// Its GPUs; none for gateways and other small hosts.
    pub gpu: Option<Gpu>,
    /// Virtual CPUs, the unit of the running-instances quotas.
    pub vcpus: u32,
    /// Memory in GiB.
    pub ram_gib: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The Linux on-demand price per hour in us-east-1, on [`super::PRICES_DATE`].
    pub on_demand_us_east_1: Option<Usd>,
    /// The zones that offer it, by region.
    pub regions: BTreeMap<Region, Vec<Zone>>,
}

#[derive(Deserialize)]
struct Shipped {
    region_zones: BTreeMap<String, String>,
    types: Vec<ShippedType>,
}

#[derive(Deserialize)]
struct ShippedType {
    r#type: String,
    gpu: Option<String>,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    mib: u32,
    vcpu: u32,
    ram: u32,
    arch: String,
    usd: Option<f64>,
    /// Absent: every zone of every region.
    zones: Option<BTreeMap<String, String>>,
}

struct Catalogue {
    types: BTreeMap<InstanceType, TypeFacts>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let shipped: Shipped = serde_json::from_str(include_str!("gpu-types.json"))
        .expect("the shipped catalogue is JSON of this shape: a test reads it");
    let everywhere = &shipped.region_zones;
    let types = shipped
        .types
        .into_iter()
        .map(|shipped| facts(shipped, everywhere))
        .map(|facts| (facts.name.clone(), facts))
        .collect();
    Catalogue { types }
});

fn facts(shipped: ShippedType, everywhere: &BTreeMap<String, String>) -> TypeFacts {
    let zones = shipped.zones.as_ref().unwrap_or(everywhere);
    TypeFacts {
        name: InstanceType::new(shipped.r#type),
        gpu: shipped.gpu.map(|model| Gpu {
            rt_cores: has_rt_cores(&model),
            model,
            count: shipped.count,
            memory_mib: shipped.mib,
        }),
        vcpus: shipped.vcpu,
        ram_gib: shipped.ram,
        architecture: shipped.arch,
        on_demand_us_east_1: shipped.usd.map(Usd::from_dollars),
        regions: zones
            .iter()
            .map(|(region, letters)| (Region::new(region), named(region, letters)))
            .collect(),
    }
}

/// The zones of `region` with these letters.
fn named(region: &str, letters: &str) -> Vec<Zone> {
    letters
        .chars()
        .map(|letter| Zone::new(format!("{region}{letter}")))
        .collect()
}

/// NVIDIA's compute-only data-centre GPUs have none.
fn has_rt_cores(model: &str) -> bool {
    !matches!(model, "V100" | "A100" | "H100" | "H200" | "B200")
}

/// What is known about an instance type.
pub fn instance_type(name: &InstanceType) -> Option<&'static TypeFacts> {
    CATALOGUE.types.get(name)
}

/// Every known instance type, by name.
pub fn all_types() -> impl Iterator<Item = &'static TypeFacts> {
    CATALOGUE.types.values()
}

/// The zones of `region` that offer a type; `None` where the type or the region is not known.
pub fn zones(region: &Region, name: &InstanceType) -> Option<Vec<Zone>> {
    let facts = instance_type(name)?;
    if let Some(zones) = facts.regions.get(region) {
        return Some(zones.clone());
    }
    if !super::regions().contains(&region.as_str()) {
        return None;
    }
    // A region without GPU types is not in the data, but small hosts are offered in every region.
    let gpu_less = facts.gpu.is_none();
    Some(if gpu_less {
        named(region.as_str(), "abc")
    } else {
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> &'static TypeFacts {
        instance_type(&InstanceType::new(name)).expect("in the catalogue")
    }

    #[test]
    fn the_facts_of_well_known_types() {
        // Type, GPU, count, vCPU, GiB, ray tracing, price.
        for (name, model, count, vcpus, ram, rt, usd) in [
            ("g5.xlarge", "A10G", 1, 4, 16, true, 1.006),
            ("g4dn.12xlarge", "T4", 4, 48, 192, true, 3.912),
            ("g6e.2xlarge", "L40S", 1, 8, 64, true, 2.24208),
            ("p4d.24xlarge", "A100", 8, 96, 1152, false, 21.957_642),
            ("g6f.large", "L4", 0, 2, 8, true, 0.202),
        ] {
            let facts = of(name);
            let gpu = facts.gpu.as_ref().expect("a GPU type");
            assert_eq!(
                (gpu.model.as_str(), gpu.count, gpu.rt_cores),
                (model, count, rt),
                "{name}"
            );
            assert_eq!((facts.vcpus, facts.ram_gib), (vcpus, ram), "{name}");
            assert_eq!(
                facts.on_demand_us_east_1,
                Some(Usd::from_dollars(usd)),
                "{name}"
            );
        }
        assert!(of("t3.micro").gpu.is_none());
        assert_eq!(of("p5e.48xlarge").on_demand_us_east_1, None);
        assert_eq!(of("g5g.xlarge").architecture, "arm64");
        assert_eq!(all_types().count(), 63);
    }

    #[test]
    fn zones_are_those_that_offer_the_type() {
        let zones_of = |region: &str, name: &str| {
            zones(&Region::new(region), &InstanceType::new(name)).map(|zones| {
                zones
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        let offered = zones_of("us-east-1", "g4dn.xlarge").expect("offered");
        assert_eq!(
            offered,
            "us-east-1a us-east-1b us-east-1c us-east-1d us-east-1f"
        );
        assert_eq!(
            zones_of("eu-west-1", "g6.xlarge").as_deref(),
            Some(""),
            "not offered there"
        );
        assert_eq!(zones_of("nowhere-1", "g5.xlarge"), None);
        assert_eq!(zones_of("us-east-1", "g99.xlarge"), None);
        let small = zones_of("ca-west-1", "t3.micro").expect("everywhere");
        assert_eq!(small, "ca-west-1a ca-west-1b ca-west-1c");
    }

    #[test]
    fn every_type_is_whole() {
        for facts in all_types() {
            assert!(facts.vcpus > 0 && facts.ram_gib > 0, "{}", facts.name);
            assert!(
                ["x86_64", "arm64"].contains(&facts.architecture.as_str()),
                "{}",
                facts.name
            );
            for region in facts.regions.keys() {
                assert!(
                    crate::catalog::regions().contains(&region.as_str()),
                    "{region}"
                );
            }
        }
    }
}
