//! What a host knows of its steps.

/// How a step stands on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Its script is there and has not run.
    Stored,
    /// It runs.
    Running,
    /// It is done, and its check has passed.
    Done,
    /// It is done but for a reboot that has not been made.
    Reboot,
    /// It gave up.
    Failed,
    /// It met something that may pass by itself.
    Later,
    /// It took too long.
    TimedOut,
    /// Its end was never written: the power went, or somebody ended it.
    Interrupted,
}

impl StepState {
    /// The state that the runner calls `word`.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "stored" => Self::Stored,
            "running" => Self::Running,
            "done" => Self::Done,
            "reboot" => Self::Reboot,
            "failed" => Self::Failed,
            "later" => Self::Later,
            "timeout" => Self::TimedOut,
            "interrupted" => Self::Interrupted,
            _ => return None,
        })
    }
}

/// What a host knows of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepStatus {
    /// The step.
    pub name: String,
    /// The script that is stored.
    pub digest: String,
    /// How it stands.
    pub state: StepState,
    /// The exit code of its last run.
    pub code: Option<i32>,
    /// How often it was started.
    pub tries: u32,
    /// When its last run ended, by the host's clock, in seconds since 1970.
    pub ended: Option<i64>,
}

impl StepStatus {
    /// Reads the runner's `status`: one line for each step; other lines are left out.
    pub fn parse(text: &str) -> Vec<Self> {
        text.lines().filter_map(line).collect()
    }
}

fn line(line: &str) -> Option<StepStatus> {
    let mut words = line.split_whitespace();
    if words.next() != Some("step") {
        return None;
    }
    let (name, digest) = (words.next()?, words.next()?);
    let state = StepState::parse(words.next()?)?;
    let mut status = StepStatus {
        name: name.to_owned(),
        digest: digest.to_owned(),
        state,
        code: None,
        tries: 0,
        ended: None,
    };
    for word in words {
        match word.split_once('=') {
            Some(("rc", value)) => status.code = value.parse().ok(),
            Some(("ended", value)) => status.ended = value.parse().ok(),
            Some(("tries", value)) => status.tries = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_runner() {
        let text = "step base d1 done rc=0 started=1 ended=2 tries=1\n\
                    step docker d2 running rc= started=3 ended= tries=2\n\
                    nonsense\nstep x\nstep y d dancing\n";
        let steps = StepStatus::parse(text);
        assert_eq!(steps.len(), 2);
        assert_eq!(
            (steps[0].state, steps[0].code, steps[0].tries),
            (StepState::Done, Some(0), 1)
        );
        assert_eq!((steps[0].ended, steps[1].ended), (Some(2), None));
        assert_eq!(
            (steps[1].state, steps[1].code, steps[1].tries),
            (StepState::Running, None, 2)
        );
    }
}
