//! What Prometheus is answered.
//!
//! Owns: the page and the port. Does not own: the numbers.

pub(crate) mod page;
pub(crate) mod serve;
