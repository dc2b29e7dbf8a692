//! Asks for notices again and again, on a task of its own.

use std::time::Duration;

use tokio::sync::mpsc;

use super::metadata::{Answer, Metadata};
use super::notice::Notice;
use crate::agent::clock::Clock;
use crate::agent::condition::{Condition, Found};

/// How often a service that does not answer is asked: it is no spot instance, or not even AWS.
const SELDOM: Duration = Duration::from_secs(60);

/// After so many silent answers it is asked seldom.
const PATIENCE: u32 = 3;

/// What one round found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// Notices that stand now, new or not.
    pub(crate) notices: Vec<Notice>,
    /// What is wrong.
    pub(crate) found: Vec<Found>,
}

/// Starts asking; a round that is like the one before is not told.
pub(crate) fn start(
    mut metadata: Metadata,
    clock: Clock,
    every: Duration,
) -> mpsc::Receiver<Round> {
    let (tell, rounds) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut asking = Asking::default();
        loop {
            let round = ask(&mut metadata).await;
            if asking.is_news(&round) && tell.send(round).await.is_err() {
                break;
            }
            let pause = if asking.is_in_vain() {
                SELDOM.max(every)
            } else {
                every
            };
            clock.sleep(pause).await;
        }
    });
    rounds
}

/// What was told last, and how often in a row an answer did not come.
#[derive(Debug, Default)]
struct Asking {
    told: Round,
    /// Rounds with a question that was not answered.
    silent: u32,
    /// Rounds without any answer.
    dead: u32,
}

impl Asking {
    /// Takes a round; whether it is to be told. One answer that does not come is no news; a notice is, whatever became of
    /// the other questions.
    fn is_news(&mut self, round: &Round) -> bool {
        let count = |before: u32, again: bool| if again { before.saturating_add(1) } else { 0 };
        self.silent = count(self.silent, !round.found.is_empty());
        self.dead = count(self.dead, round.found.len() == QUESTIONS.len());
        let known = &self.told.notices;
        let noticed = round.notices.iter().any(|notice| !known.contains(notice));
        let settled = self.silent == 0 || self.silent >= PATIENCE;
        let news = *round != self.told && (noticed || settled);
        if news {
            self.told = round.clone();
        }
        news
    }

    /// Whether nobody has answered for a while.
    fn is_in_vain(&self) -> bool {
        self.dead >= PATIENCE
    }
}

/// What makes a notice of an answer.
type Read = fn(&str) -> Result<Notice, String>;

const QUESTIONS: [(&str, Read); 2] = [
    ("spot/instance-action", Notice::interruption),
    ("events/recommendations/rebalance", Notice::rebalance),
];

async fn ask(metadata: &mut Metadata) -> Round {
    let mut round = Round::default();
    for (name, read) in QUESTIONS {
        let why = match metadata.get(name).await {
            Answer::Nothing => continue,
            Answer::Text(text) => match read(&text) {
                Ok(notice) => {
                    round.notices.push(notice);
                    continue;
                }
                Err(why) => why,
            },
            Answer::Silent(why) => why,
        };
        round
            .found
            .push(Found::new(Condition::NoMetadata, format!("{name}: {why}")));
    }
    round
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(notices: &[&str], silent: usize) -> Round {
        let notice = |time: &&str| Notice::rebalance(&format!("{{\"noticeTime\":\"{time}\"}}"));
        Round {
            notices: notices
                .iter()
                .map(|time| notice(time).expect("a notice"))
                .collect(),
            found: (0..silent)
                .map(|_| Found::new(Condition::NoMetadata, "silent"))
                .collect(),
        }
    }

    #[test]
    fn a_notice_is_told_at_once_and_a_silence_when_it_lasts() {
        let mut asking = Asking::default();
        // The notices of a round, the questions without an answer, whether it is told, whether it is asked seldom.
        for (at, (notices, silent, told, seldom)) in [
            (&[][..], 0, false, false),
            (&[], 1, false, false),
            // The other question goes on being silent.
            (&["8:22"], 1, true, false),
            (&["8:22"], 1, false, false),
            (&["8:22", "8:24"], 1, true, false),
            (&[], 2, true, false),
            (&[], 2, false, false),
            (&[], 2, false, true),
            (&["8:24"], 1, true, false),
            (&["8:24"], 0, true, false),
            (&[], 0, true, false),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(asking.is_news(&round(notices, silent)), told, "{at}");
            assert_eq!(asking.is_in_vain(), seldom, "{at}");
        }
    }
}
