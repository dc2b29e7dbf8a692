//! Why a turn with a host ends before its time.

use crate::host::HostEnd;
use crate::port::HostError;

/// Why a turn ended early.
pub(super) enum Cut {
    /// The connection: try again, or not, as its kind says.
    Link(HostError),
    /// It is over with this host.
    Over(HostEnd),
}

impl From<HostError> for Cut {
    fn from(error: HostError) -> Self {
        Self::Link(error)
    }
}
