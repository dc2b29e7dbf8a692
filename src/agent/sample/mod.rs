//! Measuring: GPUs and machine.
//!
//! Owns: every way to ask, and what the answers mean. Does not own: what is done with them.

pub(crate) mod command;
pub(crate) mod guard;
pub(crate) mod host;
pub(crate) mod kmsg;
pub(crate) mod look;
pub(crate) mod nvml;
pub(crate) mod proc;
pub(crate) mod reading;
pub(crate) mod sampler;
pub(crate) mod smi;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod tegra;
pub(crate) mod xid;
