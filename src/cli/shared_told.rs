//! What is told when shared state stands in the way, and what to type next.

use super::error::CliError;
use super::exit;
use super::session::Session;
use crate::model::{Failure, FailureClass};
use crate::store::{CopyError, LeaseError, Shared, SharedError, Waiting};

/// Who is being waited for, and until when.
pub(super) fn waiting_for(other: &Waiting) -> String {
    let rest = other.rest.as_secs();
    match &other.broken_by {
        Some(by) => format!(
            "{by} has broken the lease of {}, which may not have noticed for {rest} s yet: waiting",
            other.holder
        ),
        None => format!(
            "waiting for {}; unless renewed, its lease runs out in {rest} s",
            other.holder
        ),
    }
}

pub(super) fn lease_error(session: &Session, error: LeaseError) -> CliError {
    match error {
        LeaseError::Held { ref waiting } => {
            let rest = waiting.rest.as_secs();
            CliError::from_error(&error)
                .code(exit::LOCKED)
                .hint("wait for it, or let this command wait with --lock-timeout 10m")
                .hint(format!(
                    "if that run was killed, its lease runs out in {rest} s: --lock-timeout 2m takes it over then"
                ))
                .hint("if it hangs: roboinfra state unlock{lab}")
        }
        LeaseError::Illegible { .. } => CliError::from_error(&error)
            .hint("nothing was changed; roboinfra state unlock{lab} replaces it"),
        LeaseError::Call { url, failure } => call_error(session, &url, &failure),
        LeaseError::Mine { .. } => CliError::from_error(&error)
            .hint("roboinfra keeps its journal beside the profile: make that folder writable"),
    }
}

pub(super) fn shared_error(session: &Session, error: SharedError) -> CliError {
    match error {
        SharedError::Call { url, failure } => call_error(session, &url, &failure),
        SharedError::Problem {
            source: crate::state::LockfileProblem::NewerFormat { .. },
            ..
        } => CliError::from_error(&error)
            .hint("nothing was changed; use the roboinfra that wrote it, or a newer one"),
        SharedError::NotText { .. } | SharedError::Problem { .. } => CliError::from_error(&error)
            .hint("nothing was changed; the bucket keeps older versions of it: restore one of them")
            .hint("or put a good lockfile in its place: roboinfra state push --force FILE{lab}"),
        SharedError::Changed { .. } => CliError::from_error(&error)
            .code(exit::LOCKED)
            .hint("what this run made carries the lab's tags; run it again: it begins from what is there now"),
    }
}

pub(super) fn copy_error(shared: &Shared, error: CopyError) -> CliError {
    match error {
        CopyError::Load(error) => error.into(),
        CopyError::Write(error) => error.into(),
        CopyError::Vanished { .. } => CliError::from_error(&error)
            .hint(format!(
                "if {} was deleted, the bucket keeps older versions of it: restore the last one",
                shared.url()
            ))
            .hint("if the state was moved back to a lockfile, take [state] out of the profile, too")
            .hint("or put this folder's copy in its place, as after a change of bucket: roboinfra state push --copy{lab}"),
    }
}

/// A call that S3 refused, in the words of shared state.
pub(super) fn call_error(session: &Session, url: &str, failure: &Failure) -> CliError {
    let code = failure.code.as_deref().unwrap_or_default();
    let bucket = session.bucket_name();
    let told = match code {
        "NoSuchBucket" => CliError::new(format!("there is no bucket {bucket}"))
            .hint(format!(
                "make it: roboinfra init --state-bucket {bucket}{{lab}}"
            ))
            .hint("or name another under [state] in the profile"),
        _ if failure.class == FailureClass::Permission => {
            CliError::new(format!("you may not use the shared state {url}"))
                .code(exit::CREDENTIALS)
                .hint("it takes s3:GetObject and s3:PutObject on the objects, and s3:ListBucket on the bucket")
                .hint("without s3:ListBucket, S3 does not tell a lockfile that is missing from one that is forbidden")
        }
        _ => return session.told(failure).because(format!("reading or writing {url}")),
    };
    told.because(failure.to_string())
}
