//! Why something happens to a resource, in words, where the change itself does not say it.

use crate::model::{Action, BlockReason, Impact, Reason};
use crate::ui::style::Role;

/// The sign of an action, three columns wide, and how it looks.
pub(in crate::ui) fn sign(action: Action) -> (&'static str, Role) {
    match action {
        Action::Create => ("  +", Role::Good),
        Action::Update => ("  ~", Role::Change),
        Action::Replace => ("-/+", Role::Notice),
        Action::Delete => ("  -", Role::Bad),
        Action::Adopt => ("  =", Role::Change),
        Action::Forget => ("  x", Role::Notice),
        Action::NoOp => ("   ", Role::Faint),
        Action::Blocked => ("  !", Role::Bad),
    }
}

/// The reason as a sentence fragment; nothing where it goes without saying.
pub(super) fn reason(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::New
        | Reason::Differs
        | Reason::CannotUpdate
        | Reason::Destroying
        | Reason::UpToDate
        | Reason::Moved
        | Reason::RolledBack
        | Reason::NotTargeted => return None,
        Reason::Vanished => "it was there and is gone: deleted outside roboinfra".to_owned(),
        Reason::Unfinished => "an earlier run began it and did not finish".to_owned(),
        Reason::DependsOnReplaced(other) => format!("because {other} is replaced"),
        Reason::NotInProfile => "the profile does not ask for it any more".to_owned(),
        Reason::NotRecorded => "carries this lab's tags, but is not in the lockfile".to_owned(),
        Reason::Stopped => "stopped on purpose; `roboinfra start` starts it".to_owned(),
        Reason::Kept => "stays: it is marked keep = true".to_owned(),
        Reason::Imported => "exists, and is taken into the lab".to_owned(),
        Reason::LetGo => "goes on existing, and is not the lab's any more".to_owned(),
        Reason::Blocked(block) => blocked(block),
    })
}

fn blocked(block: &BlockReason) -> String {
    match block {
        BlockReason::Unreadable(why) => format!("cannot be read, so it is left alone: {why}"),
        BlockReason::PreventDestroy(place) => {
            format!("must not be deleted, prevent_destroy = true: {place}")
        }
        BlockReason::Occupied(why) => why.clone(),
        BlockReason::Untagged(id) => {
            format!("the lockfile knows {id}, but it carries no tags of this lab")
        }
        BlockReason::InUse(who) => format!("in use by what is not this lab's: {who}"),
        BlockReason::Foreign(what) => format!("the name is taken: {what}"),
        BlockReason::Ambiguous(ids) => format!("more than one thing carries this address: {ids}"),
        BlockReason::DependsOnBlocked(other) => format!("needs {other}, which is blocked"),
        BlockReason::Impossible(why) => format!("not possible: {why}"),
        BlockReason::InTransition(state) => format!("is {state}; plan again when it has settled"),
    }
}

/// What a changed field leads to; nothing where nothing is interrupted.
pub(super) fn impact(impact: Impact) -> Option<(&'static str, Role)> {
    match impact {
        Impact::InPlace => None,
        Impact::Restart => Some(("restarts the machine", Role::Notice)),
        Impact::Replace => Some(("forces replacement", Role::Bad)),
        Impact::NextLaunch => Some(("left alone until it is next made", Role::Faint)),
    }
}
