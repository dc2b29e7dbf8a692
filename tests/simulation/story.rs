//! A story: what happens in which order. Drawn from the seed before anything happens, each step from a number of its
//! own, so that a step can be left out without changing the others.

use std::time::Duration;

use roboinfra::plan::Power;

use super::command::Command;
use super::outside::{HANDS, Hand, STRANGERS, Stranger};
use super::rng::Rng;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A command, with the weather and the fate of its process.
    Command {
        command: Command,
        calm: bool,
        dies: Option<u64>,
        room: Option<u64>,
        patience: Option<usize>,
    },
    /// The profile is edited.
    Edit,
    /// The lockfile is lost; the journal too, if so.
    Lose {
        all: bool,
    },
    /// An older lockfile takes the place of the one that is there.
    Old,
    /// Time passes.
    Pass(Duration),
    Hand(Hand),
    Stranger(Stranger),
}

/// A whole story.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) steps: Vec<What>,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::part(seed, 0);
        let count = rng.between(3, 10);
        let mut steps = Vec::new();
        if rng.chance(25) {
            steps.push(What::Stranger(Stranger::Untagged));
        }
        for number in 0..count {
            let mut rng = Rng::part(seed, 1000 + number);
            if number == 0 {
                steps.push(command(Command::Apply, &mut rng));
            } else {
                step(&mut steps, &mut rng);
            }
        }
        Self { seed, steps }
    }
}

fn step(steps: &mut Vec<What>, rng: &mut Rng) {
    match rng.below(100) {
        0..30 => steps.push(command(Command::Apply, rng)),
        30..52 => {
            for _ in 0..rng.between(1, 3) {
                steps.push(What::Edit);
            }
            steps.push(command(Command::Apply, rng));
        }
        52..58 => steps.push(command(Command::Plan, rng)),
        58..62 => steps.push(command(Command::Refresh, rng)),
        62..67 => steps.push(command(Command::Power(Power::Off), rng)),
        67..71 => steps.push(command(Command::Power(Power::On), rng)),
        71..77 => steps.push(command(Command::Destroy, rng)),
        77..81 => {
            steps.push(What::Pass(Duration::from_mins(1)));
            steps.push(What::Lose {
                all: rng.chance(60),
            });
            steps.push(command(Command::Rebuild, rng));
        }
        81..84 => {
            steps.push(What::Pass(Duration::from_mins(1)));
            steps.push(What::Old);
        }
        84..87 => steps.push(What::Pass(Duration::from_secs(rng.between(1, 9000)))),
        87..96 => {
            steps.push(What::Pass(Duration::from_secs(20)));
            steps.push(What::Hand(HANDS[rng.index(HANDS.len())]));
        }
        _ => steps.push(What::Stranger(STRANGERS[rng.index(STRANGERS.len())])),
    }
}

fn command(command: Command, rng: &mut Rng) -> What {
    What::Command {
        command,
        calm: rng.chance(30),
        dies: rng.chance(35).then(|| {
            let most = [20, 60, 220][rng.index(3)];
            rng.below(most)
        }),
        room: rng.chance(4).then(|| rng.below(40)),
        patience: rng.chance(8).then(|| rng.index(120)),
    }
}
