//! NVIDIA's management library, opened at run time: a machine without it is a machine whose GPUs are not known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nvml_wrapper::Device;
use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::{Clock, EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::error::NvmlError;

use super::proc::float;
use super::reading::{Gpu, GpuSample, Source};
use crate::agent::condition::{Condition, Found};

/// The library, once it has been opened, and what about the GPUs does not change.
#[derive(Debug)]
pub(crate) struct Library {
    nvml: Option<Nvml>,
    driver: Option<String>,
    known: BTreeMap<u32, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    uuid: String,
    name: String,
    bus: String,
}

impl Library {
    /// Opens it: `path`, or where the loader finds it.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Found> {
        let path = path.map_or_else(|| PathBuf::from("libnvidia-ml.so.1"), Path::to_owned);
        let nvml = Nvml::builder()
            .lib_path(path.as_os_str())
            .init()
            .map_err(|error| {
                let condition = match error {
                    NvmlError::LibloadingError(_) => Condition::NoLibrary,
                    NvmlError::DriverNotLoaded | NvmlError::NoPermission => Condition::NoDriver,
                    _ => condition(&error).unwrap_or(Condition::NoDriver),
                };
                Found::new(condition, error.to_string())
            })?;
        Ok(Self {
            driver: nvml.sys_driver_version().ok(),
            nvml: Some(nvml),
            known: BTreeMap::new(),
        })
    }

    /// Asks every GPU. `Err` means that the library is of no more use and has to be opened anew.
    pub(crate) fn sample(&mut self) -> Result<GpuSample, Found> {
        let Self {
            nvml,
            driver,
            known,
        } = self;
        let nvml = nvml.as_ref().expect("it is taken only when it is dropped");
        let count = nvml.device_count().map_err(|error| {
            let condition = condition(&error).unwrap_or(Condition::NoDriver);
            Found::new(condition, format!("no count of GPUs: {error}"))
        })?;
        let mut sample = GpuSample {
            source: Source::Nvml,
            driver: driver.clone(),
            gpus: Vec::new(),
            found: Vec::new(),
        };
        for index in 0..count {
            let mut asked = Asked {
                index,
                lost: false,
                found: &mut sample.found,
            };
            let Some(device) = asked.take("handle", nvml.device_by_index(index)) else {
                continue;
            };
            let known = asked.known(known, &device);
            let gpu = asked.gpu(known, &device);
            if !asked.lost {
                sample.gpus.push(gpu);
            }
        }
        Ok(sample)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let Some(nvml) = self.nvml.take() else {
            return;
        };
        if nvml.lib().nvmlShutdown.is_ok() {
            drop(nvml);
        } else {
            // Dropping it calls the function, there or not; better to leak a handle than to end the daemon.
            std::mem::forget(nvml);
        }
    }
}

/// The questions to one GPU.
struct Asked<'a> {
    index: u32,
    lost: bool,
    found: &'a mut Vec<Found>,
}

impl Asked<'_> {
    fn known(&mut self, known: &mut BTreeMap<u32, Known>, device: &Device) -> Known {
        if let Some(known) = known.get(&self.index) {
            return known.clone();
        }
        let uuid = self.take("uuid", device.uuid());
        let fresh = Known {
            uuid: uuid.clone().unwrap_or_default(),
            name: self.take("name", device.name()).unwrap_or_default(),
            bus: self
                .take("bus", device.pci_info())
                .map_or_else(String::new, |pci| pci.bus_id),
        };
        if uuid.is_some() {
            known.insert(self.index, fresh.clone());
        }
        fresh
    }

    fn gpu(&mut self, known: Known, device: &Device) -> Gpu {
        let mut gpu = Gpu {
            index: self.index,
            uuid: known.uuid,
            name: known.name,
            bus: known.bus,
            ..Gpu::default()
        };
        if let Some(used) = self.take("utilization", device.utilization_rates()) {
            gpu.utilization = Some(f64::from(used.gpu));
            gpu.memory_utilization = Some(f64::from(used.memory));
        }
        // A GPU that is gone takes its time to say so: it is asked no more.
        if self.lost {
            return gpu;
        }
        if let Some(memory) = self.take("memory", device.memory_info()) {
            gpu.memory_used_mib = Some(mib(memory.used));
            gpu.memory_free_mib = Some(mib(memory.free));
            gpu.memory_total_mib = Some(mib(memory.total));
        }
        let mode = self.take("mig", device.mig_mode());
        gpu.mig = mode.is_some_and(|mode| mode.current == 1);
        if gpu.mig {
            let detail = format!("GPU {}", self.index);
            self.found.push(Found::new(Condition::Mig, detail));
        }
        gpu.temperature = self.number("temperature", device.temperature(TemperatureSensor::Gpu));
        gpu.power_w = self
            .number("power", device.power_usage())
            .map(|mw| mw / 1000.0);
        gpu.power_limit_w = self
            .number("power limit", device.enforced_power_limit())
            .map(|mw| mw / 1000.0);
        gpu.energy_mj = self.take("energy", device.total_energy_consumption());
        gpu.sm_clock = self.number("clock", device.clock_info(Clock::SM));
        gpu.memory_clock = self.number("memory clock", device.clock_info(Clock::Memory));
        gpu.encoder = self
            .take("encoder", device.encoder_utilization())
            .map(|used| f64::from(used.utilization));
        gpu.decoder = self
            .take("decoder", device.decoder_utilization())
            .map(|used| f64::from(used.utilization));
        gpu.encoder_sessions = self
            .take("encoder sessions", device.encoder_stats())
            .map(|stats| stats.session_count);
        let errors = device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile);
        gpu.ecc_uncorrected = self.take("ecc", errors);
        gpu.pcie_replays = self
            .take("replays", device.pcie_replay_counter())
            .map(u64::from);
        gpu.processes = self.take("processes", device.running_compute_processes_count());
        gpu
    }

    fn number(&mut self, what: &str, answer: Result<u32, NvmlError>) -> Option<f64> {
        self.take(what, answer).map(f64::from)
    }

    /// An answer, or nothing; what is wrong beyond "this GPU does not have it" is noted.
    fn take<T>(&mut self, what: &str, answer: Result<T, NvmlError>) -> Option<T> {
        match answer {
            Ok(value) => Some(value),
            Err(error) => {
                if let Some(condition) = condition(&error) {
                    self.lost |= condition == Condition::GpuLost;
                    let detail = format!("GPU {}: {what}: {error}", self.index);
                    self.found.push(Found::new(condition, detail));
                }
                None
            }
        }
    }
}

/// What an error means for the machine; nothing, if a GPU only lacks what was asked for.
fn condition(error: &NvmlError) -> Option<Condition> {
    match error {
        NvmlError::NotSupported
        | NvmlError::NoData
        | NvmlError::NotFound
        | NvmlError::InvalidArg
        | NvmlError::VgpuEccNotSupported => None,
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => Some(Condition::NoLibrary),
        NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound => {
            Some(Condition::MissingFunction)
        }
        NvmlError::GpuLost => Some(Condition::GpuLost),
        NvmlError::ResetRequired => Some(Condition::GpuNeedsReset),
        NvmlError::LibRmVersionMismatch => Some(Condition::DriverMismatch),
        NvmlError::DriverNotLoaded | NvmlError::Uninitialized => Some(Condition::NoDriver),
        _ => Some(Condition::GpuUnreadable),
    }
}

fn mib(bytes: u64) -> f64 {
    float(bytes) / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_a_condition() {
        let found = Library::open(Some(Path::new("/no/such/libnvidia-ml.so.1")))
            .expect_err("it is not there");
        assert_eq!(found.condition, Condition::NoLibrary);
    }

    #[test]
    fn what_a_gpu_does_not_have_is_no_trouble() {
        assert_eq!(condition(&NvmlError::NotSupported), None);
        assert_eq!(condition(&NvmlError::GpuLost), Some(Condition::GpuLost));
        assert_eq!(
            condition(&NvmlError::Unknown),
            Some(Condition::GpuUnreadable)
        );
        assert_eq!(
            condition(&NvmlError::FailedToLoadSymbol("x".to_owned())),
            Some(Condition::MissingFunction)
        );
    }
}
