//! Hosts over SSH, with libssh2.
//!
//! Owns: connections, host keys, logging in, and running commands so that nothing can hang. Does not own: what is run.
//!
//! What libssh2 gets wrong is kept in here: an exit status that reads as 0 when there was none is never asked for; every
//! call is bounded; a session has one thread and one channel at a time; a session that is dropped has its socket shut
//! first, because libssh2 would wait for it.

mod connect;
mod link;
mod login;
mod marks;
mod pins;
mod session;

pub use connect::Ssh;
pub use pins::{KeyCheck, Pins, PinsError, fingerprint};
