//! What a host should have.

use crate::assets::Script;
use crate::model::{Address, Secret};

use super::file::{Arch, HostFile};
use super::gate::Expected;

/// One step of a host.
#[derive(Debug, Clone)]
pub struct WantedStep {
    /// What runs.
    pub script: Script,
    /// Its secret variables, or why they cannot be read: then it cannot be started.
    pub secrets: Result<Vec<(String, Secret)>, NoSecret>,
    /// Programs that it installs; a host takes that of its own processor.
    pub files: Vec<HostFile>,
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

/// A secret that could not be read; never with any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSecret {
    /// Which one, and why.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// Whether a host gets the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AgentWish {
    /// Its steps do not ask for it.
    #[default]
    NotAsked,
    /// It does.
    Asked,
    /// It should, and there is no program for its processor: the step is left out. Nothing is known of its processor if
    /// there is none here.
    NoProgram(Option<Arch>),
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
    /// Whether it gets the agent.
    pub agent: AgentWish,
}
