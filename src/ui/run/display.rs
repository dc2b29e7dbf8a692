//! What every display of a run can do, and which one suits.

use jiff::Timestamp;

use crate::event::Event;

/// Shows a run. It is told everything and can steer nothing.
pub trait Display: Send {
    /// Something happened at `now`.
    fn event(&mut self, event: &Event, now: Timestamp);

    /// Shows a sentence about what comes before or after the run itself: reading, recovering, saving.
    fn note(&mut self, text: &str);
}

/// The displays there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayKind {
    /// Moving bars on a terminal.
    Bars,
    /// One line for each thing that happens.
    Lines,
    /// One JSON object for each event, on stdout.
    Json,
    /// Nothing.
    Silent,
}

/// Which display suits.
pub fn choose_display(json: bool, quiet: bool, moving: bool) -> DisplayKind {
    match (json, quiet, moving) {
        (true, _, _) => DisplayKind::Json,
        (false, true, _) => DisplayKind::Silent,
        (false, false, true) => DisplayKind::Bars,
        (false, false, false) => DisplayKind::Lines,
    }
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Display for Silent {
    fn event(&mut self, _: &Event, _: Timestamp) {}

    fn note(&mut self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_go_first_then_silence_then_movement() {
        assert_eq!(choose_display(true, true, true), DisplayKind::Json);
        assert_eq!(choose_display(false, true, true), DisplayKind::Silent);
        assert_eq!(choose_display(false, false, true), DisplayKind::Bars);
        assert_eq!(choose_display(false, false, false), DisplayKind::Lines);
    }
}
