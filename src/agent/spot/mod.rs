//! Notices of the spot market.
//!
//! Owns: asking the metadata service, what its answers mean, and the hooks. Does not own: who is told.

pub(crate) mod hook;
pub(crate) mod metadata;
pub(crate) mod notice;
pub(crate) mod poll;
