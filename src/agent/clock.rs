//! The clocks of the machine, or of a rehearsal.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::idle::lease::Clocks;
use crate::model::AgentRehearsal;

/// All that tells time here.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    began: Instant,
    /// Uptime when it began.
    uptime: Duration,
    boot: String,
    speed: u32,
    /// The wall clock when it began, if it is not the machine's.
    wall: Option<Timestamp>,
}

impl Clock {
    /// `root` is where `proc` is found.
    pub(crate) fn new(root: &Path, rehearsal: Option<&AgentRehearsal>) -> Self {
        let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
        let uptime = super::sample::proc::uptime(&read("proc/uptime")).unwrap_or(0.0);
        let wall = rehearsal.map(|rehearsal| {
            let start = rehearsal
                .start_s
                .and_then(|start| Timestamp::from_second(start).ok());
            start.unwrap_or_else(machine_time)
        });
        Self {
            began: Instant::now(),
            uptime: Duration::try_from_secs_f64(uptime).unwrap_or_default(),
            boot: read("proc/sys/kernel/random/boot_id").trim().to_owned(),
            speed: rehearsal.map_or(1, |rehearsal| rehearsal.speed.max(1)),
            wall,
        }
    }

    /// Since the start; it only goes forward.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed().saturating_mul(self.speed)
    }

    /// Since the boot.
    pub(crate) fn uptime(&self) -> Duration {
        self.uptime.saturating_add(self.now())
    }

    /// The wall clock; it may jump.
    pub(crate) fn wall(&self) -> Timestamp {
        match self.wall {
            None => machine_time(),
            Some(start) => start.saturating_add(self.now()).unwrap_or(start),
        }
    }

    /// What a lease goes by.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks {
            boot: self.boot.clone(),
            uptime_s: self.uptime().as_secs(),
            wall_s: self.wall().as_second(),
        }
    }

    /// How long that is on the machine's own clock.
    pub(crate) fn real(&self, duration: Duration) -> Duration {
        duration / self.speed
    }

    /// Waits so long on this clock.
    pub(crate) async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.real(duration)).await;
    }
}

fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_faster_and_begins_when_it_is_told() {
        let rehearsal = AgentRehearsal {
            speed: 1000,
            start_s: Some(1_700_000_000),
        };
        let clock = Clock::new(Path::new("/"), Some(&rehearsal));
        std::thread::park_timeout(Duration::from_millis(20));
        assert!(clock.now() >= Duration::from_secs(10));
        let passed = clock.wall().as_second() - 1_700_000_000;
        assert!((10..100_000).contains(&passed), "{passed}");
        assert_eq!(clock.real(Duration::from_secs(5)), Duration::from_millis(5));
    }

    #[test]
    fn this_machine_has_a_boot() {
        if !Path::new("/proc/uptime").exists() {
            return;
        }
        let clocks = Clock::new(Path::new("/"), None).clocks();
        assert!(clocks.uptime_s > 0 && clocks.boot.len() > 30, "{clocks:?}");
    }
}
