//! What the user sees while hosts are brought to what they should be, and after.

mod bars;
mod display;
mod explain;
mod lines;
mod verdicts;

pub(super) use bars::HostBars;
pub use display::HostDisplay;
pub(super) use display::HostSilence;
pub(super) use explain::explain;
pub(super) use lines::HostLines;
pub(super) use verdicts::next_of;
pub use verdicts::{examined_view, verdicts_view};
