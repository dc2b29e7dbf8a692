//! A run as it goes on: three displays of one stream of events, chosen once at the start, and the account at its end.

mod bars;
mod display;
mod ending;
mod lines;
mod progress;
#[cfg(test)]
mod samples;
mod wording;

pub use bars::Bars;
pub use display::{Display, DisplayKind, Silent, choose_display};
pub use ending::{EndReport, Remains, Standing, end_view};
pub use lines::Lines;
#[cfg(test)]
pub(super) use samples::{at, story};
