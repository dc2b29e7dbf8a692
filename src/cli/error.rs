//! The one error type of the command boundary: what happened, why, what to type next, and the exit code.

use std::error::Error;

use super::exit;
use crate::model::{Failure, FailureClass};
use crate::plan::Flaw;
use crate::port::JournalError;
use crate::state::{Difference, JournalProblem, LockfileProblem, Mismatch};
use crate::store;
use crate::ui::{Circumstances, Help, advise};

/// What the user is told when a command fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CliError {
    /// The exit code.
    pub(super) code: u8,
    /// What happened, in one sentence without a full stop.
    pub(super) message: String,
    /// Why, outermost first.
    pub(super) causes: Vec<String>,
    /// What to type or do next, one sentence each. `{lab}` stands for the options that name the lab, `{previous}` for
    /// the folder of earlier lockfiles.
    pub(super) hints: Vec<String>,
}

impl CliError {
    /// A failure of the general kind.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            code: exit::FAILED,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The same with another exit code.
    pub(super) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The same with one more hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same with one more cause.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// The same with more hints.
    pub(super) fn hints(mut self, hints: Vec<String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// A call that failed where no run was under way: what it means, what the cloud said, what helps.
    pub(super) fn from_failure(failure: &Failure, circumstances: &Circumstances<'_>) -> Self {
        let advice = advise(failure, circumstances);
        let mut told = Self::new(fragment(&advice.cause)).code(code_of(failure.class));
        told.causes.push(failure.to_string());
        for help in advice.help {
            told.hints.push(match help {
                Help::Say(text) => text,
                Help::Type(command) => command,
            });
        }
        if failure.class == FailureClass::Unreachable {
            told = told.hint("To try roboinfra without a network: --sandbox.");
        }
        told
    }

    /// A failure with everything that caused it.
    pub(super) fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut told = Self::new(format!("could not {error}"));
        let mut source = error.source();
        while let Some(cause) = source {
            told.causes.push(cause.to_string());
            source = cause.source();
        }
        told
    }
}

/// The exit code for a class of failure at the cloud.
pub(super) fn code_of(class: FailureClass) -> u8 {
    match class {
        FailureClass::Permission | FailureClass::Credentials => exit::CREDENTIALS,
        FailureClass::Capacity | FailureClass::SpotPrice | FailureClass::Quota => exit::CAPACITY,
        FailureClass::Interrupted => exit::INTERRUPTED,
        FailureClass::Throttled
        | FailureClass::Transient
        | FailureClass::Conflict
        | FailureClass::AlreadyExists
        | FailureClass::NotVisibleYet
        | FailureClass::NotFound
        | FailureClass::Token
        | FailureClass::Invalid
        | FailureClass::Unreachable
        | FailureClass::TimedOut => exit::FAILED,
    }
}

/// A sentence as it reads after `error: `.
fn fragment(sentence: &str) -> String {
    let text = sentence.trim_end_matches('.');
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        // Not an abbreviation such as AWS.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        let mut told = Self::from_error(&error);
        told.message = error.to_string();
        told.hint(
            "make room or mend the disk, then run the same command again: it goes on from here",
        )
    }
}

impl From<Mismatch> for CliError {
    fn from(mismatch: Mismatch) -> Self {
        let by_profile = |difference: &Difference| matches!(difference.what, "lab" | "region");
        let help = if mismatch.differences.iter().any(by_profile) {
            "nothing was changed; a lab keeps its name and its region: write them into the profile as they were, or destroy \
             the lab first; a second lab has a lockfile of its own: --lockfile"
        } else {
            "nothing was changed; use the credentials and the endpoint of that lab, or another lockfile with --lockfile"
        };
        Self::new(mismatch.to_string()).hint(help)
        .hint("if the lockfile is the wrong one: put this lab's own in its place, or move it away and run `roboinfra state rebuild{lab}`")
    }
}

impl From<store::LoadError> for CliError {
    fn from(error: store::LoadError) -> Self {
        let told = Self::from_error(&error);
        match error {
            store::LoadError::Lockfile(store::lockfile::ReadError::Problem {
                source: LockfileProblem::NewerFormat { .. },
                ..
            }) => told.hint("nothing was changed; use the roboinfra that wrote it, or a newer one"),
            store::LoadError::Lockfile(store::lockfile::ReadError::Unreadable { .. }) => {
                told.hint("nothing was changed; make the file readable, then run the same command again")
            }
            store::LoadError::Lockfile(_) => told
                .hint("nothing was changed; restore the file from git, or from {previous}")
                .hint("or make it again from the tags in the cloud: roboinfra state rebuild{lab}"),
            store::LoadError::Journal(store::JournalReadError::Text {
                source: store::JournalTextError::Line(JournalProblem::NewerFormat { .. }),
                ..
            }) => told.hint("nothing was changed; use the roboinfra that wrote it, or a newer one"),
            store::LoadError::Journal(store::JournalReadError::Text { .. })
            | store::LoadError::Fold { .. } => told.hint(
                "nothing was changed; put the journal aside and find by their tags what its run has made: \
                 roboinfra state rebuild{lab}",
            ),
            store::LoadError::Journal(_) => told.hint(
                "nothing was changed; make room or mend the disk, then run the same command again",
            ),
        }
    }
}

impl From<store::SetAsideError> for CliError {
    fn from(error: store::SetAsideError) -> Self {
        Self::from_error(&error)
            .hint("nothing else was changed; make room or mend the disk, then run it again")
    }
}

impl From<store::GuardError> for CliError {
    fn from(error: store::GuardError) -> Self {
        let told = Self::from_error(&error);
        match error {
            store::GuardError::Held { .. } => told
                .code(exit::LOCKED)
                .hint("wait for it, or let this command wait with --lock-timeout 10m"),
            store::GuardError::Open { .. }
            | store::GuardError::Lock { .. }
            | store::GuardError::Describe { .. } => told.hint(
                "nothing was changed; make room or mend the disk, then run the same command again",
            ),
        }
    }
}

impl From<store::ConcludeError> for CliError {
    fn from(error: store::ConcludeError) -> Self {
        Self::from_error(&error)
            .hint("the journal in `.roboinfra/` still knows everything: run the same command again to write the lockfile")
    }
}

impl From<store::PrepareError> for CliError {
    fn from(error: store::PrepareError) -> Self {
        Self::from_error(&error)
            .hint("nothing was changed; the journal is kept there: make room, or the folder writable, then run the same command again")
    }
}

impl From<store::KeyError> for CliError {
    fn from(error: store::KeyError) -> Self {
        let told = Self::from_error(&error);
        match error {
            store::KeyError::Write { .. }
            | store::KeyError::Unreadable { .. }
            | store::KeyError::Random { .. } => told.hint(
                "nothing was changed; make room or mend the disk, then run the same command again",
            ),
            store::KeyError::Exists { .. } => told.hint("run the same command again"),
            store::KeyError::NotAKey { .. } | store::KeyError::TooBig { .. } => {
                told.hint("nothing was changed; restore the file from a copy, or move it away")
            }
        }
    }
}

impl From<store::PublicKeyError> for CliError {
    fn from(error: store::PublicKeyError) -> Self {
        Self::from_error(&error)
            .hint("`[access] keys` lists the paths of public keys, such as ~/.ssh/id_ed25519.pub")
    }
}

impl From<crate::lab::LabProblem> for CliError {
    fn from(problem: crate::lab::LabProblem) -> Self {
        use crate::lab::LabProblem;
        let told = Self::new(problem.to_string());
        match problem {
            LabProblem::NotOffered { .. } => told
                .code(exit::CAPACITY)
                .hint("add another type to `types`, or choose another `[lab] region`"),
            LabProblem::RootTooSmall { needs_gib, .. } => told.code(exit::PROFILE).hint(format!(
                "write root_volume = {{ size_gib = {needs_gib} }} or more"
            )),
            LabProblem::Unknown(_) => told,
        }
    }
}

impl From<Vec<Flaw>> for CliError {
    fn from(flaws: Vec<Flaw>) -> Self {
        let mut told = Self::new(
            "this plan is not sound, so it is not offered; this is a defect of roboinfra",
        );
        told.causes = flaws.iter().take(5).map(ToString::to_string).collect();
        told.hint("nothing was changed; please report it with the profile and the lockfile")
    }
}
