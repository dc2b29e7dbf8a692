//! roboinfra: GPU robotics labs on AWS from one TOML file.
//!
//! Data goes one way: profile, lab, plan, apply. See `docs/architecture.md` for who may import whom. What needs the SDK or a
//! terminal is behind the feature `cli`, what only the daemon needs is behind `agent`; both are on by default.

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "cli")]
pub mod apply;
pub mod assets;
#[cfg(feature = "cli")]
pub mod aws;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dag;
pub mod event;
pub mod host;
pub mod inventory;
pub mod lab;
pub mod model;
pub mod plan;
pub mod policy;
pub mod port;
pub mod profile;
pub mod sandbox;
#[cfg(feature = "cli")]
pub mod ssh;
pub mod state;
#[cfg(feature = "cli")]
pub mod store;
#[cfg(feature = "cli")]
pub mod ui;
