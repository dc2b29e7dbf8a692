//! The words for what is being done and what has been done.

use std::collections::BTreeMap;

use crate::model::Action;

/// What is going on with a resource.
pub(super) fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Adopt => "adopting",
        Action::Forget => "letting go",
        Action::NoOp => "attaching",
        Action::Blocked => "blocked",
    }
}

/// What has been done to a resource.
pub(super) fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::Adopt => "adopted",
        Action::Forget => "let go",
        Action::NoOp => "attached",
        Action::Blocked => "blocked",
    }
}

/// `14 created, 1 replaced`; `nothing` where nothing was.
pub(super) fn tally(counts: &BTreeMap<Action, usize>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(action, count)| format!("{count} {}", done(*action)))
        .collect();
    if parts.is_empty() {
        "nothing done".to_owned()
    } else {
        parts.join(", ")
    }
}
