//! The gate: a host is ready only when it measures up. What is measured is read on the host, not believed.

use super::facts::Facts;
use std::borrow::Cow;

/// What a host must measure up to. What is `None` or `false` is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// How many GPUs of which model, as `nvidia-smi` names it in part: `A10G`.
    pub gpus: Option<(u32, String)>,
    /// Whether the NVIDIA driver must be loaded.
    pub driver: bool,
    /// Whether Docker with Compose must answer.
    pub docker: bool,
    /// Whether containers must see the GPU.
    pub containers_see_gpu: bool,
    /// Whether the driver must bring Vulkan: what renders needs it.
    pub vulkan: bool,
    /// Whether every service of its stack must be healthy.
    pub stack: bool,
    /// The least free space on `/`, in MiB.
    pub disk_free_mib: u64,
}

impl Expected {
    /// What must be measured beyond facts, as the runner takes it.
    pub fn to_measure(&self) -> Vec<String> {
        let things = [
            (self.containers_see_gpu && self.gpus.is_some(), "container"),
            (self.vulkan, "vulkan"),
            (self.stack, "proof:stack"),
            (self.stack, "services"),
        ];
        let asked = things.iter().filter(|(asked, _)| *asked);
        asked.map(|(_, what)| (*what).to_owned()).collect()
    }
}

/// How far a host's clock may be off, in seconds: signatures of AWS requests are refused beyond five minutes.
const CLOCK_OFF: u64 = 120;

/// One thing that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finding {
    /// What was measured: `GPU`, `driver`, `clock`.
    pub what: Cow<'static, str>,
    /// Whether it is as it must be.
    pub good: bool,
    /// What was found, in words.
    pub found: String,
    /// What was expected, in words.
    pub expected: String,
    /// Why it usually is not so; empty where all is well.
    pub cause: &'static str,
    /// What to type next, with `{host}` and `{lab}` in it; empty where all is well.
    pub next: &'static str,
    /// Whether a host must have it to be ready; the rest explains trouble.
    pub binding: bool,
}

/// Why something is not as it must be, and what to type.
#[derive(Debug, Clone, Copy)]
struct Remedy {
    cause: &'static str,
    next: &'static str,
}

/// Measures what a host says against what it must be. `facts` has what was measured beyond them too; `now` is this
/// machine's time, seconds since 1970.
pub fn gate(expected: &Expected, facts: &Facts, now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((count, model)) = &expected.gpus {
        findings.push(gpus(*count, model, facts));
    }
    if expected.driver {
        findings.push(driver(facts));
    }
    if expected.docker {
        findings.push(docker(facts));
    }
    if expected.containers_see_gpu {
        findings.push(toolkit(facts));
        if let Some((count, model)) = &expected.gpus {
            findings.push(container(*count, model, facts));
        }
    }
    if expected.vulkan {
        findings.push(vulkan(facts));
    }
    if expected.stack {
        findings.push(stack(facts));
    }
    findings.push(disk(expected.disk_free_mib, facts));
    findings.push(clock(facts, now));
    findings
}

/// What else a host says that may explain trouble; nothing where all is well.
pub fn surroundings(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut bad = |what, found: &str, expected: &str, remedy| {
        findings.push(Finding {
            binding: false,
            ..finding(what, false, (found.to_owned(), expected.to_owned()), remedy)
        });
    };
    if facts.get("reboot_required") == "yes" {
        bad(
            "reboot",
            "the system asks for one",
            "none is due",
            Remedy {
                cause: "a package was updated that runs only after a reboot",
                next: "roboinfra ssh {host}{lab} -- sudo systemctl reboot",
            },
        );
    }
    match facts.get("cloud_init") {
        "error" => bad(
            "cloud-init",
            "its first boot's set-up failed",
            "done",
            Remedy {
                cause: "user data or a package mirror; its log says which",
                next: "roboinfra ssh {host}{lab} -- tail /var/log/cloud-init-output.log",
            },
        ),
        "running" => bad(
            "cloud-init",
            "its first boot's set-up still runs",
            "done",
            Remedy {
                cause: "the machine is young",
                next: "roboinfra ssh {host}{lab} -- cloud-init status --wait",
            },
        ),
        _ => {}
    }
    if facts.number("failed_units").is_some_and(|units| units > 0) {
        bad(
            "systemd",
            "some of its units have failed",
            "none has failed",
            Remedy {
                cause: "a service could not be started",
                next: "roboinfra ssh {host}{lab} -- systemctl --failed",
            },
        );
    }
    findings
}

fn finding(
    what: &'static str,
    good: bool,
    (found, expected): (String, String),
    remedy: Remedy,
) -> Finding {
    Finding {
        what: Cow::Borrowed(what),
        good,
        found,
        expected,
        cause: if good { "" } else { remedy.cause },
        next: if good { "" } else { remedy.next },
        binding: true,
    }
}

fn shown(version: &str) -> &str {
    if version.is_empty() { "none" } else { version }
}

/// The names in a list that the host gives: `NVIDIA A10G;NVIDIA A10G`.
fn names(list: &str) -> Vec<&str> {
    let names = list.split(';').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether these are so many of this model and nothing else.
fn are(names: &[&str], count: u32, model: &str) -> bool {
    u32::try_from(names.len()) == Ok(count) && names.iter().all(|name| name.contains(model))
}

fn gpus(count: u32, model: &str, facts: &Facts) -> Finding {
    let names = names(facts.get("gpu_names"));
    let on_bus = facts.number("gpus").unwrap_or(0);
    let found = if names.is_empty() {
        format!("{on_bus} on the bus, none answers")
    } else {
        names.join(", ")
    };
    let lost = Remedy {
        cause: "a GPU that is missing on the bus is the machine's fault: stopping and starting moves it to other hardware",
        next: "roboinfra stop {host}{lab} && roboinfra start {host}{lab}",
    };
    let mute = Remedy {
        cause: "the GPU is there and the driver does not reach it; the kernel's log names the fault (Xid)",
        next: "roboinfra ssh {host}{lab} -- sudo dmesg --level err,warn",
    };
    let other = Remedy {
        cause: "the machine is of another type than the profile asks for, or one of its GPUs fell off",
        next: "roboinfra plan{lab}",
    };
    let remedy = match (names.is_empty(), on_bus < u64::from(count)) {
        (true, false) => mute,
        (_, true) => lost,
        (false, false) => other,
    };
    let expected = format!("{count} {model}");
    finding("GPU", are(&names, count, model), (found, expected), remedy)
}

fn driver(facts: &Facts) -> Finding {
    let (loaded, installed) = (facts.get("driver_loaded"), facts.get("driver_installed"));
    let remedy = match (loaded, installed) {
        (_, "") => Remedy {
            cause: "no driver is installed for the kernel that runs",
            next: "roboinfra bootstrap {host}{lab}",
        },
        ("", _) => Remedy {
            cause: "the kernel has not loaded the module: Secure Boot, nouveau, or a build for another kernel",
            next: "roboinfra ssh {host}{lab} -- sudo dmesg --level err,warn",
        },
        _ => Remedy {
            cause: "the driver was replaced under the running kernel; a reboot loads the installed one",
            next: "roboinfra ssh {host}{lab} -- sudo systemctl reboot",
        },
    };
    finding(
        "driver",
        !loaded.is_empty() && loaded == installed,
        (
            format!("{} loaded, {} installed", shown(loaded), shown(installed)),
            "the installed one is loaded".to_owned(),
        ),
        remedy,
    )
}

fn docker(facts: &Facts) -> Finding {
    let (engine, compose) = (facts.get("docker"), facts.get("compose"));
    let found = match (engine, compose) {
        ("", _) => "the engine does not answer".to_owned(),
        (engine, "") => format!("Docker {engine} without Compose"),
        (engine, compose) => format!("Docker {engine}, Compose {compose}"),
    };
    let remedy = if engine.is_empty() {
        Remedy {
            cause: "the service does not run: most often a mistake in /etc/docker/daemon.json, or a full disk",
            next: "roboinfra ssh {host}{lab} -- sudo journalctl -u docker -n 20",
        }
    } else {
        Remedy {
            cause: "the Compose plugin was removed, or the engine is not Docker's own",
            next: "roboinfra bootstrap {host}{lab}",
        }
    };
    finding(
        "docker",
        !engine.is_empty() && !compose.is_empty(),
        (found, "Docker with Compose".to_owned()),
        remedy,
    )
}

fn toolkit(facts: &Facts) -> Finding {
    let version = facts.get("toolkit");
    finding(
        "container toolkit",
        !version.is_empty(),
        (shown(version).to_owned(), "NVIDIA's".to_owned()),
        Remedy {
            cause: "it is not installed: containers get no GPU without it",
            next: "roboinfra bootstrap {host}{lab}",
        },
    )
}

/// `docker run --gpus all … nvidia-smi`.
fn container(count: u32, model: &str, facts: &Facts) -> Finding {
    let seen = names(facts.get("container_gpus"));
    let error = facts.get("container_error");
    let found = match (seen.as_slice(), error) {
        ([], "") => "the host does not say".to_owned(),
        ([], error) => error.to_owned(),
        (seen, _) => format!("sees {}", seen.join(", ")),
    };
    let remedy = if error.starts_with("no image") {
        Remedy {
            cause: "no image could be fetched to try it with: the registry limits pulls, or the host has no way to it",
            next: "roboinfra ssh {host}{lab} -- sudo docker pull ubuntu:22.04",
        }
    } else {
        Remedy {
            cause: "the toolkit describes another driver than the one that runs: it must be described anew after an update",
            next: "roboinfra ssh {host}{lab} -- sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
        }
    };
    finding(
        "GPU in containers",
        are(&seen, count, model),
        (found, format!("docker run --gpus all sees {count} {model}")),
        remedy,
    )
}

fn vulkan(facts: &Facts) -> Finding {
    let (devices, error) = (facts.get("vulkan"), facts.get("vulkan_error"));
    let found = match (devices, error) {
        ("", "") => "the host does not say",
        ("", error) => error,
        ("driver", _) => "the driver brings it",
        (devices, _) => devices,
    };
    finding(
        "Vulkan",
        !devices.is_empty(),
        (found.to_owned(), "NVIDIA's driver for it".to_owned()),
        Remedy {
            cause: "a driver for computing only: libnvidia-gl of the same branch brings Vulkan, which Isaac Sim renders with",
            next: "roboinfra bootstrap {host}{lab}",
        },
    )
}

fn stack(facts: &Facts) -> Finding {
    let proof = facts.get("proof-stack");
    let found = match proof {
        "" => "the host does not say",
        "holds" => "every service runs and is healthy",
        "not-done" => "it was never brought up",
        other => other.strip_prefix("fails: ").unwrap_or(other),
    };
    finding(
        "stack",
        proof == "holds",
        (found.to_owned(), "every service is healthy".to_owned()),
        Remedy {
            cause: "a service ended or does not answer its health check; its last lines say why",
            next: "roboinfra logs {host}{lab}",
        },
    )
}

fn disk(least: u64, facts: &Facts) -> Finding {
    let free = facts.number("disk_free_mib");
    let found = match free {
        Some(free) if free < 10 * 1024 => format!("{free} MiB free"),
        Some(free) => format!("{} GiB free", free / 1024),
        None => "the host does not say".to_owned(),
    };
    finding(
        "disk",
        free.is_some_and(|free| free >= least),
        (found, format!("{least} MiB free")),
        Remedy {
            cause: "images and logs fill it; root_volume in the profile makes it larger",
            next: "roboinfra ssh {host}{lab} -- sudo docker system df",
        },
    )
}

fn clock(facts: &Facts, now: u64) -> Finding {
    let off = facts.number("epoch").map(|epoch| epoch.abs_diff(now));
    let found = match off {
        Some(0..=2) => "right".to_owned(),
        Some(off) => format!("{off} s off"),
        None => "the host does not say".to_owned(),
    };
    finding(
        "clock",
        off.is_some_and(|off| off <= CLOCK_OFF),
        (found, format!("at most {CLOCK_OFF} s off")),
        Remedy {
            cause: "nothing keeps it in time, or this computer's own clock is wrong; AWS refuses what is signed at another time",
            next: "roboinfra ssh {host}{lab} -- timedatectl",
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "gpus=1\ngpu_names=NVIDIA A10G\ndriver_loaded=580.95.05\ndriver_installed=580.95.05\n\
                        docker=27.3.1\ncompose=2.29.7\ntoolkit=1.20.1\ncontainer_gpus=NVIDIA A10G\nvulkan=driver\n\
                        proof-stack=holds\ndisk_free_mib=102400\nepoch=1000000\n";

    fn expected() -> Expected {
        Expected {
            gpus: Some((1, "A10G".to_owned())),
            driver: true,
            docker: true,
            containers_see_gpu: true,
            vulkan: true,
            stack: true,
            disk_free_mib: 10_240,
        }
    }

    fn bad(text: &str) -> Vec<Finding> {
        gate(&expected(), &Facts::parse(text), 1_000_001)
            .into_iter()
            .filter(|finding| !finding.good)
            .collect()
    }

    /// What is replaced by what, which finding is bad then, and a word of its cause.
    const FAULTS: &[(&str, &str, &str, &str)] = &[
        (
            "NVIDIA A10G\ndriver",
            "NVIDIA T4\ndriver",
            "GPU",
            "another type",
        ),
        (
            "NVIDIA A10G\ndriver",
            "NVIDIA A10G; NVIDIA A10G\ndriver",
            "GPU",
            "another type",
        ),
        ("gpu_names=NVIDIA A10G", "gpu_names=", "GPU", "Xid"),
        (
            "gpus=1\ngpu_names=NVIDIA A10G",
            "gpus=0\ngpu_names=",
            "GPU",
            "other hardware",
        ),
        (
            "driver_loaded=580.95.05",
            "driver_loaded=535.1",
            "driver",
            "a reboot",
        ),
        (
            "driver_loaded=580.95.05",
            "driver_loaded=",
            "driver",
            "Secure Boot",
        ),
        (
            "driver_installed=580.95.05",
            "driver_installed=",
            "driver",
            "no driver",
        ),
        ("docker=27.3.1", "docker=", "docker", "daemon.json"),
        ("compose=2.29.7", "compose=", "docker", "plugin"),
        (
            "toolkit=1.20.1",
            "x=1",
            "container toolkit",
            "not installed",
        ),
        (
            "container_gpus=NVIDIA A10G",
            "container_gpus=",
            "GPU in containers",
            "anew",
        ),
        (
            "container_gpus=NVIDIA A10G",
            "container_error=no image: toomanyrequests",
            "GPU in containers",
            "limits pulls",
        ),
        (
            "container_gpus=NVIDIA A10G",
            "container_error=nvidia-container-cli: driver error",
            "GPU in containers",
            "anew",
        ),
        (
            "vulkan=driver",
            "vulkan_error=no description",
            "Vulkan",
            "libnvidia-gl",
        ),
        (
            "proof-stack=holds",
            "proof-stack=fails: redis is not healthy",
            "stack",
            "last lines",
        ),
        (
            "proof-stack=holds",
            "proof-stack=not-done",
            "stack",
            "last lines",
        ),
        (
            "disk_free_mib=102400",
            "disk_free_mib=100",
            "disk",
            "root_volume",
        ),
        ("disk_free_mib=102400", "x=1", "disk", "root_volume"),
        ("epoch=1000000", "epoch=999000", "clock", "signed"),
    ];

    #[test]
    fn a_good_host_passes_and_each_fault_is_seen() {
        assert_eq!(bad(HOST), []);
        for &(from, to, seen, cause) in FAULTS {
            let text = HOST.replace(from, to);
            assert_ne!(text, HOST, "{from}");
            let bad = bad(&text);
            let found: Vec<&str> = bad.iter().map(|finding| &*finding.what).collect();
            assert_eq!(found, [seen], "{to}");
            let Finding {
                found,
                expected,
                cause: why,
                next,
                ..
            } = &bad[0];
            assert!(why.contains(cause), "{to}: {why}");
            assert!(!found.is_empty() && !expected.is_empty(), "{to}");
            assert!(
                next.starts_with("roboinfra ") && next.contains("{lab}"),
                "{to}: {next}"
            );
        }
        assert_eq!(bad("").len(), 9);
    }

    #[test]
    fn a_host_without_a_gpu_is_asked_for_none() {
        let findings = gate(
            &Expected::default(),
            &Facts::parse("disk_free_mib=1\nepoch=5\n"),
            5,
        );
        assert!(findings.iter().all(|finding| finding.good));
        assert_eq!(findings.len(), 2);
        assert!(Expected::default().to_measure().is_empty());
        assert_eq!(
            expected().to_measure(),
            ["container", "vulkan", "proof:stack", "services"]
        );
    }

    #[test]
    fn what_explains_trouble_keeps_nobody_from_being_ready() {
        let text = "reboot_required=yes\ncloud_init=error\nfailed_units=2\n";
        let found = surroundings(&Facts::parse(text));
        let names: Vec<&str> = found.iter().map(|finding| &*finding.what).collect();
        assert_eq!(names, ["reboot", "cloud-init", "systemd"]);
        assert!(
            found
                .iter()
                .all(|finding| !finding.binding && !finding.good)
        );
        let running = surroundings(&Facts::parse("cloud_init=running\n"));
        assert_eq!(running.len(), 1);
        assert!(surroundings(&Facts::parse("cloud_init=done\nfailed_units=0\n")).is_empty());
    }
}
