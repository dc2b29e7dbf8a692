//! What stands before a change: a plan that would fail is refused, and the user is asked.

use std::io::BufRead;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::prepare::Prepared;
use crate::model::Action;
use crate::plan::Severity;
use crate::ui::Circumstances;

/// Whether the user says yes. Without a terminal, or with --no-input, it refuses instead of waiting.
pub(super) async fn confirm(app: &mut App, question: &str, yes: bool) -> Result<bool, CliError> {
    if yes {
        return Ok(true);
    }
    if app.global.no_input || !app.settings.is_interactive() {
        return Err(CliError::new("this needs an answer, and there is nobody to ask")
            .hint("add --yes to say yes beforehand")
            .hint("or save a plan with `roboinfra plan --out FILE{lab}` and apply that: `roboinfra apply FILE{lab}`"));
    }
    app.tell(&format!("\n{question} Type yes to go on: "));
    // A thread of its own, so that Ctrl-C ends the question.
    let (answered, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody waits for the answer any more after an interruption.
        let _unheard = answered.send(read.is_ok() && line.trim() == "yes");
    });
    let yes = answer.await.unwrap_or(false);
    app.tell("\n");
    Ok(yes)
}

/// What kept something from being read, if anything did, with what helps: credentials before all else.
fn unread(prepared: &Prepared) -> Option<CliError> {
    let circumstances = Circumstances {
        region: &prepared.reading.identity.region,
        launch: None,
        aws_profile: None,
    };
    let failures = prepared.reading.inventory().unreadable.values();
    failures
        .map(|failure| CliError::from_failure(failure, &circumstances))
        .max_by_key(|told| told.code == exit::CREDENTIALS)
}

/// Refuses a plan that would fail or that cannot be done whole.
pub(super) fn refuse(prepared: &Prepared) -> Result<(), CliError> {
    if prepared.plan.is_blocked() {
        let blocked = prepared
            .plan
            .changes
            .iter()
            .filter(|change| change.action == Action::Blocked)
            .count();
        let told = match unread(prepared) {
            Some(why) => why,
            None => CliError::new(""),
        };
        let told = CliError {
            message: format!("{blocked} of the resources are blocked; nothing was changed"),
            ..told
        };
        return Err(told.hint("the plan above says why for each; --target applies the rest"));
    }
    let errors: Vec<_> = prepared
        .notices
        .iter()
        .filter(|notice| notice.severity == Severity::Error)
        .collect();
    let Some(first) = errors.first() else {
        return Ok(());
    };
    let lacks = errors
        .iter()
        .any(|notice| notice.topic == "quota" || notice.topic == "offered");
    let told = CliError::new(format!(
        "this plan would fail: {}; nothing was changed",
        first.text
    ));
    let told = if lacks {
        told.code(exit::CAPACITY)
    } else {
        told
    };
    Err(match &first.help {
        Some(help) => told.hint(help.clone()),
        None => told,
    })
}
