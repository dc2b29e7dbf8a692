//! What means that a machine is in use. A signal that cannot be measured means it, too.

use std::collections::BTreeMap;

/// A reason to be busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Signal {
    /// A GPU is used.
    Gpu,
    /// The CPUs are used; on machines without a GPU.
    Cpu,
    /// Video is encoded: somebody looks at a stream.
    Encoder,
    /// Somebody is logged in.
    Login,
    /// A container runs that is no service.
    Job,
    /// A notebook's kernel works.
    Kernel,
    /// A bootstrap step runs.
    Step,
    /// Somebody asked to be left alone.
    Hold,
}

impl Signal {
    /// Its name in logs and labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Encoder => "encoder",
            Self::Login => "login",
            Self::Job => "job",
            Self::Kernel => "kernel",
            Self::Step => "step",
            Self::Hold => "hold",
        }
    }
}

/// What a look at one signal said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Measured {
    /// Not in use.
    Quiet,
    /// In use, in words.
    Busy(String),
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Measured {
    /// In use if there is something to say.
    pub(crate) fn from_words(words: &[String]) -> Self {
        match words {
            [] => Self::Quiet,
            [one] => Self::Busy(one.clone()),
            [one, rest @ ..] => Self::Busy(format!("{one} and {} more", rest.len())),
        }
    }
}

/// One look at everything.
pub(crate) type Signals = BTreeMap<Signal, Measured>;

/// Why the machine is in use: nothing means that it is idle.
pub(crate) fn reasons(signals: &Signals) -> Vec<(Signal, String)> {
    signals
        .iter()
        .filter_map(|(signal, measured)| {
            let words = match measured {
                Measured::Quiet => return None,
                Measured::Busy(words) => words.clone(),
                Measured::Unknown(why) => format!("cannot tell: {why}"),
            };
            Some((*signal, words))
        })
        .collect()
}

/// GPU use since the look before, against what counts as idle.
pub(crate) fn gpu(highest: Option<f64>, below: u32, why_unknown: &str) -> Measured {
    match highest {
        None => Measured::Unknown(why_unknown.to_owned()),
        Some(share) if share < f64::from(below) => Measured::Quiet,
        Some(share) => Measured::Busy(format!("{share:.0} % of a GPU is used")),
    }
}

/// CPU use since the look before, against what counts as idle.
pub(crate) fn cpu(share: Option<f64>, below: u32) -> Measured {
    match share {
        None => Measured::Unknown("CPU use is not known yet".to_owned()),
        Some(share) if share < f64::from(below) => Measured::Quiet,
        Some(share) => Measured::Busy(format!("{share:.0} % of the CPUs are used")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_busy() {
        let signals = Signals::from([
            (Signal::Gpu, gpu(None, 5, "the driver hangs")),
            (Signal::Cpu, cpu(Some(3.0), 10)),
            (Signal::Login, Measured::Quiet),
        ]);
        let expected = vec![(Signal::Gpu, "cannot tell: the driver hangs".to_owned())];
        assert_eq!(reasons(&signals), expected);
    }

    #[test]
    fn the_threshold_itself_is_use() {
        assert_eq!(gpu(Some(4.9), 5, ""), Measured::Quiet);
        assert!(matches!(gpu(Some(5.0), 5, ""), Measured::Busy(_)));
        assert!(
            matches!(gpu(Some(f64::NAN), 5, ""), Measured::Busy(_)),
            "no number is below"
        );
        assert!(matches!(cpu(Some(10.0), 10), Measured::Busy(_)));
        assert!(matches!(cpu(None, 10), Measured::Unknown(_)));
    }

    #[test]
    fn many_are_told_in_few_words() {
        let words = |count: usize| -> Vec<String> { (0..count).map(|n| format!("w{n}")).collect() };
        assert_eq!(Measured::from_words(&words(0)), Measured::Quiet);
        assert_eq!(
            Measured::from_words(&words(1)),
            Measured::Busy("w0".to_owned())
        );
        assert_eq!(
            Measured::from_words(&words(3)),
            Measured::Busy("w0 and 2 more".to_owned())
        );
    }
}
