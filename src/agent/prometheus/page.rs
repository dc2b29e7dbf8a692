//! The page in Prometheus's text format. GPUs have the names and labels that DCGM exporter gives them, so that boards that
//! people have already work.

use std::collections::BTreeMap;

use crate::agent::condition::{Condition, Conditions};
use crate::agent::publish::ledger::Ledger;
use crate::agent::sample::look::Look;
use crate::agent::sample::reading::{Gpu, Host};
use crate::agent::sample::xid::{self, Xid};
use crate::model::AgentIdleStatus;

/// Everything that the page tells.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The machine's name.
    pub(crate) hostname: &'a str,
    /// The newest look.
    pub(crate) look: &'a Look,
    /// What holds.
    pub(crate) conditions: &'a Conditions,
    /// Samples since the daemon's start.
    pub(crate) samples: u64,
    /// What became of those that were to be published.
    pub(crate) ledger: Ledger,
    /// How many wait.
    pub(crate) waiting: u64,
    /// How idle the machine is.
    pub(crate) idle: Option<&'a AgentIdleStatus>,
}

type Number = fn(&Gpu) -> Option<f64>;

/// Name, type, what it is, and the number.
const GPU: &[(&str, &str, &str, Number)] = &[
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock (MHz).", |gpu| {
        gpu.sm_clock
    }),
    (
        "DCGM_FI_DEV_MEM_CLOCK",
        "gauge",
        "Memory clock (MHz).",
        |gpu| gpu.memory_clock,
    ),
    (
        "DCGM_FI_DEV_GPU_TEMP",
        "gauge",
        "GPU temperature (C).",
        |gpu| gpu.temperature,
    ),
    (
        "DCGM_FI_DEV_POWER_USAGE",
        "gauge",
        "Power draw (W).",
        |gpu| gpu.power_w,
    ),
    (
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "counter",
        "Energy since the driver was loaded (mJ).",
        |gpu| gpu.energy_mj.map(float),
    ),
    (
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "counter",
        "PCIe retries.",
        |gpu| gpu.pcie_replays.map(float),
    ),
    (
        "DCGM_FI_DEV_GPU_UTIL",
        "gauge",
        "GPU utilization (%).",
        |gpu| gpu.utilization,
    ),
    (
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "gauge",
        "Memory utilization (%).",
        |gpu| gpu.memory_utilization,
    ),
    (
        "DCGM_FI_DEV_ENC_UTIL",
        "gauge",
        "Encoder utilization (%).",
        |gpu| gpu.encoder,
    ),
    (
        "DCGM_FI_DEV_DEC_UTIL",
        "gauge",
        "Decoder utilization (%).",
        |gpu| gpu.decoder,
    ),
    (
        "DCGM_FI_DEV_FB_FREE",
        "gauge",
        "Free memory (MiB).",
        |gpu| gpu.memory_free_mib,
    ),
    (
        "DCGM_FI_DEV_FB_USED",
        "gauge",
        "Used memory (MiB).",
        |gpu| gpu.memory_used_mib,
    ),
    (
        "roboinfra_gpu_power_limit_watts",
        "gauge",
        "Power limit (W).",
        |gpu| gpu.power_limit_w,
    ),
    (
        "roboinfra_gpu_ecc_uncorrected_errors",
        "counter",
        "Uncorrected memory errors since the driver was loaded.",
        |gpu| gpu.ecc_uncorrected.map(float),
    ),
    (
        "roboinfra_gpu_processes",
        "gauge",
        "Processes that compute on the GPU.",
        |gpu| gpu.processes.map(f64::from),
    ),
];

type HostNumber = fn(&Host) -> Option<f64>;

const HOST: &[(&str, &str, HostNumber)] = &[
    (
        "roboinfra_cpu_utilization_percent",
        "Use of all CPUs.",
        |host| host.cpu,
    ),
    (
        "roboinfra_memory_used_percent",
        "Memory that is not available.",
        |host| host.memory,
    ),
    (
        "roboinfra_disk_used_percent",
        "The fullest file system on a disk.",
        |host| host.disk,
    ),
    (
        "roboinfra_network_received_bytes_per_second",
        "Received.",
        |host| host.received,
    ),
    ("roboinfra_network_sent_bytes_per_second", "Sent.", |host| {
        host.sent
    }),
    ("roboinfra_load1", "The load of the last minute.", |host| {
        host.load
    }),
];

/// The page.
pub(crate) fn render(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    page.gpus(facts);
    for (name, help, number) in HOST {
        page.family(
            name,
            "gauge",
            help,
            [(String::new(), number(&facts.look.host))],
        );
    }
    let conditions = Condition::ALL.iter().map(|condition| {
        let (holds, _, began) = facts.conditions.of(*condition);
        (format!("condition=\"{}\"", condition.name()), holds, began)
    });
    let conditions: Vec<(String, bool, u64)> = conditions.collect();
    page.family(
        "roboinfra_agent_condition",
        "gauge",
        "Whether something is not as it should be.",
        conditions
            .iter()
            .map(|(label, holds, _)| (label.clone(), Some(f64::from(u8::from(*holds))))),
    );
    page.family(
        "roboinfra_agent_condition_total",
        "counter",
        "How often it began.",
        conditions
            .iter()
            .map(|(label, _, began)| (label.clone(), Some(float(*began)))),
    );
    page.agent(facts);
    page.0
}

#[derive(Debug, Default)]
struct Page(String);

impl Page {
    /// A metric with all its numbers; without any it is left out.
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        numbers: impl IntoIterator<Item = (String, Option<f64>)>,
    ) {
        let mut lines = String::new();
        for (labels, number) in numbers {
            let Some(number) = number.filter(|number| number.is_finite()) else {
                continue;
            };
            let labels = if labels.is_empty() {
                labels
            } else {
                format!("{{{labels}}}")
            };
            lines.push_str(&format!("{name}{labels} {number}\n"));
        }
        if !lines.is_empty() {
            self.0.push_str(&format!(
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}"
            ));
        }
    }

    fn gpus(&mut self, facts: &Facts<'_>) {
        let driver = facts
            .look
            .gpu
            .as_ref()
            .and_then(|sample| sample.driver.as_deref());
        let labelled: Vec<(String, &Gpu)> = facts
            .look
            .gpus()
            .iter()
            .map(|gpu| (labels(gpu, facts.hostname, driver.unwrap_or_default()), gpu))
            .collect();
        for (name, kind, help, number) in GPU {
            let numbers = labelled
                .iter()
                .map(|(labels, gpu)| (labels.clone(), number(gpu)));
            self.family(name, kind, help, numbers);
        }
        let last = &facts.look.last_xid;
        let xids = labelled
            .iter()
            .map(|(labels, gpu)| (labels.clone(), Some(last_xid(last, &gpu.bus))));
        self.family(
            "DCGM_FI_DEV_XID_ERRORS",
            "gauge",
            "The last Xid error.",
            xids,
        );
        let expected = facts.look.expected.map(f64::from);
        self.family(
            "roboinfra_gpus_expected",
            "gauge",
            "GPUs that the machine should have.",
            [(String::new(), expected)],
        );
    }

    fn agent(&mut self, facts: &Facts<'_>) {
        let version = env!("CARGO_PKG_VERSION");
        let one = [(format!("version=\"{version}\""), Some(1.0))];
        self.family("roboinfra_agent_info", "gauge", "The daemon.", one);
        let mut count = |name: &str, kind: &str, help: &str, number: u64| {
            self.family(name, kind, help, [(String::new(), Some(float(number)))]);
        };
        count(
            "roboinfra_agent_samples_total",
            "counter",
            "Measurements.",
            facts.samples,
        );
        count(
            "roboinfra_agent_published_samples_total",
            "counter",
            "Measurements that CloudWatch has.",
            facts.ledger.published,
        );
        count(
            "roboinfra_agent_queued_samples",
            "gauge",
            "Measurements that wait to be published.",
            facts.waiting,
        );
        let dropped = facts
            .ledger
            .reasons()
            .map(|(reason, samples)| (format!("reason=\"{reason}\""), Some(float(samples))));
        self.family(
            "roboinfra_agent_dropped_samples_total",
            "counter",
            "Measurements that were given up.",
            dropped,
        );
        let Some(idle) = facts.idle else {
            return;
        };
        let seconds = [(String::new(), Some(float(idle.idle_s)))];
        self.family(
            "roboinfra_idle_seconds",
            "gauge",
            "For how long the machine has been idle.",
            seconds,
        );
        let mut busy: BTreeMap<&str, f64> = BTreeMap::new();
        for reason in &idle.busy {
            busy.insert(&reason.signal, 1.0);
        }
        let busy = busy
            .into_iter()
            .map(|(signal, one)| (format!("signal=\"{signal}\""), Some(one)));
        self.family("roboinfra_busy", "gauge", "Why the machine is busy.", busy);
    }
}

fn last_xid(last: &BTreeMap<String, u32>, bus: &str) -> f64 {
    let found = last.iter().find(|(place, code)| {
        let message = Xid {
            sequence: 0,
            code: **code,
            bus: (*place).clone(),
            text: String::new(),
        };
        xid::speaks_of(&message, bus)
    });
    found.map_or(0.0, |(_, code)| f64::from(*code))
}

fn labels(gpu: &Gpu, hostname: &str, driver: &str) -> String {
    let index = gpu.index;
    format!(
        "gpu=\"{index}\",UUID=\"{}\",pci_bus_id=\"{}\",device=\"nvidia{index}\",modelName=\"{}\",Hostname=\"{}\",\
         DCGM_FI_DRIVER_VERSION=\"{}\"",
        escape(&gpu.uuid),
        escape(&gpu.bus),
        escape(&gpu.name),
        escape(hostname),
        escape(driver),
    )
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn float(number: u64) -> f64 {
    crate::agent::sample::proc::float(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::condition::{Finder, Found};
    use crate::agent::sample::reading::{GpuSample, Source};

    fn look() -> Look {
        Look {
            gpu: Some(GpuSample {
                source: Source::Nvml,
                driver: Some("580.95.05".to_owned()),
                gpus: vec![Gpu {
                    index: 1,
                    uuid: "GPU-a".to_owned(),
                    name: "Odd \"name\"".to_owned(),
                    bus: "00000000:00:1E.0".to_owned(),
                    utilization: Some(37.0),
                    temperature: Some(54.5),
                    energy_mj: Some(7),
                    ..Gpu::default()
                }],
                found: Vec::new(),
            }),
            fresh: true,
            expected: Some(2),
            host: Host {
                load: Some(1.5),
                ..Host::default()
            },
            errors: 0,
            xids: Vec::new(),
            last_xid: BTreeMap::from([("0000:00:1e".to_owned(), 79)]),
            gpu_found: Vec::new(),
            host_found: Vec::new(),
            log_found: Vec::new(),
        }
    }

    #[test]
    fn boards_of_dcgm_exporter_find_their_names_and_labels() {
        let mut conditions = Conditions::default();
        conditions.look(Finder::Gpu, &[Found::new(Condition::GpuMissing, "1 of 2")]);
        let idle = AgentIdleStatus {
            idle_s: 60,
            ..AgentIdleStatus::default()
        };
        let page = render(&Facts {
            hostname: "sim-0",
            look: &look(),
            conditions: &conditions,
            samples: 9,
            ledger: Ledger {
                full: 3,
                ..Ledger::default()
            },
            waiting: 2,
            idle: Some(&idle),
        });
        let labels = "gpu=\"1\",UUID=\"GPU-a\",pci_bus_id=\"00000000:00:1E.0\",device=\"nvidia1\",\
                      modelName=\"Odd \\\"name\\\"\",Hostname=\"sim-0\",DCGM_FI_DRIVER_VERSION=\"580.95.05\"";
        for line in [
            "# TYPE DCGM_FI_DEV_GPU_UTIL gauge".to_owned(),
            format!("DCGM_FI_DEV_GPU_UTIL{{{labels}}} 37"),
            format!("DCGM_FI_DEV_GPU_TEMP{{{labels}}} 54.5"),
            format!("DCGM_FI_DEV_XID_ERRORS{{{labels}}} 79"),
            "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter".to_owned(),
            "roboinfra_gpus_expected 2".to_owned(),
            "roboinfra_load1 1.5".to_owned(),
            "roboinfra_agent_condition{condition=\"gpu-missing\"} 1".to_owned(),
            "roboinfra_agent_condition{condition=\"gpu-lost\"} 0".to_owned(),
            "roboinfra_agent_dropped_samples_total{reason=\"full\"} 3".to_owned(),
            "roboinfra_idle_seconds 60".to_owned(),
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
        assert!(
            !page.contains("DCGM_FI_DEV_FB_USED"),
            "what is not known is left out"
        );
        assert!(!page.contains("roboinfra_busy"));
    }

    #[test]
    fn every_line_is_of_the_format() {
        let page = render(&Facts {
            hostname: "x",
            look: &look(),
            conditions: &Conditions::default(),
            samples: 0,
            ledger: Ledger::default(),
            waiting: 0,
            idle: None,
        });
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, number) = line.rsplit_once(' ').expect("name and number");
            assert!(number.parse::<f64>().is_ok(), "{line}");
            let plain = name.split('{').next().expect("a name");
            assert!(
                plain
                    .chars()
                    .all(|one| one.is_ascii_alphanumeric() || one == '_'),
                "{line}"
            );
        }
    }
}
