//! What must hold for any bytes that roboinfra reads: one module for each reader, each with one function `check`.
//!
//! A check panics where something does not hold. "It does not panic" is the least of them: what was read is written
//! and read again, what is said about it can be shown on a terminal, and the time grows with the input only.

pub mod journal;
pub mod lockfile;
pub mod profile;
pub mod requests;
pub mod scenario;
pub mod seal;
pub mod terminal;
pub mod watch;
