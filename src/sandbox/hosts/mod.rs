//! Hosts for the sandbox: they speak the runner's protocol, and play the steps instead of running them.
//!
//! A script is checked by `bash -n` where there is a bash, and then so much time passes as the scenario says. That it is a
//! play is said in each step's log.

mod agent;
mod facts;
mod link;
mod played;
mod request;

pub use link::PlayedHosts;
