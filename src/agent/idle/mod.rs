//! When an idle machine is shut down, and when a lease ends.
//!
//! Owns: what counts as use, looking for it, and the two state machines. Does not own: warning people, shutting down.

pub(crate) mod containers;
pub(crate) mod lease;
pub(crate) mod machine;
pub(crate) mod places;
pub(crate) mod processes;
pub(crate) mod signal;
pub(crate) mod titles;
pub(crate) mod usage;
pub(crate) mod watch;
