//! What a host should have.

use crate::assets::Script;
use crate::model::{Address, Secret};

use super::gate::Expected;

/// One step of a host.
#[derive(Debug, Clone)]
pub struct WantedStep {
    /// What runs.
    pub script: Script,
    /// Its secret variables.
    pub secrets: Vec<(String, Secret)>,
}

impl WantedStep {
    /// The step's name.
    pub fn name(&self) -> &str {
        &self.script.step.header.name
    }

    /// The script's digest.
    pub fn digest(&self) -> &str {
        &self.script.digest
    }
}

/// What one host should have: its steps in order, and what is measured at the end.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The host.
    pub address: Address,
    /// Its steps, each after those that it needs.
    pub steps: Vec<WantedStep>,
    /// What it must measure up to.
    pub expected: Expected,
}
