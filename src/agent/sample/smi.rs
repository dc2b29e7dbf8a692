//! What `nvidia-smi` prints. Columns are asked for by name; a field that says `[N/A]`, `[Not Supported]` or
//! anything else that is no number is not known.

use super::reading::{Gpu, GpuSample, Source};
use crate::agent::condition::{Condition, Found};

/// The columns, in the order that [`parse`] takes them.
const COLUMNS: &[&str] = &[
    "index",
    "uuid",
    "name",
    "pci.bus_id",
    "driver_version",
    "utilization.gpu",
    "utilization.memory",
    "memory.used",
    "memory.free",
    "memory.total",
    "temperature.gpu",
    "power.draw",
    "power.limit",
    "clocks.sm",
    "clocks.mem",
    "encoder.stats.sessionCount",
    "ecc.errors.uncorrected.volatile.total",
    "mig.mode.current",
];

/// The arguments.
pub(crate) fn arguments() -> [String; 2] {
    [
        format!("--query-gpu={}", COLUMNS.join(",")),
        "--format=csv,noheader,nounits".to_owned(),
    ]
}

/// Reads what it printed, whether it ended well or not.
pub(crate) fn parse(output: &str, ended_well: bool) -> GpuSample {
    let mut sample = GpuSample {
        source: Source::NvidiaSmi,
        driver: None,
        gpus: Vec::new(),
        found: Vec::new(),
    };
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        match gpu(&fields) {
            Some(gpu) => {
                if gpu.mig {
                    let detail = format!("GPU {}", gpu.index);
                    sample.found.push(Found::new(Condition::Mig, detail));
                }
                sample.driver = sample.driver.or_else(|| word(fields[4]));
                sample.gpus.push(gpu);
            }
            None => sample.found.push(complaint(line)),
        }
    }
    if !ended_well && sample.found.is_empty() {
        let detail = "nvidia-smi ended with an error";
        sample.found.push(Found::new(Condition::ToolFailed, detail));
    }
    if sample.gpus.is_empty() {
        sample.source = Source::None;
    }
    sample
}

fn gpu(fields: &[&str]) -> Option<Gpu> {
    if fields.len() != COLUMNS.len() {
        return None;
    }
    let number = |column: usize| number(fields[column]);
    Some(Gpu {
        index: fields[0].parse().ok()?,
        uuid: word(fields[1])?,
        name: word(fields[2]).unwrap_or_default(),
        bus: word(fields[3]).unwrap_or_default(),
        utilization: number(5),
        memory_utilization: number(6),
        memory_used_mib: number(7),
        memory_free_mib: number(8),
        memory_total_mib: number(9),
        temperature: number(10),
        power_w: number(11),
        power_limit_w: number(12),
        sm_clock: number(13),
        memory_clock: number(14),
        encoder_sessions: fields[15].parse().ok(),
        ecc_uncorrected: fields[16].parse().ok(),
        mig: fields[17] == "Enabled",
        ..Gpu::default()
    })
}

/// A number that can be one: `nan` and `inf` are none.
fn number(field: &str) -> Option<f64> {
    field
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn word(field: &str) -> Option<String> {
    (!field.is_empty() && !field.starts_with('[')).then(|| field.to_owned())
}

/// What a line that is no GPU says.
fn complaint(line: &str) -> Found {
    let condition = if line.contains("GPU is lost") || line.contains("fallen off the bus") {
        Condition::GpuLost
    } else if line.contains("version mismatch") {
        Condition::DriverMismatch
    } else if line.contains("communicate with the NVIDIA driver")
        || line.contains("No devices were found")
    {
        Condition::NoDriver
    } else {
        Condition::ToolFailed
    };
    let short: String = line.trim().chars().take(200).collect();
    Found::new(condition, short)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T4: &str = "0, GPU-b0c1, Tesla T4, 00000000:00:1E.0, 580.95.05, 37, 12, 1024, 13917, 15360, 54, 31.42, \
                      70.00, 1590, 5000, 1, 0, [N/A]\n";

    #[test]
    fn a_healthy_gpu() {
        let sample = parse(T4, true);
        assert_eq!(sample.found, []);
        assert_eq!(sample.source, Source::NvidiaSmi);
        assert_eq!(sample.driver.as_deref(), Some("580.95.05"));
        let gpu = &sample.gpus[0];
        assert_eq!((gpu.index, gpu.name.as_str()), (0, "Tesla T4"));
        assert_eq!(gpu.utilization, Some(37.0));
        assert_eq!(gpu.power_w, Some(31.42));
        assert_eq!(gpu.encodes(), Some(true));
        assert!(!gpu.mig);
    }

    #[test]
    fn what_is_not_known_is_not_zero() {
        let line = "1, GPU-a, NVIDIA A100, 00000000:10:1C.0, 550.1, [N/A], [Not Supported], [Unknown Error], , nan, \
                    -1, inf, [N/A], [N/A], [N/A], [N/A], [N/A], Enabled\n";
        let sample = parse(line, true);
        let gpu = &sample.gpus[0];
        let numbers = [
            gpu.utilization,
            gpu.memory_utilization,
            gpu.memory_used_mib,
            gpu.memory_free_mib,
            gpu.memory_total_mib,
            gpu.temperature,
            gpu.power_w,
        ];
        assert_eq!(numbers, [None; 7]);
        assert_eq!(gpu.use_percent(), None, "busy, for all that is known");
        assert!(gpu.mig);
        assert_eq!(sample.found[0].condition, Condition::Mig);
    }

    #[test]
    fn every_way_to_fail_is_a_condition() {
        let cases = [
            (
                "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure ...",
                Condition::NoDriver,
            ),
            ("No devices were found", Condition::NoDriver),
            (
                "Failed to initialize NVML: Driver/library version mismatch",
                Condition::DriverMismatch,
            ),
            (
                "Unable to determine the device handle for GPU0000:00:1E.0: GPU is lost.  Reboot the system",
                Condition::GpuLost,
            ),
            (
                "Field \"x\" is not a valid field to query.",
                Condition::ToolFailed,
            ),
            ("1, 2, 3", Condition::ToolFailed),
        ];
        for (line, condition) in cases {
            let sample = parse(line, false);
            let found: Vec<Condition> = sample.found.iter().map(|found| found.condition).collect();
            assert_eq!(found, [condition], "{line}");
            assert_eq!(sample.source, Source::None);
        }
        let silent = parse("", false);
        assert_eq!(silent.found[0].condition, Condition::ToolFailed);
        assert_eq!(parse("", true).found, [], "no GPU is no fault by itself");
    }

    #[test]
    fn one_lost_gpu_does_not_hide_the_other() {
        let text = format!("{T4}Unable to determine the device handle for GPU1: GPU is lost.\n");
        let sample = parse(&text, false);
        assert_eq!((sample.gpus.len(), sample.found.len()), (1, 1));
    }
}
