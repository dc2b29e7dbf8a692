//! What the programs of a stack need from the machine they run on.

use super::types::TypeFacts;

/// What a workload needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The program that needs it.
    pub program: &'static str,
    /// Whether the GPU must have ray-tracing cores.
    pub rt_cores: bool,
    /// The least memory, in GiB.
    pub min_ram_gib: u32,
    /// The least memory of one GPU, in MiB.
    pub min_vram_mib: u32,
}

impl Needs {
    /// What `facts` lacks, one sentence each; empty where it suffices.
    pub fn lacking(&self, facts: &TypeFacts) -> Vec<String> {
        let Needs {
            program,
            rt_cores,
            min_ram_gib,
            min_vram_mib,
        } = *self;
        let name = &facts.name;
        let mut lacking = Vec::new();
        match &facts.gpu {
            None => lacking.push(format!("{program} needs a GPU, and {name} has none")),
            Some(gpu) => {
                if rt_cores && !gpu.rt_cores {
                    lacking.push(format!(
                        "{program} needs a GPU with RT cores, and the {} of {name} has none",
                        gpu.model
                    ));
                }
                if gpu.memory_mib < min_vram_mib {
                    lacking.push(format!(
                        "{program} needs {} GiB of GPU memory, and {name} has {}",
                        min_vram_mib / 1024,
                        gpu.memory_mib / 1024
                    ));
                }
            }
        }
        if facts.ram_gib < min_ram_gib {
            lacking.push(format!(
                "{program} needs {min_ram_gib} GiB of memory, and {name} has {}",
                facts.ram_gib
            ));
        }
        lacking
    }
}

/// The requirements that NVIDIA publishes for Isaac Sim.
const ISAAC_SIM: Needs = Needs {
    program: "Isaac Sim",
    rt_cores: true,
    min_ram_gib: 32,
    min_vram_mib: 16 * 1024,
};

/// What the stack of this name needs, if it is known to need anything.
pub fn workload(stack: &str) -> Option<Needs> {
    let runs_isaac_sim = stack == "digital-twin" || stack == "isaac" || stack.starts_with("isaac-");
    runs_isaac_sim.then_some(ISAAC_SIM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::instance_type;
    use crate::model::InstanceType;

    #[test]
    fn isaac_sim_on_each_kind_of_host() {
        let needs = workload("digital-twin").expect("known");
        for (type_, lacks) in [
            ("g5.2xlarge", 0),
            ("g6e.2xlarge", 0),
            ("g4dn.2xlarge", 0),
            ("g5.xlarge", 1),
            ("p4d.24xlarge", 1),
            ("g6f.large", 2),
            ("t3.micro", 2),
        ] {
            let facts = instance_type(&InstanceType::new(type_)).expect("known type");
            assert_eq!(
                needs.lacking(facts).len(),
                lacks,
                "{type_}: {:?}",
                needs.lacking(facts)
            );
        }
    }

    #[test]
    fn by_the_name_of_the_stack() {
        assert!(workload("isaac-lab").is_some());
        assert_eq!(workload("training"), None);
        assert_eq!(workload("isaacson"), None);
    }
}
