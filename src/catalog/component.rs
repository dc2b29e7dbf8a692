//! What the components of stacks need: memory of the GPU and of the machine, disk, driver.

/// What a component needs of its machine when it is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentNeeds {
    /// The component.
    pub name: &'static str,
    /// Memory of the GPU, in MiB; 0 for what uses none.
    pub vram_mib: u32,
    /// Memory, in MiB.
    pub ram_mib: u32,
    /// Disk, in MiB: its image, unpacked, with its models and caches.
    pub disk_mib: u32,
    /// Whether the GPU must have ray-tracing cores.
    pub rt_cores: bool,
    /// The least memory of the whole machine that its maker supports, in GiB.
    pub min_host_ram_gib: u32,
    /// The oldest driver branch that it runs on.
    pub driver: Option<u16>,
}

const fn needs(name: &'static str, vram_mib: u32, ram_mib: u32, disk_mib: u32) -> ComponentNeeds {
    ComponentNeeds {
        name,
        vram_mib,
        ram_mib,
        disk_mib,
        rt_cores: false,
        min_host_ram_gib: 0,
        driver: None,
    }
}

const GIB: u32 = 1024;

/// Upper ends of what is known of each; a light scene or a small model needs less.
const COMPONENTS: &[ComponentNeeds] = &[
    ComponentNeeds {
        // NVIDIA's requirements: 16 GiB of GPU memory for the card, 32 GiB of memory, 50 GB of disk, driver 580.65.06 for
        // 5.1. A warehouse scene with one robot takes 8 to 12 GiB of the GPU and 4 to 6 GiB of memory.
        rt_cores: true,
        min_host_ram_gib: 32,
        driver: Some(580),
        ..needs("isaac-sim", 12 * GIB, 6 * GIB, 50 * GIB)
    },
    // One streaming model of Riva ASR: 2 to 4 GiB of the GPU. Image 20 GiB, models 10 GiB.
    ComponentNeeds {
        driver: Some(535),
        ..needs("riva", 4 * GIB, 2 * GIB, 30 * GIB)
    },
    // A model of 3 billion parameters in 16 bits and its cache: 6 to 8 GiB of the GPU. Image 20 GiB, model 7 GiB.
    ComponentNeeds {
        driver: Some(535),
        ..needs("nim", 8 * GIB, 4 * GIB, 30 * GIB)
    },
    // Its `maxmemory`, and what it forks for.
    needs("redis", 0, GIB, GIB),
    // Costmaps and planners of one robot.
    needs("nav2", 0, 2 * GIB, 5 * GIB),
    // Encodes what is watched; its image is that of nav2.
    needs("foxglove", 0, 512, 0),
    // Python with a web server; what it loads itself is not known.
    needs("cognitive", 0, GIB, 2 * GIB),
    // One detector of moderate size with its images in flight.
    ComponentNeeds {
        driver: Some(570),
        ..needs("perception", 4 * GIB, 4 * GIB, 12 * GIB)
    },
    // Its image is that of perception.
    needs("planning", 0, 4 * GIB, 0),
    needs("control", 0, GIB, 0),
    // What a notebook loads is its writer's: this is JupyterLab with PyTorch and CUDA at rest.
    needs("jupyter", 0, 2 * GIB, 15 * GIB),
    needs("vscode", 0, 2 * GIB, 3 * GIB),
    // 15 days at 15 s, bounded to 8 GB.
    needs("prometheus", 0, GIB, 9 * GIB),
    needs("grafana", 0, 512, GIB),
    needs("node-exporter", 0, 64, 64),
    needs("dcgm-exporter", 256, 512, 2 * GIB),
];

/// What a component needs.
pub fn component(name: &str) -> Option<&'static ComponentNeeds> {
    COMPONENTS.iter().find(|needs| needs.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_and_within_reason() {
        for (at, needs) in COMPONENTS.iter().enumerate() {
            let again = COMPONENTS
                .iter()
                .skip(at + 1)
                .any(|other| other.name == needs.name);
            assert!(!again, "{}", needs.name);
            assert!(
                needs.ram_mib > 0 && needs.ram_mib <= 64 * GIB,
                "{}",
                needs.name
            );
            assert!(
                needs.vram_mib <= 24 * GIB && needs.disk_mib <= 100 * GIB,
                "{}",
                needs.name
            );
        }
        assert!(component("isaac-sim").is_some_and(|needs| needs.rt_cores));
        assert_eq!(component("minesweeper"), None);
    }
}
