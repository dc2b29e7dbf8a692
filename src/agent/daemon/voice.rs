//! What is said when conditions begin and end.

use crate::agent::condition::{Conditions, Finder, Found, Turn};
use crate::agent::journal::{Journal, Weight};

/// The journal, with the conditions that were said there.
#[derive(Debug)]
pub(crate) struct Voice {
    /// The journal.
    pub(crate) journal: Journal,
    /// What holds.
    pub(crate) conditions: Conditions,
}

impl Voice {
    pub(crate) fn new(journal: Journal) -> Self {
        Self {
            journal,
            conditions: Conditions::default(),
        }
    }

    /// Takes what one finder found, and says what has begun and what is over.
    pub(crate) fn look(&mut self, finder: Finder, found: &[Found]) {
        for turn in self.conditions.look(finder, found) {
            match turn {
                Turn::Begun(condition, detail) => {
                    let name = condition.name();
                    let weight = if condition.is_harmless() {
                        Weight::Info
                    } else {
                        Weight::Warning
                    };
                    let message = format!("{name}: {detail}");
                    self.journal
                        .say(weight, "condition-begun", &message, &[("condition", name)]);
                }
                Turn::Over(condition) => {
                    let name = condition.name();
                    let message = format!("{name} is over");
                    self.journal.say(
                        Weight::Info,
                        "condition-over",
                        &message,
                        &[("condition", name)],
                    );
                }
            }
        }
    }

    /// Says something else.
    pub(crate) fn say(&self, weight: Weight, event: &str, message: &str) {
        self.journal.say(weight, event, message, &[]);
    }
}
