//! Rebooting a host for a step, and waiting until it is back in another boot.

use std::time::Duration;

use super::cut::Cut;
use super::tend::{SHORT, Tender};
use crate::assets::MayReboot;
use crate::event::HostNews;
use crate::host::{Command, HostEnd, StepState};
use crate::port::{HostError, HostErrorKind, HostLink};

/// Reboots for one step.
const MOST_REBOOTS: u32 = 3;

impl Tender<'_> {
    /// Reboots the host. What it returns ends the visit: the next one finds the host in its new boot.
    pub(super) async fn reboot(&mut self, link: &mut dyn HostLink, at: usize) -> Result<Cut, Cut> {
        let step = self.step(at);
        let times = self.reboots.entry(step.name().to_owned()).or_default();
        *times += 1;
        if *times > MOST_REBOOTS || step.script.step.header.reboot == MayReboot::Never {
            return Err(Cut::Over(self.failed(at, StepState::Reboot, None)));
        }
        self.tell(HostNews::Rebooting {
            step: step.name().to_owned(),
        });
        let left = self.tending.clock.now();
        let old = self.facts.boot_id().to_owned();
        let line = self.runner.line(&Command::Reboot);
        // The answer may be cut by the reboot itself.
        let _ = link.run(&line, &[], SHORT).await;
        self.reached = left;
        let mut stayed = false;
        while self.since(left) < self.tending.patience && !self.stop.is_asked() {
            self.pause(Duration::from_secs(1)).await;
            let Ok(mut link) = self.tending.hosts.connect(&self.job.target).await else {
                stayed = false;
                continue;
            };
            let Ok(facts) = self.facts(link.as_mut()).await else {
                continue;
            };
            stayed = facts.boot_id() == old;
            if !stayed {
                self.tell(HostNews::Back {
                    took: self.since(left),
                });
                return Ok(Cut::Link(HostError::new(
                    HostErrorKind::Unreachable,
                    "it has rebooted",
                )));
            }
        }
        Err(Cut::Over(not_back(stayed)))
    }
}

/// How it ends with a host that has not begun another boot; `stayed` if it still answers in the old one.
fn not_back(stayed: bool) -> HostEnd {
    if stayed {
        HostEnd::Strange(
            "it has not rebooted though it was asked to: `systemd-inhibit --list` on it names what keeps it from that"
                .to_owned(),
        )
    } else {
        HostEnd::Unreachable("it has not come back from its reboot".to_owned())
    }
}
