//! roboinfra: GPU robotics labs on AWS from one TOML file.
//!
//! Data goes one way: profile, lab, plan, apply. See `docs/architecture.md` for who may import whom.

pub mod catalog;
pub mod inventory;
pub mod model;
pub mod port;
pub mod profile;
pub mod sandbox;
pub mod state;
