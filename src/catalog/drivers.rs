//! Branches of the NVIDIA driver, how long they live, and which GPUs they drive.

use super::types::Gpu;

/// The month up to which the ends of life below were checked: a branch that ended by then is over.
const CHECKED: (u16, u8) = (2026, 11);

/// A branch of the NVIDIA driver as the Ubuntu archive names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverBranch {
    /// The name in the profile, for example `580-server`.
    pub name: &'static str,
    /// The branch number.
    pub branch: u16,
    /// The month its support ends, as year and month.
    pub end_of_life: Option<(u16, u8)>,
    /// Whether it is the long-term branch to take when nothing speaks against it.
    pub recommended: bool,
}

impl DriverBranch {
    /// Whether its support has ended, as far as the shipped data knows.
    pub fn is_over(&self) -> bool {
        self.end_of_life.is_some_and(|end| end <= CHECKED)
    }
}

const fn branch(name: &'static str, branch: u16, end: Option<(u16, u8)>) -> DriverBranch {
    DriverBranch {
        name,
        branch,
        end_of_life: end,
        recommended: branch == 580,
    }
}

const DRIVERS: &[DriverBranch] = &[
    branch("535-server", 535, Some((2026, 6))),
    branch("550-server", 550, None),
    branch("570-server", 570, None),
    branch("580-server", 580, Some((2028, 6))),
    branch("580-server-open", 580, Some((2028, 6))),
    branch("595-server", 595, Some((2027, 3))),
    branch("595-server-open", 595, Some((2027, 3))),
    branch("610-server", 610, Some((2026, 8))),
    branch("610-server-open", 610, Some((2026, 8))),
];

/// The oldest branch that drives a GPU, and the newest one where later branches have dropped it.
fn span(model: &str) -> (u16, Option<u16>) {
    match model {
        "V100" => (418, Some(580)),
        "T4" | "A100" => (450, None),
        "T4G" | "A10G" => (470, None),
        "L4" => (525, None),
        "H100" => (530, None),
        "L40S" => (535, None),
        "H200" => (550, None),
        "B200" => (570, None),
        "RTX PRO 6000" => (575, None),
        _ => (0, None),
    }
}

/// Why a driver branch does not fit a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverIssue {
    /// The GPU is newer than the branch; it needs at least this one.
    TooOld(u16),
    /// The branch no longer drives the GPU; this one was the last.
    TooNew(u16),
    /// The open kernel modules need a GPU of the Turing generation or later.
    NeedsProprietary,
}

/// Every known branch, oldest first.
pub fn drivers() -> &'static [DriverBranch] {
    DRIVERS
}

/// The branch of this name.
pub fn driver(name: &str) -> Option<&'static DriverBranch> {
    DRIVERS.iter().find(|driver| driver.name == name)
}

/// What stands between a branch and a GPU, if anything.
pub fn driver_issue(driver: &DriverBranch, gpu: &Gpu) -> Option<DriverIssue> {
    let (oldest, newest) = span(&gpu.model);
    if driver.branch < oldest {
        return Some(DriverIssue::TooOld(oldest));
    }
    if let Some(newest) = newest.filter(|newest| driver.branch > *newest) {
        return Some(DriverIssue::TooNew(newest));
    }
    let open = driver.name.ends_with("-open");
    (open && gpu.model == "V100").then_some(DriverIssue::NeedsProprietary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{all_types, instance_type};
    use crate::model::InstanceType;

    #[test]
    fn which_branch_drives_which_gpu() {
        for (name, type_, issue) in [
            ("580-server", "p3dn.24xlarge", None),
            (
                "580-server-open",
                "p3dn.24xlarge",
                Some(DriverIssue::NeedsProprietary),
            ),
            (
                "595-server",
                "p3dn.24xlarge",
                Some(DriverIssue::TooNew(580)),
            ),
            ("535-server", "g5.xlarge", None),
            (
                "535-server",
                "p5en.48xlarge",
                Some(DriverIssue::TooOld(550)),
            ),
            ("570-server", "g7e.2xlarge", Some(DriverIssue::TooOld(575))),
            ("595-server", "g6e.xlarge", None),
        ] {
            let driver = driver(name).expect("known branch");
            let facts = instance_type(&InstanceType::new(type_)).expect("known type");
            let gpu = facts.gpu.as_ref().expect("a GPU type");
            assert_eq!(driver_issue(driver, gpu), issue, "{name} on {type_}");
        }
    }

    #[test]
    fn the_recommended_branch_drives_every_gpu_and_is_alive() {
        let recommended = driver("580-server").expect("known");
        assert!(recommended.recommended && !recommended.is_over());
        for gpu in all_types().filter_map(|facts| facts.gpu.as_ref()) {
            assert_eq!(driver_issue(recommended, gpu), None, "{}", gpu.model);
        }
        assert!(driver("535-server").is_some_and(DriverBranch::is_over));
    }
}
