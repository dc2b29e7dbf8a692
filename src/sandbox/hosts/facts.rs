//! What a played host says that it is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::played::Played;
use crate::catalog;
use crate::model::InstanceType;

const DRIVER: &str = "580.95.05";
const DOCKER: &str = "27.3.1";
const TOOLKIT: &str = "1.20.1";
const KERNEL: &str = "none";

/// Lines of what a host says, with what the scenario has it say instead.
fn lines(pairs: &[(&str, String)], instead: &BTreeMap<String, String>) -> String {
    let mut said: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    said.extend(
        instead
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str())),
    );
    said.iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect()
}

/// The answer to `versions`.
pub(super) fn versions(
    host: &Played,
    instead: &BTreeMap<String, String>,
    now: Timestamp,
) -> String {
    let left = host.done(now).filter_map(|step| {
        Some(match step {
            "nvidia-driver" => ("driver", DRIVER.to_owned()),
            "docker" => ("docker", DOCKER.to_owned()),
            "nvidia-container-toolkit" => ("toolkit", TOOLKIT.to_owned()),
            _ => return None,
        })
    });
    let always = [
        ("kernel", KERNEL.to_owned()),
        ("simulated", "yes".to_owned()),
    ];
    let pairs: Vec<(&str, String)> = always.into_iter().chain(left).collect();
    lines(&pairs, instead)
}

/// The answer to `measure`: everything is as it should be, unless the scenario says otherwise.
pub(super) fn measured(
    what: &[&str],
    services: &[&str],
    instance_type: Option<&str>,
    instead: &BTreeMap<String, String>,
) -> String {
    let pairs = what.iter().map(|what| match *what {
        "container" => ("container_gpus".to_owned(), gpu_names(instance_type)),
        "vulkan" => ("vulkan".to_owned(), "driver".to_owned()),
        "services" => {
            let healthy = services.iter().map(|name| format!("{name}:healthy"));
            ("services".to_owned(), healthy.collect::<Vec<_>>().join(" "))
        }
        other => (other.replace(':', "-"), "holds".to_owned()),
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    let pairs: Vec<(&str, String)> = pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    let asked = |key: &str| pairs.iter().any(|(known, _)| *known == key) || key.ends_with("_error");
    let instead = instead
        .iter()
        .filter(|(key, _)| asked(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    lines(&pairs, &instead)
}

/// The names of the GPUs of a type, as `nvidia-smi` lists them.
fn gpu_names(instance_type: Option<&str>) -> String {
    let known = instance_type.and_then(|name| catalog::instance_type(&InstanceType::new(name)));
    let gpu = known.and_then(|facts| facts.gpu.as_ref());
    gpu.map(|gpu| {
        vec![format!("NVIDIA {}", gpu.model); usize::try_from(gpu.count).unwrap_or(0)].join(";")
    })
    .unwrap_or_default()
}

/// The answer to `facts`. `instance_type` is that of a machine in the account; an edge host has none.
pub(super) fn facts(
    host: &Played,
    alias: &str,
    (instance_type, instead): (Option<&str>, &BTreeMap<String, String>),
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
    let names = if driver {
        gpu_names(instance_type)
    } else {
        String::new()
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
        ("kernel", KERNEL.to_owned()),
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
        ("driver_loaded", version(driver, DRIVER)),
        ("driver_installed", version(driver, DRIVER)),
        ("docker", version(has("docker"), DOCKER)),
        ("compose", version(has("docker"), "2.29.7")),
        ("toolkit", version(has("nvidia-container-toolkit"), TOOLKIT)),
    ];
    lines(&pairs, instead)
}
