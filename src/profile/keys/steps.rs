//! The names of the bootstrap steps, and which run where none are listed.

use crate::assets;

/// The names of the bootstrap steps.
pub(in crate::profile) fn step_names() -> Vec<&'static str> {
    let steps = assets::steps().iter();
    steps.map(|step| step.header.name.as_str()).collect()
}

/// Inputs of shipped steps that follow from the rest of the profile.
const OF_THE_LAB: [&str; 4] = ["DRIVER_BRANCH", "GPU_COUNT", "GPU_MODEL", "PLATFORM"];

/// Whether an input of a shipped step is the user's to choose.
pub(in crate::profile) fn is_setting(input: &str) -> bool {
    !OF_THE_LAB.contains(&input) && !is_of_a_shipped_step(input)
}

/// Whether a variable is one that roboinfra works out for a shipped step, and for no other.
pub(in crate::profile) fn is_of_a_shipped_step(variable: &str) -> bool {
    let starts = ["AGENT_", "STACK"];
    starts.iter().any(|start| variable.starts_with(start))
}

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
pub(in crate::profile) const GPU_LESS_STEPS: &[&str] =
    &["base", "docker", "ros-network", "stack", "gpu-metrics"];

/// The steps of an edge host that lists none.
pub(in crate::profile) const EDGE_STEPS: &[&str] = &["base", "docker", "stack"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_step_may_be_named_and_every_default_is_a_step() {
        let names = step_names();
        for step in assets::steps() {
            assert!(
                names.contains(&step.header.name.as_str()),
                "{}",
                step.header.name
            );
        }
        for name in [DEFAULT_STEPS, GPU_LESS_STEPS, EDGE_STEPS].concat() {
            assert!(names.contains(&name), "{name}");
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }
}
