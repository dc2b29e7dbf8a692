//! What programs read: one JSON object per line, the first naming the format and its version.
//!
//! The types here are mirrors, made for their readers; the runtime types may change without them. A field may be
//! added within a version; taking one away, or changing what one means, takes a new version.

mod agent;
mod ending;
mod error;
mod events;
mod graph;
mod hosts;
mod line;
mod metrics;
mod plan;
mod policy;
mod problems;
mod state;
mod status;

pub use agent::hold_json;
pub use ending::end_json;
pub use error::{ErrorMirror, error_json, error_opening};
pub use events::{Events, nothing_ran_json};
pub use graph::graph_json;
pub use hosts::{HostEvents, examined_json, verdicts_json};
pub use line::{Format, line};
pub use metrics::metrics_json;
pub use plan::plan_json;
pub use policy::{host_role_json, policy_json};
pub use problems::problems_json;
pub use state::state_json;
pub use status::{status_json, status_of_nothing_json};
