//! What `tegrastats` prints on Jetson modules: one line for each look, with what the module has.

use super::reading::{Gpu, GpuSample, Source};
use crate::agent::condition::{Condition, Found};

/// Reads one line.
pub(crate) fn parse(line: &str) -> GpuSample {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut gpu = Gpu {
        uuid: "tegra".to_owned(),
        name: "Tegra".to_owned(),
        ..Gpu::default()
    };
    for pair in words.windows(2) {
        read(pair[0], pair[1], &mut gpu);
    }
    for word in &words {
        let pair = word.split_once('@');
        let pair = pair.filter(|(sensor, _)| sensor.eq_ignore_ascii_case("gpu"));
        if let Some((_, value)) = pair {
            gpu.temperature = value.strip_suffix('C').and_then(|value| value.parse().ok());
        }
    }
    // Memory is shared with the CPUs; the encoder tells its clock only, and only while it runs.
    gpu.encoder_sessions =
        Some(u32::from(words.windows(2).any(|pair| {
            pair[0].starts_with("NVENC") && !matches!(pair[1], "off" | "0%" | "0")
        })));
    let understood = gpu.utilization.is_some();
    GpuSample {
        source: if understood {
            Source::Tegrastats
        } else {
            Source::None
        },
        driver: None,
        gpus: if understood { vec![gpu] } else { Vec::new() },
        found: if understood {
            Vec::new()
        } else {
            let short: String = line.trim().chars().take(200).collect();
            let detail = format!("tegrastats without GR3D_FREQ: {short}");
            vec![Found::new(Condition::ToolFailed, detail)]
        },
    }
}

fn read(name: &str, value: &str, gpu: &mut Gpu) {
    match name {
        // `GR3D_FREQ 34%`, `GR3D_FREQ 34%@921`, `GR3D_FREQ 0%@[305,305]`
        "GR3D_FREQ" => {
            let (share, clock) = value.split_once('@').unwrap_or((value, ""));
            gpu.utilization = share.strip_suffix('%').and_then(|share| share.parse().ok());
            let clock = clock.trim_matches(['[', ']']).split(',').next();
            gpu.sm_clock = clock.and_then(|clock| clock.parse().ok());
        }
        // `RAM 2513/7763MB`
        "RAM" => {
            let Some((used, total)) = value.split_once('/') else {
                return;
            };
            let total = total
                .strip_suffix("MB")
                .and_then(|total| total.parse().ok());
            gpu.memory_used_mib = used.parse().ok();
            gpu.memory_total_mib = total;
            gpu.memory_free_mib = match (gpu.memory_used_mib, total) {
                (Some(used), Some(total)) => Some(f64::max(total - used, 0.0)),
                _ => None,
            };
        }
        "EMC_FREQ" => {
            let share = value.split_once('@').map_or(value, |(share, _)| share);
            gpu.memory_utilization = share.strip_suffix('%').and_then(|share| share.parse().ok());
        }
        // `VDD_GPU_SOC 2392mW/2392mW`: now and the mean. Before JetPack 5: `VDD_GPU 1234/1200`.
        "VDD_GPU_SOC" | "VDD_CPU_GPU_CV" | "VDD_GPU" => {
            let now = value.split('/').next().unwrap_or(value);
            let milliwatts: Option<f64> = now.trim_end_matches("mW").parse().ok();
            gpu.power_w = milliwatts.map(|milliwatts| milliwatts / 1000.0);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_two_generations() {
        let orin = "11-21-2026 10:00:00 RAM 2513/7763MB (lfb 4x4MB) SWAP 0/3881MB (cached 0MB) CPU [5%@729,off] \
                    EMC_FREQ 2%@2133 GR3D_FREQ 34%@[305,305] NVENC off NVDEC off cpu@48.5C gpu@46.125C \
                    VDD_GPU_SOC 2392mW/2392mW";
        let sample = parse(orin);
        assert_eq!(sample.found, []);
        let gpu = &sample.gpus[0];
        assert_eq!((gpu.utilization, gpu.sm_clock), (Some(34.0), Some(305.0)));
        assert_eq!(
            (gpu.memory_used_mib, gpu.memory_free_mib),
            (Some(2513.0), Some(5250.0))
        );
        assert_eq!((gpu.temperature, gpu.power_w), (Some(46.125), Some(2.392)));
        assert_eq!(gpu.encodes(), Some(false));

        let nano = "RAM 1000/3956MB (lfb 2x1MB) CPU [1%@102] EMC_FREQ 0% GR3D_FREQ 0% NVENC 716 GPU@30C VDD_GPU 40/41";
        let gpu = &parse(nano).gpus[0];
        assert_eq!((gpu.utilization, gpu.temperature), (Some(0.0), Some(30.0)));
        assert_eq!(gpu.encodes(), Some(true));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for line in ["", "tegrastats: not found", "RAM x/yMB GR3D_FREQ many%"] {
            let sample = parse(line);
            assert_eq!(sample.gpus.len(), 0, "{line}");
            assert_eq!(sample.found[0].condition, Condition::ToolFailed);
        }
    }
}
