//! The names of the bootstrap steps, and which run where none are listed.

/// The bootstrap steps that exist.
pub(in crate::profile) const STEPS: &[&str] = &[
    "base",
    "nvidia-driver",
    "docker",
    "nvidia-container-toolkit",
    "ros-network",
    "stack",
    "gpu-metrics",
    "jetson-performance",
    "realtime",
];

/// The steps of a node that lists none.
pub(in crate::profile) const DEFAULT_STEPS: &[&str] = &[
    "base",
    "nvidia-driver",
    "docker",
    "nvidia-container-toolkit",
    "ros-network",
    "stack",
    "gpu-metrics",
];

/// The steps of a node that lists none and whose types have no GPU.
pub(in crate::profile) const GPU_LESS_STEPS: &[&str] = &["base", "docker", "ros-network", "stack"];

/// The steps of an edge host that lists none.
pub(in crate::profile) const EDGE_STEPS: &[&str] = &["base", "docker", "stack"];
