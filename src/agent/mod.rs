//! The daemon on every host: it measures the GPUs and the machine, publishes, stops what is idle, and heeds spot notices.
//!
//! Owns: everything that `roboinfra-agent` does. Does not own: how it gets onto a host (`bootstrap/steps/gpu-metrics.sh`).

mod run;

pub use run::run;
