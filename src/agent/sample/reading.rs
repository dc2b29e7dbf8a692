//! What one measurement of GPUs and machine says, as values. What a device does not tell is `None`, never zero.

use serde::Serialize;

use crate::agent::condition::Found;

/// Where the numbers of the GPUs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// NVIDIA's management library.
    Nvml,
    /// The program `nvidia-smi`.
    NvidiaSmi,
    /// The program `tegrastats` of Jetson modules.
    Tegrastats,
    /// Nothing answers.
    None,
}

/// One GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Gpu {
    /// Its number on this machine.
    pub(crate) index: u32,
    /// Its name for good.
    pub(crate) uuid: String,
    /// Its model.
    pub(crate) name: String,
    /// Its place on the bus, such as `00000000:00:1E.0`.
    pub(crate) bus: String,
    /// Share of the time that a kernel ran, in percent.
    pub(crate) utilization: Option<f64>,
    /// Share of the time that the memory was read or written, in percent; not how full it is.
    pub(crate) memory_utilization: Option<f64>,
    /// Filled memory, in MiB.
    pub(crate) memory_used_mib: Option<f64>,
    /// Free memory, in MiB.
    pub(crate) memory_free_mib: Option<f64>,
    /// All memory, in MiB.
    pub(crate) memory_total_mib: Option<f64>,
    /// Degrees Celsius.
    pub(crate) temperature: Option<f64>,
    /// Watts.
    pub(crate) power_w: Option<f64>,
    /// The most that it may draw, in watts.
    pub(crate) power_limit_w: Option<f64>,
    /// Millijoules since the driver was loaded.
    pub(crate) energy_mj: Option<u64>,
    /// MHz of the multiprocessors.
    pub(crate) sm_clock: Option<f64>,
    /// MHz of the memory.
    pub(crate) memory_clock: Option<f64>,
    /// Use of the video encoder, in percent.
    pub(crate) encoder: Option<f64>,
    /// Use of the video decoder, in percent.
    pub(crate) decoder: Option<f64>,
    /// Streams that are being encoded.
    pub(crate) encoder_sessions: Option<u32>,
    /// Uncorrected memory errors since the driver was loaded.
    pub(crate) ecc_uncorrected: Option<u64>,
    /// Repeated transfers on the bus.
    pub(crate) pcie_replays: Option<u64>,
    /// Processes that compute on it.
    pub(crate) processes: Option<u32>,
    /// It is divided.
    pub(crate) mig: bool,
}

impl Gpu {
    /// How full its memory is, in percent.
    pub(crate) fn memory_percent(&self) -> Option<f64> {
        let total = self.memory_total_mib.filter(|total| *total > 0.0)?;
        Some(100.0 * self.memory_used_mib? / total)
    }

    /// Its use for what idleness asks. A GPU that tells no use (a divided one) is unused if nothing computes on it, and
    /// fully used otherwise.
    pub(crate) fn use_percent(&self) -> Option<f64> {
        self.utilization.or_else(|| {
            self.processes
                .map(|count| if count == 0 { 0.0 } else { 100.0 })
        })
    }

    /// Whether video is being encoded, if it tells.
    pub(crate) fn encodes(&self) -> Option<bool> {
        match (self.encoder_sessions, self.encoder) {
            (None, None) => None,
            (sessions, share) => Some(sessions.unwrap_or(0) > 0 || share.unwrap_or(0.0) > 0.0),
        }
    }
}

/// All GPUs of the machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GpuSample {
    /// Who was asked.
    pub(crate) source: Source,
    /// The driver's version.
    pub(crate) driver: Option<String>,
    /// Those that answered.
    pub(crate) gpus: Vec<Gpu>,
    /// What is wrong.
    pub(crate) found: Vec<Found>,
}

impl GpuSample {
    /// Nothing answers, and why.
    pub(crate) fn nothing(found: Vec<Found>) -> Self {
        Self {
            source: Source::None,
            driver: None,
            gpus: Vec::new(),
            found,
        }
    }
}

/// The machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Host {
    /// Use of all CPUs together, in percent.
    pub(crate) cpu: Option<f64>,
    /// Memory that is not available, in percent.
    pub(crate) memory: Option<f64>,
    /// Memory that is available, in bytes.
    pub(crate) memory_available: Option<u64>,
    /// All memory, in bytes.
    pub(crate) memory_total: Option<u64>,
    /// The fullest file system on a disk, in percent.
    pub(crate) disk: Option<f64>,
    /// File systems on disks.
    pub(crate) disks: Vec<Disk>,
    /// Received, in bytes per second.
    pub(crate) received: Option<f64>,
    /// Sent, in bytes per second.
    pub(crate) sent: Option<f64>,
    /// The load of the last minute.
    pub(crate) load: Option<f64>,
    /// CPUs.
    pub(crate) cpus: Option<u32>,
    /// Seconds since the boot.
    pub(crate) uptime: Option<f64>,
}

/// One file system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Disk {
    /// Where it is mounted.
    pub(crate) mount: String,
    /// Its size, in bytes.
    pub(crate) total: u64,
    /// What is left for ordinary users, in bytes.
    pub(crate) free: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divided_gpu_is_used_when_something_computes_on_it() {
        let gpu = |utilization, processes| Gpu {
            utilization,
            processes,
            ..Gpu::default()
        };
        let cases = [
            (Some(3.0), Some(7), Some(3.0)),
            (Some(3.0), None, Some(3.0)),
            (None, Some(0), Some(0.0)),
            (None, Some(1), Some(100.0)),
            (None, None, None),
        ];
        for (utilization, processes, expected) in cases {
            assert_eq!(gpu(utilization, processes).use_percent(), expected);
        }
    }

    #[test]
    fn encoding_is_told_by_sessions_or_by_use() {
        let gpu = |encoder_sessions, encoder| Gpu {
            encoder,
            encoder_sessions,
            ..Gpu::default()
        };
        let cases = [
            (None, None, None),
            (Some(0), None, Some(false)),
            (None, Some(0.0), Some(false)),
            (Some(1), Some(0.0), Some(true)),
            (Some(0), Some(4.0), Some(true)),
        ];
        for (sessions, share, expected) in cases {
            assert_eq!(gpu(sessions, share).encodes(), expected);
        }
    }

    #[test]
    fn no_memory_is_not_full_memory() {
        let mut gpu = Gpu {
            memory_used_mib: Some(0.0),
            memory_total_mib: Some(0.0),
            ..Gpu::default()
        };
        assert_eq!(gpu.memory_percent(), None);
        gpu.memory_total_mib = Some(200.0);
        gpu.memory_used_mib = Some(50.0);
        assert_eq!(gpu.memory_percent(), Some(25.0));
    }
}
