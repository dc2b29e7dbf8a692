//! Failures.

use serde::Serialize;

use super::line::{Format, line};
use crate::model::{Failure, FailureClass, Leftover};
use crate::ui::failure::{Circumstances, Help, advise};

/// A failed call.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FailureMirror {
    class: FailureClass,
    operation: String,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
    may_have_happened: bool,
}

impl From<&Failure> for FailureMirror {
    fn from(failure: &Failure) -> Self {
        let Failure {
            class,
            operation,
            code,
            message,
            request_id,
            leftover,
        } = failure;
        Self {
            class: *class,
            operation: operation.clone(),
            code: code.clone(),
            message: message.clone(),
            request_id: request_id.clone(),
            may_have_happened: *leftover == Leftover::Unknown,
        }
    }
}

/// What helps against a failure.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AdviceMirror {
    cause: String,
    help: Vec<String>,
    commands: Vec<String>,
}

impl AdviceMirror {
    pub(super) fn of(failure: &Failure, circumstances: &Circumstances<'_>) -> Self {
        let advice = advise(failure, circumstances);
        let mut mirror = Self {
            cause: advice.cause,
            help: Vec::new(),
            commands: Vec::new(),
        };
        for help in advice.help {
            match help {
                Help::Say(text) => mirror.help.push(text),
                Help::Type(command) => mirror.commands.push(command),
            }
        }
        mirror
    }
}

/// Why a command ended with another code than 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "error")]
pub struct ErrorMirror {
    /// The exit code.
    pub exit: u8,
    /// What went wrong.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What helps.
    pub help: Vec<String>,
}

/// The first line of a stream that has nothing but an error.
pub fn error_opening() -> String {
    Format::Error.opening()
}

/// An error as one line.
pub fn error_json(error: &ErrorMirror) -> String {
    line(error)
}
