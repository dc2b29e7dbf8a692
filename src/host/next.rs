//! What to do next on a host, from what it should have and what it says. The host's own record is the only memory:
//! whoever comes next, from whatever machine, decides the same.

use super::facts::Facts;
use super::status::{StepState, StepStatus};
use super::wanted::{Wanted, WantedStep};

/// A step that met something which may pass by itself is started this often in all before it counts as failed.
const MOST_TRIES: u32 = 4;

/// What a host says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it is.
    pub facts: Facts,
    /// What it knows of its steps.
    pub steps: Vec<StepStatus>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Bring the script of this step to the host, then start it.
    Put(usize),
    /// Start this step, whose script is there.
    Start(usize),
    /// Follow this step, which runs.
    Follow(usize),
    /// End this step's outdated script, which still runs; the position is that of the wanted one.
    Stop(usize),
    /// Something that is not wanted here runs; wait for it.
    WaitForOther,
    /// Reboot the host for this step, then look again.
    Reboot(usize),
    /// Everything is done.
    Done,
}

/// Decides. A step that failed is started again: whoever runs the bootstrap again wants that. Within one session
/// [`again`] says whether it is worth it.
pub fn next(wanted: &Wanted, seen: &Seen) -> Move {
    for (position, step) in wanted.steps.iter().enumerate() {
        let known = seen.steps.iter().find(|known| known.name == step.name());
        match known {
            Some(known) if known.digest == step.digest() => match known.state {
                StepState::Done => {}
                StepState::Running => return Move::Follow(position),
                StepState::Reboot => return Move::Reboot(position),
                StepState::Stored
                | StepState::Failed
                | StepState::Later
                | StepState::TimedOut
                | StepState::Interrupted => return started(position, seen, step),
            },
            Some(known) if known.state == StepState::Running => return Move::Stop(position),
            _ => {
                return if other_running(seen, step) {
                    Move::WaitForOther
                } else {
                    Move::Put(position)
                };
            }
        }
    }
    Move::Done
}

fn started(position: usize, seen: &Seen, step: &WantedStep) -> Move {
    if other_running(seen, step) {
        Move::WaitForOther
    } else {
        Move::Start(position)
    }
}

/// One step runs at a time; somebody else may have begun one.
fn other_running(seen: &Seen, step: &WantedStep) -> bool {
    seen.steps
        .iter()
        .any(|known| known.state == StepState::Running && known.name != step.name())
}

/// Whether a step that ended like this is worth another start in the same session.
pub fn again(state: StepState, starts: u32) -> bool {
    match state {
        StepState::Later => starts < MOST_TRIES,
        // Cut by a power loss or ended by somebody: it is begun again, but not for ever.
        StepState::Interrupted => starts < MOST_TRIES,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::assets::{script, step};
    use crate::host::{AgentWish, Expected};
    use crate::model::Address;

    fn wanted(names: &[&str]) -> Wanted {
        Wanted {
            address: Address::new("node.sim.0"),
            steps: names
                .iter()
                .map(|name| WantedStep {
                    script: script(
                        step(name).expect("a step"),
                        &BTreeMap::new(),
                        &BTreeMap::new(),
                    ),
                    secrets: Ok(Vec::new()),
                    files: Vec::new(),
                })
                .collect(),
            expected: Expected::default(),
            agent: AgentWish::NotAsked,
        }
    }

    fn seen(steps: &[(&str, &str, StepState)]) -> Seen {
        Seen {
            facts: Facts::default(),
            steps: steps
                .iter()
                .map(|(name, digest, state)| StepStatus {
                    name: (*name).to_owned(),
                    digest: (*digest).to_owned(),
                    state: *state,
                    code: None,
                    tries: 1,
                    ended: None,
                })
                .collect(),
        }
    }

    #[test]
    fn the_hosts_own_record_decides() {
        use StepState::{Done, Failed, Interrupted, Later, Reboot, Running, Stored, TimedOut};
        let wanted = wanted(&["base", "docker"]);
        let (base, docker) = (wanted.steps[0].digest(), wanted.steps[1].digest());
        for (steps, expected) in [
            (&[][..], Move::Put(0)),
            (&[("base", base, Stored)], Move::Start(0)),
            (&[("base", base, Running)], Move::Follow(0)),
            (&[("base", base, Done)], Move::Put(1)),
            (&[("base", base, Failed)], Move::Start(0)),
            (&[("base", base, Later)], Move::Start(0)),
            (&[("base", base, TimedOut)], Move::Start(0)),
            (&[("base", base, Interrupted)], Move::Start(0)),
            (&[("base", base, Reboot)], Move::Reboot(0)),
            (&[("base", "old", Done)], Move::Put(0)),
            (&[("base", "old", Running)], Move::Stop(0)),
            (
                &[("base", base, Done), ("docker", docker, Done)],
                Move::Done,
            ),
            (
                &[
                    ("base", base, Done),
                    ("docker", docker, Done),
                    ("realtime", "x", Running),
                ],
                Move::Done,
            ),
            (
                &[("base", base, Stored), ("realtime", "x", Running)],
                Move::WaitForOther,
            ),
            (
                &[("base", base, Done), ("realtime", "x", Running)],
                Move::WaitForOther,
            ),
            // What comes first is brought up to date first, even if something later runs already.
            (
                &[("base", "old", Done), ("docker", docker, Running)],
                Move::WaitForOther,
            ),
        ] {
            assert_eq!(next(&wanted, &seen(steps)), expected, "{steps:?}");
        }
    }

    #[test]
    fn only_what_may_pass_is_begun_again() {
        assert!(again(StepState::Later, 1) && !again(StepState::Later, MOST_TRIES));
        assert!(again(StepState::Interrupted, 3) && !again(StepState::Failed, 1));
        assert!(!again(StepState::TimedOut, 1));
    }
}
