//! One look at everything: what the sampler hands to whoever publishes, watches and shows.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reading::{Gpu, GpuSample, Host};
use super::xid::Xid;
use crate::agent::condition::Found;

/// One look.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// The newest answer about the GPUs, unless it is too old to go by.
    pub(crate) gpu: Option<GpuSample>,
    /// Whether that answer is of this look.
    pub(crate) fresh: bool,
    /// How many GPUs there should be.
    pub(crate) expected: Option<u32>,
    /// The machine.
    pub(crate) host: Host,
    /// Xid messages and uncorrected memory errors since the look before.
    pub(crate) errors: u64,
    /// Xid messages since the look before.
    pub(crate) xids: Vec<Xid>,
    /// The last Xid of each place on the bus since the boot.
    pub(crate) last_xid: BTreeMap<String, u32>,
    /// What is wrong with the GPUs.
    pub(crate) gpu_found: Vec<Found>,
    /// What is wrong with the machine.
    pub(crate) host_found: Vec<Found>,
    /// What the kernel's log says.
    pub(crate) log_found: Vec<Found>,
}

impl Look {
    /// The GPUs that answer.
    pub(crate) fn gpus(&self) -> &[Gpu] {
        self.gpu.as_ref().map_or(&[], |sample| &sample.gpus)
    }

    /// Whether the machine has GPUs, as far as anybody knows.
    pub(crate) fn has_gpus(&self) -> bool {
        self.expected.unwrap_or(0) > 0 || !self.gpus().is_empty()
    }
}

/// How long an answer about the GPUs is gone by: `nvidia-smi` is asked every 30 s only.
pub(crate) const GONE_BY: Duration = Duration::from_secs(60);
