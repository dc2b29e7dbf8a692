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
        let mut before = Round::default();
        let mut silent = 0_u32;
        loop {
            let round = ask(&mut metadata).await;
            silent = if round.found.is_empty() {
                0
            } else {
                silent.saturating_add(1)
            };
            // One answer that does not come is no news.
            let news = round != before && (silent == 0 || silent >= PATIENCE);
            if news {
                before = round.clone();
                if tell.send(round).await.is_err() {
                    break;
                }
            }
            let pause = if silent >= PATIENCE {
                SELDOM.max(every)
            } else {
                every
            };
            clock.sleep(pause).await;
        }
    });
    rounds
}

/// What makes a notice of an answer.
type Read = fn(&str) -> Result<Notice, String>;

async fn ask(metadata: &mut Metadata) -> Round {
    let mut round = Round::default();
    let questions: [(&str, Read); 2] = [
        ("spot/instance-action", Notice::interruption),
        ("events/recommendations/rebalance", Notice::rebalance),
    ];
    for (name, read) in questions {
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
