//! Whether the components of a stack have room on a type of machine, all together.

use super::component::{ComponentNeeds, component};
use super::types::{TypeFacts, all_types, zones};
use crate::model::{Region, Usd};

/// What the system takes beside the stack, in MiB.
const SYSTEM_RAM_MIB: u32 = 2 * 1024;
/// The system, the driver, Docker and logs, in MiB.
const SYSTEM_DISK_MIB: u32 = 20 * 1024;

/// Something that a type of machine has too little of, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What it is, as a sentence.
    pub text: String,
    /// Whether the stack cannot run at all, rather than badly.
    pub hopeless: bool,
}

/// Components that run on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    components: Vec<&'static ComponentNeeds>,
}

/// What components with these names need together; names that are not known need nothing.
pub fn workload<'a>(names: impl IntoIterator<Item = &'a str>) -> Workload {
    Workload {
        components: names.into_iter().filter_map(component).collect(),
    }
}

impl Workload {
    fn sum(&self, of: fn(&ComponentNeeds) -> u32) -> u32 {
        self.components.iter().map(|one| of(one)).sum()
    }

    /// Memory of GPUs, in MiB.
    pub fn vram_mib(&self) -> u32 {
        self.sum(|one| one.vram_mib)
    }

    /// Memory, in MiB, with the system's own.
    pub fn ram_mib(&self) -> u32 {
        self.sum(|one| one.ram_mib) + SYSTEM_RAM_MIB
    }

    /// Disk, in MiB, with the system's own.
    pub fn disk_mib(&self) -> u32 {
        self.sum(|one| one.disk_mib) + SYSTEM_DISK_MIB
    }

    /// Disk for images, models and caches, in MiB.
    pub fn images_mib(&self) -> u32 {
        self.sum(|one| one.disk_mib)
    }

    /// The shares of the components that take any, the largest first: `isaac-sim 12, nim 8`.
    fn shares(&self, of: fn(&ComponentNeeds) -> u32) -> String {
        let mut shares: Vec<(u32, &str)> = self
            .components
            .iter()
            .map(|one| (of(one), one.name))
            .filter(|(mib, _)| *mib > 0)
            .collect();
        shares.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let shares: Vec<String> = shares
            .into_iter()
            .map(|(mib, name)| format!("{name} {}", gib(mib)))
            .collect();
        shares.join(", ")
    }

    /// What a type of machine lacks; nothing where the components have room.
    pub fn lacking(&self, facts: &TypeFacts) -> Vec<Lack> {
        let name = &facts.name;
        let mut lacking = Vec::new();
        let mut lack = |hopeless, text| lacking.push(Lack { text, hopeless });
        let (vram, ram) = (self.vram_mib(), self.ram_mib());
        match &facts.gpu {
            None if vram > 0 => {
                let shares = self.shares(|one| one.vram_mib);
                lack(true, format!("needs a GPU ({shares}), and {name} has none"));
            }
            None => {}
            Some(gpu) => {
                for one in self
                    .components
                    .iter()
                    .filter(|one| one.rt_cores && !gpu.rt_cores)
                {
                    let (one, model) = (one.name, &gpu.model);
                    lack(
                        true,
                        format!(
                            "{one} needs a GPU with RT cores, and the {model} of {name} has none"
                        ),
                    );
                }
                let has = gpu.memory_mib * gpu.count.max(1);
                if vram > has {
                    let shares = self.shares(|one| one.vram_mib);
                    lack(
                        false,
                        format!(
                            "needs {} GiB of GPU memory ({shares}), and {name} has {}",
                            gib(vram),
                            gib(has)
                        ),
                    );
                }
            }
        }
        let has = facts.ram_gib * 1024;
        if ram > has {
            let shares = self.shares(|one| one.ram_mib);
            lack(
                false,
                format!(
                    "needs {} GiB of memory ({shares}, the system {}), and {name} has {}",
                    gib(ram),
                    gib(SYSTEM_RAM_MIB),
                    facts.ram_gib
                ),
            );
        }
        for one in self
            .components
            .iter()
            .filter(|one| facts.ram_gib < one.min_host_ram_gib)
        {
            lack(
                false,
                format!(
                    "{} needs a machine with {} GiB of memory, and {name} has {}",
                    one.name, one.min_host_ram_gib, facts.ram_gib
                ),
            );
        }
        lacking
    }

    /// What a root volume of so many GiB lacks.
    pub fn lacking_disk(&self, size_gib: u32) -> Option<String> {
        (self.disk_mib() > size_gib.saturating_mul(1024)).then(|| {
            format!(
                "needs {} GiB of disk ({}, the system {}), and root_volume has {size_gib}",
                gib(self.disk_mib()),
                self.shares(|one| one.disk_mib),
                gib(SYSTEM_DISK_MIB)
            )
        })
    }

    /// The cheapest type of this architecture that the region offers and that has room, with its price per hour in
    /// us-east-1.
    pub fn cheapest(
        &self,
        region: &Region,
        architecture: &str,
    ) -> Option<(&'static TypeFacts, Usd)> {
        all_types()
            .filter(|facts| facts.architecture == architecture)
            .filter(|facts| self.lacking(facts).is_empty())
            .filter(|facts| zones(region, &facts.name).is_some_and(|zones| !zones.is_empty()))
            .filter_map(|facts| Some((facts, facts.on_demand_us_east_1?)))
            .min_by_key(|(_, price)| *price)
    }
}

/// MiB as GiB, with a decimal where there is one to tell.
fn gib(mib: u32) -> String {
    let tenths = (u64::from(mib) * 10 + 512) / 1024;
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::instance_type;
    use crate::model::InstanceType;

    const TWIN: [&str; 6] = ["isaac-sim", "riva", "nim", "redis", "nav2", "foxglove"];

    fn lacks(names: &[&str], type_: &str) -> Vec<String> {
        let facts = instance_type(&InstanceType::new(type_)).expect("known type");
        workload(names.iter().copied())
            .lacking(facts)
            .into_iter()
            .map(|lack| lack.text)
            .collect()
    }

    #[test]
    fn components_add_up() {
        let all = workload(TWIN);
        assert_eq!(all.vram_mib(), 24 * 1024);
        assert_eq!(gib(all.ram_mib()), "17.5");
        for (names, type_, said) in [
            (
                &TWIN[..],
                "g5.xlarge",
                &[
                    "needs 24 GiB of GPU memory (isaac-sim 12, nim 8, riva 4), and g5.xlarge has 22.4",
                    "needs 17.5 GiB of memory (isaac-sim 6, nim 4, nav2 2, riva 2, redis 1, foxglove 0.5, the system 2), and g5.xlarge has 16",
                    "isaac-sim needs a machine with 32 GiB of memory, and g5.xlarge has 16",
                ][..],
            ),
            (&TWIN[..], "g6e.2xlarge", &[]),
            // Four GPUs of 16 GiB.
            (&TWIN[..], "g4dn.12xlarge", &[]),
            (&["isaac-sim"][..], "g5.2xlarge", &[]),
            (
                &["isaac-sim"][..],
                "p4d.24xlarge",
                &["isaac-sim needs a GPU with RT cores, and the A100 of p4d.24xlarge has none"],
            ),
            (
                &["nim"][..],
                "t3.large",
                &["needs a GPU (nim 8), and t3.large has none"],
            ),
            (&["redis", "nav2"][..], "t3.large", &[]),
            (
                &["unknown"][..],
                "t3.micro",
                &["needs 2 GiB of memory (, the system 2), and t3.micro has 1"],
            ),
            (
                &["nim"][..],
                "g6f.xlarge",
                &["needs 8 GiB of GPU memory (nim 8), and g6f.xlarge has 2.8"],
            ),
        ] {
            assert_eq!(lacks(names, type_), said, "{type_}");
        }
    }

    #[test]
    fn a_bigger_type_is_named() {
        let region = Region::new("us-east-1");
        let (facts, price) = workload(TWIN)
            .cheapest(&region, "x86_64")
            .expect("one has room");
        assert_eq!(facts.name.as_str(), "g6e.xlarge");
        assert_eq!(price, Usd::from_dollars(1.861));
        assert!(
            workload(TWIN)
                .cheapest(&Region::new("eu-west-1"), "x86_64")
                .is_some_and(|(facts, _)| {
                    zones(&Region::new("eu-west-1"), &facts.name)
                        .is_some_and(|zones| !zones.is_empty())
                })
        );
        assert_eq!(workload(TWIN).cheapest(&region, "riscv"), None);
    }

    #[test]
    fn disks_add_up() {
        let all = workload(TWIN);
        assert_eq!(all.lacking_disk(200), None);
        assert_eq!(
            all.lacking_disk(100).as_deref(),
            Some(
                "needs 136 GiB of disk (isaac-sim 50, nim 30, riva 30, nav2 5, redis 1, the system 20), and root_volume has 100"
            )
        );
    }
}
