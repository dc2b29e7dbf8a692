//! The smallest IAM policy for a lab: which permissions each API call takes, where, and under which condition.
//!
//! Owns: one table of every call that the adapter makes, and the documents made from it. Does not own: the calls
//! (`aws`), or showing documents (`cli`).
//!
//! A call that is added to `aws` needs a row in `table.rs`; `tests/policy.rs` compares the two.

mod document;
mod host;
mod needs;
mod place;
mod table;
mod types;

pub use document::{MANAGED_POLICY_LIMIT, Policy, Statement, policy};
pub use host::{HostPolicy, HostRole, host_role};
pub use table::TABLE;
pub use types::{Call, Grant, Need, Part, Phase, Place, Service};
