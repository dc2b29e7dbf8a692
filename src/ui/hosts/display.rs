//! What every display of hosts can do.

use jiff::Timestamp;

use crate::event::HostEvent;

/// Shows what happens with hosts.
pub trait HostDisplay: Send {
    /// Something happened at `now`.
    fn host(&mut self, event: &HostEvent, now: Timestamp);
}

/// Shows nothing.
#[derive(Debug)]
pub(in crate::ui) struct HostSilence;

impl HostDisplay for HostSilence {
    fn host(&mut self, _: &HostEvent, _: Timestamp) {}
}
