//! Who is asked about the GPUs: the library; without it `nvidia-smi`; on a Jetson `tegrastats`.

use std::path::PathBuf;
use std::time::Duration;

use super::command::{self, Ended, Program};
use super::nvml::Library;
use super::reading::GpuSample;
use super::stream::Stream;
use super::{smi, tegra};
use crate::agent::condition::{Condition, Found};

/// Something that tells about GPUs. It may block, and may never come back.
pub(crate) trait GpuSource: Send {
    /// One look; nothing, if it is too soon for another one. `now` is any clock that only goes forward.
    fn sample(&mut self, now: Duration) -> Option<GpuSample>;
}

/// How long until the library is tried again. Drivers are installed and loaded while the daemon runs.
const REOPEN: Duration = Duration::from_secs(60);

/// Between two runs of `nvidia-smi`: each takes a tenth of a second of a core, or a second if the driver sleeps.
const SMI_EVERY: Duration = Duration::from_secs(30);

/// The longest that one run may take; on a lost GPU it takes minutes.
const SMI_LIMIT: Duration = Duration::from_secs(10);

/// What came of asking one source.
enum Asked {
    /// It is not on this machine.
    NotThere,
    /// It has nothing new to say yet.
    TooSoon,
    /// This.
    Said(GpuSample),
}

/// The sources of a machine, best first.
#[derive(Debug)]
pub(crate) struct Chain {
    nvml: Option<PathBuf>,
    programs: Option<PathBuf>,
    library: Option<Library>,
    open_at: Duration,
    why_not: Option<Found>,
    smi: Option<Program>,
    smi_at: Duration,
    tegra: Option<Stream>,
    tegra_line: Option<u64>,
    sample_every: Duration,
}

impl Chain {
    /// `nvml` is the library's file, `programs` a folder to look in first.
    pub(crate) fn new(
        nvml: Option<PathBuf>,
        programs: Option<PathBuf>,
        sample_every: Duration,
    ) -> Self {
        Self {
            nvml,
            programs,
            library: None,
            open_at: Duration::ZERO,
            why_not: None,
            smi: None,
            smi_at: Duration::ZERO,
            tegra: None,
            tegra_line: None,
            sample_every,
        }
    }

    fn by_library(&mut self, now: Duration) -> Option<GpuSample> {
        if self.library.is_none() && now >= self.open_at {
            self.open_at = now + REOPEN;
            match Library::open(self.nvml.as_deref()) {
                Ok(library) => {
                    self.library = Some(library);
                    self.why_not = None;
                }
                Err(found) => self.why_not = Some(found),
            }
        }
        match self.library.as_mut()?.sample() {
            Ok(sample) => Some(sample),
            Err(found) => {
                self.library = None;
                self.why_not = Some(found);
                None
            }
        }
    }

    fn by_smi(&mut self, now: Duration) -> Asked {
        if now < self.smi_at {
            return Asked::TooSoon;
        }
        if self.smi.is_none() {
            let path = command::find("nvidia-smi", self.programs.as_deref());
            self.smi = path.map(|path| Program::new(path, SMI_LIMIT));
        }
        let Some(smi) = &self.smi else {
            return Asked::NotThere;
        };
        self.smi_at = now + SMI_EVERY.max(self.sample_every);
        let found = match smi.run(smi::arguments()) {
            Ended::Said { text, well } => return Asked::Said(smi::parse(&text, well)),
            Ended::NotThere => {
                self.smi = None;
                self.smi_at = Duration::ZERO;
                return Asked::NotThere;
            }
            Ended::TooSlow => Found::new(
                Condition::DriverHangs,
                format!("nvidia-smi did not end in {} s", SMI_LIMIT.as_secs()),
            ),
            Ended::StillThere => Found::new(
                Condition::DriverHangs,
                "an earlier nvidia-smi has still not ended",
            ),
            Ended::NotStarted(why) => {
                Found::new(Condition::ToolFailed, format!("nvidia-smi: {why}"))
            }
        };
        Asked::Said(GpuSample::nothing(vec![found]))
    }

    fn by_tegrastats(&mut self, now: Duration) -> Asked {
        if self.tegra.is_none() {
            let path = command::find("tegrastats", self.programs.as_deref());
            let every = self.sample_every.as_millis().to_string();
            let arguments = vec!["--interval".to_owned(), every];
            self.tegra = path.map(|path| Stream::new(path, arguments));
        }
        let Some(stream) = &mut self.tegra else {
            return Asked::NotThere;
        };
        match stream.latest(now) {
            Ok((number, line)) => {
                if number == 0 || self.tegra_line.replace(number) == Some(number) {
                    return Asked::TooSoon;
                }
                Asked::Said(tegra::parse(&line))
            }
            Err(why) => {
                let found = Found::new(Condition::ToolFailed, format!("tegrastats: {why}"));
                Asked::Said(GpuSample::nothing(vec![found]))
            }
        }
    }
}

impl GpuSource for Chain {
    fn sample(&mut self, now: Duration) -> Option<GpuSample> {
        if let Some(sample) = self.by_library(now) {
            return Some(sample);
        }
        let other = match self.by_smi(now) {
            Asked::NotThere => self.by_tegrastats(now),
            other => other,
        };
        let why_not: Vec<Found> = self.why_not.iter().cloned().collect();
        match other {
            Asked::NotThere => Some(GpuSample::nothing(why_not)),
            Asked::TooSoon => None,
            Asked::Said(mut sample) => {
                // A Jetson has no such library, and nobody misses it.
                if self.tegra.is_none() {
                    sample.found.extend(why_not);
                }
                Some(sample)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;
    use crate::agent::sample::reading::Source;

    fn program(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn chain(folder: &Path) -> Chain {
        let nvml = folder.join("libnvidia-ml.so.1");
        Chain::new(Some(nvml), Some(folder.to_owned()), Duration::from_secs(5))
    }

    fn conditions(sample: &GpuSample) -> Vec<Condition> {
        sample.found.iter().map(|found| found.condition).collect()
    }

    #[test]
    fn without_a_library_the_program_is_asked_now_and_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let line =
            "0, GPU-a, Tesla T4, 0:0:0.0, 580.1, 7, 1, 1, 1, 2, 40, 30, 70, 1, 1, 0, 0, [N/A]";
        program(folder.path(), "nvidia-smi", &format!("echo '{line}'"));
        let mut chain = chain(folder.path());
        let sample = chain
            .sample(Duration::from_secs(100))
            .expect("the first look");
        assert_eq!(sample.source, Source::NvidiaSmi);
        assert_eq!(sample.gpus[0].utilization, Some(7.0));
        assert_eq!(conditions(&sample), [Condition::NoLibrary]);
        assert_eq!(
            chain.sample(Duration::from_secs(105)),
            None,
            "it is too soon"
        );
        assert!(chain.sample(Duration::from_secs(131)).is_some());
    }

    #[test]
    fn nothing_at_all_is_an_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        if command::find("nvidia-smi", None).is_some() {
            return;
        }
        let sample = chain(folder.path())
            .sample(Duration::ZERO)
            .expect("an answer");
        assert_eq!(sample.source, Source::None);
        assert_eq!(conditions(&sample), [Condition::NoLibrary]);
    }

    #[test]
    fn a_jetson_is_asked_by_its_own_program() {
        let folder = tempfile::tempdir().expect("a folder");
        if command::find("nvidia-smi", None).is_some() {
            return;
        }
        let text = "while :; do echo 'RAM 1/2MB GR3D_FREQ 12%@300 GPU@40C'; sleep 0.05; done";
        program(folder.path(), "tegrastats", text);
        let mut chain = chain(folder.path());
        let mut sample = None;
        for _ in 0..200 {
            sample = chain.sample(Duration::from_secs(1));
            if sample.is_some() {
                break;
            }
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let sample = sample.expect("it says something soon");
        assert_eq!(sample.source, Source::Tegrastats);
        assert_eq!(sample.gpus[0].utilization, Some(12.0));
        assert_eq!(sample.found, [], "nobody misses the library");
    }
}
