//! The daemon on every host: it measures the GPUs and the machine, publishes, stops what is idle, and heeds spot notices.
//!
//! Owns: everything that `roboinfra-agent` does. Does not own: how it gets onto a host (`bootstrap/steps/gpu-metrics.sh`).

mod clock;
mod condition;
mod daemon;
mod files;
mod idle;
mod journal;
mod power;
mod prometheus;
mod publish;
mod run;
mod sample;
mod settings;
mod spot;

pub use run::run;
