//! An error that ends a command: what, why, and what helps.

use std::error::Error;

use super::failure::{Circumstances, failure_lines};
use super::page::{Line, Page};
use super::style::{Look, Role};
use crate::model::Failure;

/// An error with what helps against it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorReport {
    /// What went wrong, a fragment: `the lockfile cannot be read`.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What helps, each a sentence or a command.
    pub help: Vec<String>,
}

impl ErrorReport {
    /// An error with all that caused it.
    pub fn of(error: &dyn Error) -> Self {
        let mut report = Self::new(error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            report.causes.push(error.to_string());
            cause = error.source();
        }
        report
    }

    /// An error that is told by `message` alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Adds what helps.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Renders an error.
pub fn error_view(error: &ErrorReport, look: &Look) -> String {
    let ErrorReport {
        message,
        causes,
        help,
    } = error;
    let mut page = Page::default();
    page.line(
        Line::at(0)
            .hang(7)
            .add(Role::Bad, "error: ")
            .add(Role::Strong, message),
    );
    page.lines(causes.iter().map(|cause| {
        Line::at(2)
            .hang(4)
            .add(Role::Faint, "because: ")
            .plain(cause)
    }));
    page.lines(help.iter().map(|help| {
        if help.starts_with("roboinfra ") || help.starts_with("aws ") {
            Line::command(2, help)
        } else {
            Line::at(2).hang(4).add(Role::Faint, "help: ").plain(help)
        }
    }));
    page.render(look)
}

/// Renders a failed call that ends a command; `doing` says what was tried, as in `reading the lab failed`.
pub fn failed_view(
    doing: &str,
    failure: &Failure,
    circumstances: &Circumstances<'_>,
    look: &Look,
) -> String {
    let mut page = Page::default();
    page.line(
        Line::at(0)
            .hang(7)
            .add(Role::Bad, "error: ")
            .add(Role::Strong, format!("{doing} failed")),
    );
    page.lines(failure_lines(failure, circumstances, 2));
    page.render(look)
}

/// Renders a warning.
pub fn warning_view(text: &str, look: &Look) -> String {
    Line::at(0)
        .hang(9)
        .add(Role::Notice, "warning: ")
        .plain(text)
        .render(look)
        + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the lockfile cannot be read")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_names_its_causes_once_and_the_next_command() {
        let error = Outer(std::io::Error::other("is a directory\u{7}"));
        let report = ErrorReport::of(&error)
            .help("Move it away.")
            .help("roboinfra state rebuild");
        insta::assert_snapshot!(error_view(&report, &Look::plain(80)), @r"
        error: the lockfile cannot be read
          because: is a directory\u{7}
          help: Move it away.
          roboinfra state rebuild
        ");
    }
}
