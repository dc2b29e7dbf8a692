//! What may be wrong on a machine, counted and remembered: nothing of it ends the daemon.
//!
//! Owns: the list of conditions, and which of them hold. Does not own: finding them, or saying them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Something that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Condition {
    /// The GPU library is not there.
    NoLibrary,
    /// The library is there, the driver is not loaded.
    NoDriver,
    /// Library and driver are of different versions: an upgrade without a reboot.
    DriverMismatch,
    /// The library lacks a function.
    MissingFunction,
    /// A GPU has fallen off the bus.
    GpuLost,
    /// A GPU works again only after a reset.
    GpuNeedsReset,
    /// The machine type has more GPUs than answer.
    GpuMissing,
    /// The driver has not answered for a while.
    DriverHangs,
    /// GPUs are divided: their use is known by their processes only.
    Mig,
    /// A device refused to answer in another way.
    GpuUnreadable,
    /// `nvidia-smi` or `tegrastats` failed, or said what is not understood.
    ToolFailed,
    /// The kernel has logged an Xid message.
    Xid,
    /// A file of the kernel could not be read.
    HostUnreadable,
    /// The kernel's log cannot be read: Xid messages are not seen.
    NoKernelLog,
    /// CloudWatch cannot be reached.
    Unreachable,
    /// CloudWatch refuses: permission, credentials, clock.
    Denied,
    /// CloudWatch found fault with what it was sent; it is dropped.
    Rejected,
    /// Samples were dropped because too many waited.
    QueueFull,
    /// The queue cannot be written: samples wait in memory.
    QueueUnwritable,
    /// The metadata service does not answer.
    NoMetadata,
    /// Prometheus cannot be answered: the port is taken.
    PortTaken,
    /// A signal of use could not be measured: the machine counts as busy.
    CannotTell,
    /// The hold cannot be read: the machine counts as busy.
    BadHold,
    /// A hook failed or did not end in time.
    HookFailed,
    /// The machine was told to shut down and did not.
    StillOn,
}

impl Condition {
    /// Every one.
    pub(crate) const ALL: &'static [Self] = &[
        Self::NoLibrary,
        Self::NoDriver,
        Self::DriverMismatch,
        Self::MissingFunction,
        Self::GpuLost,
        Self::GpuNeedsReset,
        Self::GpuMissing,
        Self::DriverHangs,
        Self::Mig,
        Self::GpuUnreadable,
        Self::ToolFailed,
        Self::Xid,
        Self::HostUnreadable,
        Self::NoKernelLog,
        Self::Unreachable,
        Self::Denied,
        Self::Rejected,
        Self::QueueFull,
        Self::QueueUnwritable,
        Self::NoMetadata,
        Self::PortTaken,
        Self::CannotTell,
        Self::BadHold,
        Self::HookFailed,
        Self::StillOn,
    ];

    /// Its name in logs and labels.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoLibrary => "no-library",
            Self::NoDriver => "no-driver",
            Self::DriverMismatch => "driver-mismatch",
            Self::MissingFunction => "missing-function",
            Self::GpuLost => "gpu-lost",
            Self::GpuNeedsReset => "gpu-needs-reset",
            Self::GpuMissing => "gpu-missing",
            Self::DriverHangs => "driver-hangs",
            Self::Mig => "mig",
            Self::GpuUnreadable => "gpu-unreadable",
            Self::ToolFailed => "tool-failed",
            Self::Xid => "xid",
            Self::HostUnreadable => "host-unreadable",
            Self::NoKernelLog => "no-kernel-log",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Rejected => "rejected",
            Self::QueueFull => "queue-full",
            Self::QueueUnwritable => "queue-unwritable",
            Self::NoMetadata => "no-metadata",
            Self::PortTaken => "port-taken",
            Self::CannotTell => "cannot-tell",
            Self::BadHold => "bad-hold",
            Self::HookFailed => "hook-failed",
            Self::StillOn => "still-on",
        }
    }

    /// Whether it is how the machine is made, and no trouble.
    pub(crate) const fn is_harmless(self) -> bool {
        matches!(self, Self::Mig | Self::NoKernelLog)
    }
}

/// A condition with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which.
    pub(crate) condition: Condition,
    /// In words.
    pub(crate) detail: String,
}

impl Found {
    pub(crate) fn new(condition: Condition, detail: impl Into<String>) -> Self {
        Self {
            condition,
            detail: detail.into(),
        }
    }
}

/// Who looks: each place that finds conditions reports all of its own at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finder {
    /// The GPUs' measurement.
    Gpu,
    /// The machine's measurement.
    Host,
    /// The kernel's log.
    KernelLog,
    /// The signals of use.
    Idle,
    /// The publisher.
    Publish,
    /// The metadata service and the hooks.
    Spot,
    /// The answers to Prometheus.
    Prometheus,
}

/// What is known of one condition since the daemon's start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// How often a look found it.
    pub(crate) seen: u64,
    /// How often it began.
    pub(crate) began: u64,
    /// Who finds it now, and what they say.
    holds: BTreeMap<Finder, String>,
}

/// What is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It holds, and did not before.
    Begun(Condition, String),
    /// It holds no more.
    Over(Condition),
}

/// All conditions since the daemon's start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    records: BTreeMap<Condition, Record>,
}

impl Conditions {
    /// Takes what one look found, all of it; what the same finder found before and not now is over.
    pub(crate) fn look(&mut self, finder: Finder, found: &[Found]) -> Vec<Turn> {
        let mut now: BTreeMap<Condition, &str> = BTreeMap::new();
        for one in found {
            now.entry(one.condition).or_insert(&one.detail);
        }
        let mut turns = Vec::new();
        for (condition, record) in &mut self.records {
            if !now.contains_key(condition)
                && record.holds.remove(&finder).is_some()
                && record.holds.is_empty()
            {
                turns.push(Turn::Over(*condition));
            }
        }
        for (condition, detail) in now {
            let record = self.records.entry(condition).or_default();
            record.seen += 1;
            let held = !record.holds.is_empty();
            record.holds.insert(finder, detail.to_owned());
            if !held {
                record.began += 1;
                turns.push(Turn::Begun(condition, detail.to_owned()));
            }
        }
        turns
    }

    /// What holds now, with a word on each.
    pub(crate) fn holding(&self) -> impl Iterator<Item = (Condition, &str)> {
        self.records.iter().filter_map(|(condition, record)| {
            let detail = record.holds.values().next()?;
            Some((*condition, detail.as_str()))
        })
    }

    /// How many hold that are trouble.
    pub(crate) fn troubles(&self) -> usize {
        self.holding()
            .filter(|(condition, _)| !condition.is_harmless())
            .count()
    }

    /// Whether it holds now, how often a look found it, how often it began.
    pub(crate) fn of(&self, condition: Condition) -> (bool, u64, u64) {
        self.records
            .get(&condition)
            .map_or((false, 0, 0), |record| {
                (!record.holds.is_empty(), record.seen, record.began)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Found {
        Found::new(Condition::GpuLost, "GPU 1")
    }

    #[test]
    fn a_condition_is_said_when_it_begins_and_when_it_ends() {
        let mut conditions = Conditions::default();
        let begun = conditions.look(Finder::Gpu, &[lost(), lost()]);
        assert_eq!(
            begun,
            [Turn::Begun(Condition::GpuLost, "GPU 1".to_owned())],
            "twice in one look is once"
        );
        assert_eq!(conditions.look(Finder::Gpu, &[lost()]), []);
        assert_eq!(conditions.of(Condition::GpuLost), (true, 2, 1));
        assert_eq!(
            conditions.look(Finder::Gpu, &[]),
            [Turn::Over(Condition::GpuLost)]
        );
        assert_eq!(conditions.of(Condition::GpuLost), (false, 2, 1));
        assert_eq!(conditions.look(Finder::Gpu, &[]), []);
    }

    #[test]
    fn what_two_find_is_over_when_neither_finds_it() {
        let mut conditions = Conditions::default();
        conditions.look(Finder::Gpu, &[lost()]);
        assert_eq!(conditions.look(Finder::KernelLog, &[lost()]), []);
        assert_eq!(conditions.look(Finder::Gpu, &[]), []);
        assert_eq!(conditions.troubles(), 1);
        assert_eq!(
            conditions.look(Finder::KernelLog, &[]),
            [Turn::Over(Condition::GpuLost)]
        );
    }

    #[test]
    fn what_is_no_trouble_is_not_counted_as_such() {
        let mut conditions = Conditions::default();
        conditions.look(Finder::Gpu, &[Found::new(Condition::Mig, "GPU 0"), lost()]);
        assert_eq!(
            (conditions.holding().count(), conditions.troubles()),
            (2, 1)
        );
    }

    #[test]
    fn every_condition_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> =
            Condition::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), Condition::ALL.len());
        for condition in Condition::ALL {
            let json = serde_json::to_string(condition).expect("a word");
            assert_eq!(json, format!("\"{}\"", condition.name()));
        }
    }
}
