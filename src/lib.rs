//! roboinfra: GPU robotics labs on AWS from one TOML file.
//!
//! Data goes one way: profile, lab, plan, apply. See `docs/architecture.md` for who may import whom.

pub mod apply;
pub mod aws;
pub mod catalog;
pub mod cli;
pub mod dag;
pub mod event;
pub mod inventory;
pub mod lab;
pub mod model;
pub mod plan;
pub mod port;
pub mod profile;
pub mod sandbox;
pub mod state;
pub mod store;
pub mod ui;
