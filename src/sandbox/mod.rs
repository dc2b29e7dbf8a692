//! An emulated AWS with EC2's documented rules, for `--sandbox`, rehearsals and tests.
//!
//! Owns: the services' behaviour, their wire formats, the world and its log, and faults on request. It stands in
//! for the network: the SDK's own serialisers and parsers are exercised. Does not own: any knowledge of a lab.

mod account;
mod call;
#[cfg(feature = "cli")]
mod client;
mod cloudwatch;
mod console;
mod context;
mod core;
mod direct;
mod ec2;
#[cfg(feature = "cli")]
mod hosts;
mod iam;
#[cfg(feature = "cli")]
mod machine;
mod options;
mod published;
mod quotas;
mod rules;
mod s3;
mod scenario;
#[cfg(feature = "cli")]
mod serve;
mod services;
mod ssm;
mod strike;
mod sts;
mod wire;
mod world;

pub use account::ACCOUNT;
pub use call::CallRecord;
pub use core::Sandbox;
pub use direct::Exchanged;
#[cfg(feature = "cli")]
pub use hosts::PlayedHosts;
pub use options::{Latency, Options};
pub use published::Published;
pub use scenario::{
    Ending, FaultKind, HostPlot, Rule, Scenario, ScenarioError, StepPlot, Times, When,
};
