//! What a user wants to see each morning.

mod report;
mod view;

pub use report::{AddressStatus, HostStatus, NodeStatus, Spending, StatusReport, VolumeStatus};
pub use view::status_view;
