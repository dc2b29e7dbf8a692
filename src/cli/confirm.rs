//! What stands before a change: a plan that would fail is refused, and the user is asked.

use std::io::BufRead;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::prepare::Prepared;
use crate::model::{Action, BlockReason, Reason};
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

/// What to type or change for what is blocked by a decision of somebody's.
fn unblock(prepared: &Prepared) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for change in &prepared.plan.changes {
        let Reason::Blocked(block) = &change.reason else {
            continue;
        };
        let address = &change.address;
        let hint = match block {
            BlockReason::PreventDestroy(_) => match prepared.lab.guard_of(address) {
                Some(line) => format!(
                    "if {address} may go: set prevent_destroy = false in line {line} of the profile, and run it again"
                ),
                None => format!(
                    "if {address} may go: put its group back with prevent_destroy = false and apply; to let it go on without the lab: roboinfra state rm {address}{{lab}}"
                ),
            },
            BlockReason::Untagged(id) => format!(
                "to take {address} back: roboinfra import {address} {id}{{lab}}; to let go of it: roboinfra state rm {address}{{lab}}"
            ),
            BlockReason::InUse(_) => {
                "remove what is not the lab's from its network, or ask whoever has made it; to take only the machines away: roboinfra destroy --target node{lab}".to_owned()
            }
            BlockReason::Occupied(_) => {
                "two machines cannot have one address: move one elsewhere with roboinfra state mv FROM TO{lab}, or remove the [[moved]]".to_owned()
            }
            BlockReason::Unreadable(_)
            | BlockReason::Foreign(_)
            | BlockReason::Ambiguous(_)
            | BlockReason::DependsOnBlocked(_)
            | BlockReason::Impossible(_)
            | BlockReason::InTransition(_) => continue,
        };
        if !hints.contains(&hint) && hints.len() < 5 {
            hints.push(hint);
        }
    }
    hints
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
        return Err(told
            .hint("the plan above says why for each; --target applies the rest")
            .hints(unblock(prepared)));
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
