//! The gate: a host is ready only when it measures up. What is measured is read on the host, not believed.

use super::facts::Facts;

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
    /// The least free space on `/`, in MiB.
    pub disk_free_mib: u64,
}

/// How far a host's clock may be off, in seconds: signatures of AWS requests are refused beyond five minutes.
const CLOCK_OFF: u64 = 120;

/// One thing that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finding {
    /// What was measured: `GPU`, `driver`, `clock`.
    pub what: &'static str,
    /// Whether it is as it must be.
    pub good: bool,
    /// What was found, in words.
    pub found: String,
    /// What to do about it, where it is not.
    pub help: Option<&'static str>,
    /// Whether a host must have it to be ready; the rest explains trouble.
    pub binding: bool,
}

/// Measures what a host says against what it must be. `now` is this machine's time, seconds since 1970.
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
    }
    findings.push(disk(expected.disk_free_mib, facts));
    findings.push(clock(facts, now));
    findings
}

/// What else a host says that may explain trouble; nothing where all is well.
pub fn surroundings(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut bad = |what, found: &str, help| {
        findings.push(Finding {
            binding: false,
            ..finding(what, false, found.to_owned(), help)
        });
    };
    if facts.get("reboot_required") == "yes" {
        bad(
            "reboot",
            "the system asks for a reboot",
            "reboot it when nobody works on it: roboinfra ssh HOST -- sudo systemctl reboot",
        );
    }
    match facts.get("cloud_init") {
        "error" => bad(
            "cloud-init",
            "its first boot's set-up failed",
            "look at /var/log/cloud-init-output.log on the host",
        ),
        "running" => bad(
            "cloud-init",
            "its first boot's set-up still runs",
            "wait for it to end",
        ),
        _ => {}
    }
    if facts.number("failed_units").is_some_and(|units| units > 0) {
        bad(
            "systemd",
            "some of its units have failed",
            "systemctl --failed on the host lists them",
        );
    }
    findings
}

fn finding(what: &'static str, good: bool, found: String, help: &'static str) -> Finding {
    Finding {
        what,
        good,
        found,
        help: (!good).then_some(help),
        binding: true,
    }
}

fn gpus(count: u32, model: &str, facts: &Facts) -> Finding {
    let names: Vec<&str> = facts
        .get("gpu_names")
        .split(';')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let fitting = names.iter().filter(|name| name.contains(model)).count();
    let on_bus = facts.number("gpus").unwrap_or(0);
    let found = if names.is_empty() {
        format!("{on_bus} on the bus, none answers; {count} {model} expected")
    } else {
        format!("{}; {count} {model} expected", names.join(", "))
    };
    let good = u64::try_from(fitting).unwrap_or(0) == u64::from(count) && names.len() == fitting;
    finding(
        "GPU",
        good,
        found,
        "a GPU that is missing on the bus is the machine's fault: stop and start it, so that it moves to other hardware",
    )
}

fn driver(facts: &Facts) -> Finding {
    let (loaded, installed) = (facts.get("driver_loaded"), facts.get("driver_installed"));
    let good = !loaded.is_empty() && loaded == installed;
    let shown = |version: &str| {
        if version.is_empty() {
            "none".to_owned()
        } else {
            version.to_owned()
        }
    };
    finding(
        "driver",
        good,
        format!("{} loaded, {} installed", shown(loaded), shown(installed)),
        "a driver that is installed and not loaded needs a reboot",
    )
}

fn docker(facts: &Facts) -> Finding {
    let (engine, compose) = (facts.get("docker"), facts.get("compose"));
    let good = !engine.is_empty() && !compose.is_empty();
    let found = match (engine, compose) {
        ("", _) => "the Docker engine does not answer".to_owned(),
        (engine, "") => format!("Docker {engine} without Compose"),
        (engine, compose) => format!("Docker {engine}, Compose {compose}"),
    };
    finding(
        "docker",
        good,
        found,
        "look at `systemctl status docker` on the host",
    )
}

fn toolkit(facts: &Facts) -> Finding {
    let version = facts.get("toolkit");
    let found = if version.is_empty() {
        "no NVIDIA container toolkit".to_owned()
    } else {
        format!("NVIDIA container toolkit {version}")
    };
    finding(
        "container toolkit",
        !version.is_empty(),
        found,
        "the step nvidia-container-toolkit installs it",
    )
}

fn disk(least: u64, facts: &Facts) -> Finding {
    let free = facts.number("disk_free_mib");
    let found = match free {
        Some(free) => format!("{} GiB free", free / 1024),
        None => "the host does not say".to_owned(),
    };
    finding(
        "disk",
        free.is_some_and(|free| free >= least),
        found,
        "make the root volume larger in the profile, or remove what is not needed: docker system prune",
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
        found,
        "look at `timedatectl` on the host",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "gpus=1\ngpu_names=NVIDIA A10G\ndriver_loaded=580.95.05\ndriver_installed=580.95.05\n\
                        docker=27.3.1\ncompose=2.29.7\ntoolkit=1.20.1\ndisk_free_mib=102400\nepoch=1000000\n";

    fn expected() -> Expected {
        Expected {
            gpus: Some((1, "A10G".to_owned())),
            driver: true,
            docker: true,
            containers_see_gpu: true,
            disk_free_mib: 10_240,
        }
    }

    fn bad(text: &str, now: u64) -> Vec<&'static str> {
        gate(&expected(), &Facts::parse(text), now)
            .iter()
            .filter(|finding| !finding.good)
            .inspect(|finding| assert!(finding.help.is_some()))
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn a_good_host_passes_and_each_fault_is_seen() {
        assert_eq!(bad(HOST, 1_000_001), [""; 0]);
        for (from, to, seen) in [
            ("NVIDIA A10G", "NVIDIA T4", "GPU"),
            (
                "gpu_names=NVIDIA A10G",
                "gpu_names=NVIDIA A10G; NVIDIA A10G",
                "GPU",
            ),
            ("gpu_names=NVIDIA A10G", "gpu_names=", "GPU"),
            ("driver_loaded=580.95.05", "driver_loaded=535.1", "driver"),
            ("driver_loaded=580.95.05", "driver_loaded=", "driver"),
            ("docker=27.3.1", "docker=", "docker"),
            ("compose=2.29.7", "compose=", "docker"),
            ("toolkit=1.20.1", "x=1", "container toolkit"),
            ("disk_free_mib=102400", "disk_free_mib=100", "disk"),
            ("epoch=1000000", "epoch=999000", "clock"),
        ] {
            let text = HOST.replace(from, to);
            assert_ne!(text, HOST, "{from}");
            assert_eq!(bad(&text, 1_000_001), [seen], "{to}");
        }
        assert_eq!(bad("", 0).len(), 6);
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
    }
}
