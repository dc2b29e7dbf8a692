//! What goes to a runner and what it answers, and how it all ended in words.

use super::cut::Cut;
use crate::host::{Finding, HostEnd, StepState};
use crate::model::Secret;
use crate::port::{HostError, HostErrorKind};

/// The secrets of a step as the runner reads them.
pub(super) fn environment(secrets: &[(String, Secret)]) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    secrets
        .iter()
        .map(|(name, secret)| format!("{name}={}\n", STANDARD.encode(secret.reveal())))
        .collect()
}

/// The runner's answer as text, unless it is an error that nobody expects here.
pub(super) fn answered(answer: &[u8]) -> Result<String, Cut> {
    let text = String::from_utf8_lossy(answer).into_owned();
    if text.starts_with("error ") && !text.starts_with("error busy") {
        return Err(strange(&text));
    }
    Ok(text)
}

pub(super) fn strange(text: &str) -> Cut {
    let said = text.lines().next().unwrap_or("nothing");
    Cut::Over(HostEnd::Strange(format!(
        "the runner on the host answers: {said}"
    )))
}

pub(super) fn broken(message: String) -> Cut {
    Cut::Link(HostError::new(HostErrorKind::Unreachable, message))
}

/// Why a step is started again: what it says itself, unless it was cut off in the middle of something else.
pub(super) fn reason(state: StepState, tail: &[String]) -> String {
    if state == StepState::Interrupted {
        return "it was interrupted".to_owned();
    }
    let said = tail
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("roboinfra: later: "))
        .or(tail.last().map(String::as_str));
    said.unwrap_or("it asks for that").to_owned()
}

/// How it ended, in a few words.
pub(super) fn in_words(end: &HostEnd, findings: &[Finding]) -> String {
    match end {
        HostEnd::Ready => "ready".to_owned(),
        HostEnd::NotReady => {
            let bad: Vec<&str> = findings
                .iter()
                .filter(|finding| !finding.good)
                .map(|finding| &*finding.what)
                .collect();
            format!("not ready: {}", bad.join(", "))
        }
        HostEnd::Failed { step, state, .. } => match state {
            StepState::TimedOut => format!("{step} took too long"),
            StepState::Reboot => format!("{step} asks for one reboot after another"),
            _ => format!("{step} failed"),
        },
        HostEnd::NoSecret { step, why } => format!("{step} cannot begin: {}", why.what),
        HostEnd::Unreachable(why) => format!("out of reach: {why}"),
        HostEnd::HostKey(why) | HostEnd::Refused(why) | HostEnd::Strange(why) => why.clone(),
        HostEnd::Interrupted { step: Some(step) } => {
            format!("interrupted; {step} goes on on the host")
        }
        HostEnd::Interrupted { step: None } => "interrupted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_cut_off_does_not_say_why_itself() {
        let lines = |said: &[&str]| {
            said.iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        };
        let held = lines(&[
            "roboinfra: later: apt's lock is held",
            "Unpacking docker.io",
        ]);
        assert_eq!(reason(StepState::Later, &held), "apt's lock is held");
        assert_eq!(reason(StepState::Later, &held[1..]), "Unpacking docker.io");
        assert_eq!(reason(StepState::Interrupted, &held), "it was interrupted");
    }
}
