//! The desired lab: every resource that the profile asks for, and what each is built on.
//!
//! Owns: turning a profile and looked-up facts into resources. Does not own: what exists (`inventory`) or what
//! to do about it (`plan`).

mod access;
mod agent;
mod build;
mod collect;
mod hosts;
mod moves;
mod names;
mod network;
mod nodes;
mod secrets;
mod stack;
mod types;
mod wants;
mod watch;

pub use access::host_policies;
pub use agent::{AGENT_STEP, AgentPrograms, kept_by_agent};
pub use build::{build, empty};
pub use hosts::{AtHand, HostWish, Machine, host_wishes, wanted_edge, wanted_node};
pub use moves::Moves;
pub use names::{instance_profile_name, key_name, role_name};
pub use secrets::{secret_sources, step_secrets};
pub use stack::{STACK_SECRETS, SecretMarks};
pub use types::{Facts, Lab, LabProblem, LabStack, Resource};
pub use wants::{Wants, image_key, wants};
pub use watch::{asked_watch, gpus, is_watched, publishes, watch_names};
