//! From measurements to CloudWatch: numbers, statistic sets, a queue on disk, batches, calls.
//!
//! Owns: what is published, when, and that nothing is published twice or lost uncounted. Does not own: measuring.

pub(crate) mod batch;
pub(crate) mod cloudwatch;
pub(crate) mod interval;
pub(crate) mod ledger;
pub(crate) mod open;
pub(crate) mod outcome;
pub(crate) mod pace;
pub(crate) mod queue;
pub(crate) mod search;
pub(crate) mod sender;
pub(crate) mod series;
