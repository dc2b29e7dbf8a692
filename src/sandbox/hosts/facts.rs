//! What a played host says that it is.

use jiff::Timestamp;

use super::played::Played;
use crate::catalog;
use crate::model::InstanceType;

/// The answer to `facts`. `instance_type` is that of a machine in the account; an edge host has none.
pub(super) fn facts(
    host: &Played,
    alias: &str,
    instance_type: Option<&str>,
    now: Timestamp,
) -> String {
    let known = instance_type.and_then(|name| catalog::instance_type(&InstanceType::new(name)));
    let gpu = known.and_then(|facts| facts.gpu.as_ref());
    let has = |step: &str| host.done(now).any(|done| done == step);
    let driver = has("nvidia-driver") && gpu.is_some();
    let version = |there: bool, version: &str| {
        if there {
            version.to_owned()
        } else {
            String::new()
        }
    };
    let names = match gpu {
        Some(gpu) if driver => {
            vec![format!("NVIDIA {}", gpu.model); usize::try_from(gpu.count).unwrap_or(0)].join(";")
        }
        _ => String::new(),
    };
    let pairs = [
        ("runner", "1".to_owned()),
        ("simulated", "yes".to_owned()),
        ("os_id", "ubuntu".to_owned()),
        ("os_version", "22.04".to_owned()),
        (
            "arch",
            match known.map(|facts| facts.architecture.as_str()) {
                Some("arm64") => "aarch64".to_owned(),
                _ => "x86_64".to_owned(),
            },
        ),
        ("kernel", "none".to_owned()),
        ("boot_id", format!("{alias}-{}", host.boots)),
        ("cpus", known.map_or(4, |facts| facts.vcpus).to_string()),
        (
            "memory_mib",
            (known.map_or(8, |facts| facts.ram_gib) * 1024).to_string(),
        ),
        ("disk_free_mib", "102400".to_owned()),
        ("epoch", now.as_second().to_string()),
        ("gpus", gpu.map_or(0, |gpu| gpu.count).to_string()),
        ("gpu_names", names),
        ("driver_loaded", version(driver, "580.95.05")),
        ("driver_installed", version(driver, "580.95.05")),
        ("docker", version(has("docker"), "27.3.1")),
        ("compose", version(has("docker"), "2.29.7")),
        (
            "toolkit",
            version(has("nvidia-container-toolkit"), "1.20.1"),
        ),
    ];
    pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}
