//! What several looks at GPUs and CPUs say about use: between two looks at the other signals there are some.

use super::signal::{self, Measured, Signal, Signals};
use crate::agent::condition::Condition;
use crate::agent::sample::look::Look;

/// What was seen since it was last asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    looks: u32,
    has_gpus: bool,
    gpu: Option<f64>,
    cpu: Option<f64>,
    encodes: bool,
    unknown: Option<String>,
}

impl Usage {
    /// Takes one look.
    pub(crate) fn take(&mut self, look: &Look) {
        self.looks += 1;
        self.has_gpus |= look.has_gpus();
        if let Some(cpu) = look.host.cpu {
            self.cpu = Some(self.cpu.map_or(cpu, |highest| highest.max(cpu)));
        }
        if let Some(why) = cannot_tell(look) {
            self.unknown = Some(why);
            return;
        }
        for gpu in look.gpus() {
            self.encodes |= gpu.encodes().unwrap_or(false);
            let used = gpu.use_percent().unwrap_or(0.0);
            self.gpu = Some(self.gpu.map_or(used, |highest| highest.max(used)));
        }
    }

    /// The signals of GPUs and CPUs since it was last asked.
    pub(crate) fn signals(&mut self, gpu_below: u32, cpu_below: u32) -> Signals {
        let seen = std::mem::take(self);
        let mut signals = Signals::new();
        if seen.has_gpus || seen.looks == 0 {
            let (highest, why) = match seen.unknown {
                Some(why) => (None, why),
                None => (seen.gpu, "no GPU has answered yet".to_owned()),
            };
            signals.insert(Signal::Gpu, signal::gpu(highest, gpu_below, &why));
        } else {
            signals.insert(Signal::Cpu, signal::cpu(seen.cpu, cpu_below));
        }
        let encoder = if seen.encodes {
            Measured::Busy("video is being encoded".to_owned())
        } else {
            Measured::Quiet
        };
        signals.insert(Signal::Encoder, encoder);
        signals
    }
}

/// Why the use of the machine's GPUs is not known, if so.
fn cannot_tell(look: &Look) -> Option<String> {
    if !look.has_gpus() {
        return None;
    }
    let Some(sample) = &look.gpu else {
        return Some("the GPUs have not answered for a minute".to_owned());
    };
    if let Some(hangs) = sample
        .found
        .iter()
        .find(|one| one.condition == Condition::DriverHangs)
    {
        return Some(format!("the driver hangs ({})", hangs.detail));
    }
    let answer = u32::try_from(sample.gpus.len()).unwrap_or(u32::MAX);
    let expected = look.expected.unwrap_or(0);
    if answer < expected {
        return Some(format!("{answer} of {expected} GPUs answer"));
    }
    let silent = sample.gpus.iter().find(|gpu| gpu.use_percent().is_none())?;
    Some(format!("GPU {} does not tell its use", silent.index))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::agent::condition::Found;
    use crate::agent::sample::reading::{Gpu, GpuSample, Host, Source};

    fn look(used: &[Option<f64>], expected: Option<u32>) -> Look {
        let gpus = used.iter().map(|used| Gpu {
            utilization: *used,
            ..Gpu::default()
        });
        Look {
            gpu: Some(GpuSample {
                source: Source::Nvml,
                driver: None,
                gpus: gpus.collect(),
                found: Vec::new(),
            }),
            fresh: true,
            expected,
            host: Host {
                cpu: Some(50.0),
                ..Host::default()
            },
            errors: 0,
            xids: Vec::new(),
            last_xid: BTreeMap::new(),
            gpu_found: Vec::new(),
            host_found: Vec::new(),
            log_found: Vec::new(),
        }
    }

    fn of(looks: &[Look]) -> Signals {
        let mut usage = Usage::default();
        looks.iter().for_each(|look| usage.take(look));
        usage.signals(5, 10)
    }

    #[test]
    fn the_highest_of_all_looks_counts() {
        let looks = [
            look(&[Some(0.0), Some(60.0)], None),
            look(&[Some(0.0), Some(0.0)], None),
        ];
        assert!(matches!(of(&looks)[&Signal::Gpu], Measured::Busy(_)));
        assert_eq!(of(&looks[1..])[&Signal::Gpu], Measured::Quiet);
    }

    #[test]
    fn what_cannot_be_measured_is_not_known() {
        let mut hangs = look(&[], Some(1));
        if let Some(sample) = &mut hangs.gpu {
            sample
                .found
                .push(Found::new(Condition::DriverHangs, "20 s"));
        }
        let mut silent = look(&[Some(0.0)], Some(1));
        silent.gpu = None;
        let cases = [
            ("3 of 4", look(&[Some(0.0); 3], Some(4))),
            ("does not tell", look(&[None], Some(1))),
            ("hangs", hangs),
            ("for a minute", silent),
        ];
        for (words, look) in cases {
            let idle = self::look(&[Some(0.0); 4], None);
            match &of(&[idle, look])[&Signal::Gpu] {
                Measured::Unknown(why) => assert!(why.contains(words), "{why}"),
                other => panic!("{words}: {other:?}"),
            }
        }
        assert!(
            matches!(of(&[])[&Signal::Gpu], Measured::Unknown(_)),
            "no look at all"
        );
    }

    #[test]
    fn without_gpus_the_cpus_count() {
        let signals = of(&[look(&[], Some(0))]);
        assert!(!signals.contains_key(&Signal::Gpu));
        assert!(matches!(signals[&Signal::Cpu], Measured::Busy(_)));
    }

    #[test]
    fn a_stream_that_is_encoded_is_use() {
        let mut streams = look(&[Some(0.0)], None);
        if let Some(sample) = &mut streams.gpu {
            sample.gpus[0].encoder_sessions = Some(1);
        }
        let signals = of(&[streams, look(&[Some(0.0)], None)]);
        assert!(matches!(signals[&Signal::Encoder], Measured::Busy(_)));
    }
}
