//! Looks at everything, and remembers what makes sense only over time: answers that are a little old, error counters,
//! messages of the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::guard::Guarded;
use super::host::HostReader;
use super::kmsg::KernelLog;
use super::look::{GONE_BY, Look};
use super::reading::GpuSample;
use super::source::Chain;
use super::xid::{self, Xid};
use crate::agent::condition::{Condition, Found};
use crate::model::AgentConfig;

/// How long a message of the kernel counts as a condition.
const RECENT: Duration = Duration::from_secs(600);

/// All sources of a machine.
#[derive(Debug)]
pub(crate) struct Sampler {
    gpus: Guarded,
    host: HostReader,
    log: KernelLog,
    expected: Option<u32>,
    answer: Option<(Duration, GpuSample)>,
    ecc: BTreeMap<String, u64>,
    xids: BTreeMap<String, u32>,
    recent: Option<(Duration, String)>,
}

impl Sampler {
    /// Opens nothing yet.
    pub(crate) fn new(config: &AgentConfig) -> Self {
        let paths = &config.paths;
        let every = Duration::from_secs(u64::from(config.sample_s));
        let chain = Chain::new(paths.nvml.clone(), paths.programs.clone(), every);
        Self {
            gpus: Guarded::start(Box::new(chain)),
            host: HostReader::new(&paths.root),
            log: KernelLog::new(&paths.root),
            expected: config.expected_gpus.or_else(|| on_the_bus(&paths.root)),
            answer: None,
            ecc: BTreeMap::new(),
            xids: BTreeMap::new(),
            recent: None,
        }
    }

    /// One look; it takes no longer than `patience`.
    pub(crate) async fn look(&mut self, now: Duration, patience: Duration) -> Look {
        let answer = self.gpus.sample(now, patience).await;
        let (host, host_found) = self.host.read(now);
        let logged = self.log.read();
        let fresh = answer.is_some();
        if let Some(answer) = answer {
            self.expect(answer.gpus.len());
            self.answer = Some((now, answer));
        }
        let gpu = self
            .answer
            .as_ref()
            .filter(|(then, _)| now.saturating_sub(*then) <= GONE_BY)
            .map(|(_, sample)| sample.clone());
        for message in logged.earlier.iter().chain(&logged.new) {
            self.xids.insert(message.bus.clone(), message.code);
        }
        if let Some(last) = logged.new.last() {
            let words = format!(
                "Xid {} ({}): {}",
                last.code,
                xid::meaning(last.code),
                last.text
            );
            self.recent = Some((now, words));
        }
        let mut log_found = logged.found;
        let recent = self.recent.as_ref();
        let recent = recent.filter(|(then, _)| now.saturating_sub(*then) <= RECENT);
        log_found.extend(recent.map(|(_, words)| Found::new(Condition::Xid, words.clone())));
        log_found.extend(self.fallen(gpu.as_ref()));
        let errors = if fresh { self.new_ecc(gpu.as_ref()) } else { 0 };
        Look {
            gpu_found: gpu
                .as_ref()
                .map_or_else(Vec::new, |sample| found(sample, self.expected)),
            gpu,
            fresh,
            expected: self.expected,
            host,
            errors: errors.saturating_add(u64::try_from(logged.new.len()).unwrap_or(u64::MAX)),
            xids: logged.new,
            last_xid: self.xids.clone(),
            host_found,
            log_found,
        }
    }

    /// GPUs that were seen are missed when they do not answer any more: that of a Jetson is on no bus.
    fn expect(&mut self, seen: usize) {
        if self.expected.unwrap_or(0) == 0 && seen > 0 {
            self.expected = u32::try_from(seen).ok();
        }
    }

    /// GPUs that have fallen off the bus since the boot and do not answer.
    fn fallen(&self, gpu: Option<&GpuSample>) -> Vec<Found> {
        let answers = |bus: &str| {
            let message = Xid {
                sequence: 0,
                code: xid::FELL_OFF,
                bus: bus.to_owned(),
                text: String::new(),
            };
            gpu.iter()
                .flat_map(|sample| &sample.gpus)
                .any(|gpu| xid::speaks_of(&message, &gpu.bus))
        };
        let fallen = self.xids.iter().filter(|(_, code)| **code == xid::FELL_OFF);
        fallen
            .filter(|(bus, _)| !answers(bus))
            .map(|(bus, _)| {
                Found::new(
                    Condition::GpuLost,
                    format!("the GPU at {bus} has fallen off the bus"),
                )
            })
            .collect()
    }

    /// Uncorrected memory errors since the answer before; a counter that began anew counts from there.
    fn new_ecc(&mut self, gpu: Option<&GpuSample>) -> u64 {
        let mut errors = 0_u64;
        for gpu in gpu.iter().flat_map(|sample| &sample.gpus) {
            let Some(now) = gpu.ecc_uncorrected else {
                continue;
            };
            let before = self.ecc.insert(gpu.uuid.clone(), now);
            errors = errors.saturating_add(now.saturating_sub(before.unwrap_or(now)));
        }
        errors
    }
}

/// What is wrong with the GPUs, those that do not answer at all included.
fn found(sample: &GpuSample, expected: Option<u32>) -> Vec<Found> {
    let mut found = sample.found.clone();
    let expected = expected.unwrap_or(0);
    let answer = u32::try_from(sample.gpus.len()).unwrap_or(u32::MAX);
    let hangs = found
        .iter()
        .any(|one| one.condition == Condition::DriverHangs);
    if answer < expected && !hangs {
        let detail = format!("{answer} of {expected} GPUs answer");
        found.push(Found::new(Condition::GpuMissing, detail));
    }
    if expected == 0 && sample.gpus.is_empty() {
        // A machine without GPUs has no such library, and nobody misses it.
        found.retain(|one| !matches!(one.condition, Condition::NoLibrary | Condition::NoDriver));
    }
    found
}

/// How many NVIDIA display and 3D controllers the kernel has found on the bus; nothing, if it shows no bus.
fn on_the_bus(root: &Path) -> Option<u32> {
    let read = |path: &Path, name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
    let devices = fs::read_dir(root.join("sys/bus/pci/devices")).ok()?;
    let gpus = devices.filter_map(Result::ok).filter(|device| {
        let path = device.path();
        let class = read(&path, "class");
        read(&path, "vendor").trim() == "0x10de"
            && (class.starts_with("0x0300") || class.starts_with("0x0302"))
    });
    u32::try_from(gpus.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::sample::reading::{Gpu, Source};

    /// How many answer, with which conditions, of how many; what is found.
    type Case = (
        usize,
        &'static [Condition],
        Option<u32>,
        &'static [Condition],
    );

    fn sample(gpus: usize, conditions: &[Condition]) -> GpuSample {
        GpuSample {
            source: Source::Nvml,
            driver: None,
            gpus: vec![Gpu::default(); gpus],
            found: conditions.iter().map(|one| Found::new(*one, "")).collect(),
        }
    }

    #[test]
    fn a_gpu_that_does_not_answer_is_missing() {
        let cases: [Case; 6] = [
            (4, &[], Some(4), &[]),
            (3, &[], Some(4), &[Condition::GpuMissing]),
            (
                0,
                &[Condition::DriverHangs],
                Some(1),
                &[Condition::DriverHangs],
            ),
            (
                0,
                &[Condition::NoDriver],
                Some(1),
                &[Condition::NoDriver, Condition::GpuMissing],
            ),
            (0, &[Condition::NoLibrary], Some(0), &[]),
            (1, &[], None, &[]),
        ];
        for (gpus, conditions, expected, all) in cases {
            let all_found = found(&sample(gpus, conditions), expected);
            let names: Vec<Condition> = all_found.iter().map(|one| one.condition).collect();
            assert_eq!(names, all, "{gpus} of {expected:?}");
        }
    }

    #[test]
    fn gpus_are_counted_on_the_bus() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(on_the_bus(folder.path()), None);
        for (place, vendor, class) in [
            ("0000:00:1e.0", "0x10de", "0x030200"),
            ("0000:00:1f.0", "0x10de", "0x030000"),
            ("0000:00:20.0", "0x10de", "0x040300"),
            ("0000:00:03.0", "0x1d0f", "0x030000"),
        ] {
            let device = folder.path().join("sys/bus/pci/devices").join(place);
            fs::create_dir_all(&device).expect("a folder");
            fs::write(device.join("vendor"), format!("{vendor}\n")).expect("a file");
            fs::write(device.join("class"), format!("{class}\n")).expect("a file");
        }
        assert_eq!(on_the_bus(folder.path()), Some(2));
    }

    #[tokio::test]
    async fn a_message_of_the_kernel_is_counted_once_and_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let kmsg = folder.path().join("dev/kmsg");
        fs::create_dir_all(folder.path().join("dev")).expect("a folder");
        fs::write(&kmsg, "").expect("a file");
        let config = format!(
            "version = 1\nlab = \"l\"\nnode = \"n\"\nexpected_gpus = 0\n[paths]\nroot = {root:?}\nnvml = {none:?}\nprograms = {root:?}\n",
            root = folder.path(),
            none = folder.path().join("none.so"),
        );
        let config: AgentConfig = toml::from_str(&config).expect("a file");
        let mut sampler = Sampler::new(&config);
        let patience = Duration::from_secs(20);
        let first = sampler.look(Duration::from_secs(1), patience).await;
        assert_eq!((first.errors, first.has_gpus()), (0, false));
        fs::write(&kmsg, "3,1,1,-;NVRM: Xid (PCI:0000:00:1e): 79, gone").expect("a record");
        let second = sampler.look(Duration::from_secs(6), patience).await;
        assert_eq!((second.errors, second.xids.len()), (1, 1));
        let conditions: Vec<Condition> = second.log_found.iter().map(|one| one.condition).collect();
        assert_eq!(conditions, [Condition::Xid, Condition::GpuLost]);
        let later = sampler.look(Duration::from_secs(1000), patience).await;
        let conditions: Vec<Condition> = later.log_found.iter().map(|one| one.condition).collect();
        assert_eq!((later.errors, conditions), (0, vec![Condition::GpuLost]));
    }
    #[tokio::test]
    async fn a_gpu_that_was_seen_is_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "version = 1\nlab = \"l\"\nnode = \"n\"\n[paths]\nroot = {root:?}\nnvml = {none:?}\nprograms = {root:?}\n",
            root = folder.path(),
            none = folder.path().join("none.so"),
        );
        let config: AgentConfig = toml::from_str(&config).expect("a file");
        let mut sampler = Sampler::new(&config);
        assert_eq!(sampler.expected, None);
        sampler.expect(0);
        assert_eq!(sampler.expected, None, "a machine without any");
        sampler.expect(1);
        sampler.expect(0);
        assert_eq!(sampler.expected, Some(1));
        // What the profile says counts.
        sampler.expected = Some(4);
        sampler.expect(3);
        assert_eq!(sampler.expected, Some(4));
    }
}
