//! Brings hosts to what they should be: connects, starts steps, follows them, reboots, measures.
//!
//! Owns: when a host is asked again and when it is given up. Does not own: what to do next (`host::next` decides that), or
//! the connection (`ssh`).

mod agents;
mod answers;
mod bring;
mod cut;
mod examine;
mod follow;
mod introduced;
mod job;
mod log;
mod many;
mod measure;
mod reboot;
mod record;
mod tend;

pub use agents::{agents, hold};
pub use examine::examine;
pub use introduced::Introduced;
pub use job::{HostJob, Tending};
pub use log::StepLog;
pub use many::bootstrap;
pub use record::remember;
