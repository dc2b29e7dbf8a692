//! What happened, line by line: compared between two plays of a seed, and shown when one fails.

use std::fmt::Write as _;
use std::sync::Mutex;

/// The lines, if anybody wants them.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Option<Mutex<String>>,
}

impl Log {
    pub(crate) fn new(kept: bool) -> Self {
        Self {
            lines: kept.then(Mutex::default),
        }
    }

    /// Takes a line; it is only made if it is kept.
    pub(crate) fn line(&self, text: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let mut lines = lines.lock().expect("no panic holds it");
            writeln!(lines, "{}", text()).expect("a text takes everything");
        }
    }

    /// All lines.
    pub(crate) fn text(&self) -> String {
        self.lines
            .as_ref()
            .map(|lines| lines.lock().expect("no panic holds it").clone())
            .unwrap_or_default()
    }
}
