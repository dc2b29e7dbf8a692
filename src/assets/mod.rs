//! `bootstrap/` as data: the runner, the steps with their headers, and the scripts that are made of them.
//!
//! Owns: what a step says of itself, and the exact text that reaches a host. Does not own: which steps a host gets
//! (`lab`), or how they get there (`apply`, `ssh`).

mod bundle;
mod header;
mod order;
mod script;

pub use bundle::{LIBRARY, RUNNER, Step, step, steps};
pub use header::{Header, HeaderError, MayReboot, parse_header};
pub use order::{OrderError, in_order};
pub use script::{Script, runner_digest, script};
