//! What a notice says, and whether it has been heeded already.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a machine has after an interruption notice, at most (EC2 User Guide, "Spot Instance interruption notices").
const TIME_LEFT: Duration = Duration::from_secs(120);

/// How long after a rebalance recommendation its hook may take: nothing is about to end.
const NO_HURRY: Duration = Duration::from_secs(600);

/// Something that the spot market says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// What happens.
    pub(crate) kind: Kind,
    /// When, as the notice says it.
    pub(crate) time: String,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The machine is stopped.
    Stop,
    /// The machine is terminated.
    Terminate,
    /// The machine is put to sleep.
    Hibernate,
    /// The machine is more likely to be taken than others: time for a checkpoint.
    Rebalance,
}

impl Kind {
    /// Its name in the hook's environment, in logs and in the status.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
            Self::Hibernate => "hibernate",
            Self::Rebalance => "rebalance",
        }
    }
}

impl Notice {
    /// `spot/instance-action`: `{"action": "terminate", "time": "2026-11-21T08:22:00Z"}`.
    pub(crate) fn interruption(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Action {
            action: String,
            #[serde(default)]
            time: String,
        }
        let action: Action = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let kind = match action.action.as_str() {
            "stop" => Kind::Stop,
            "hibernate" => Kind::Hibernate,
            // What is not known is taken for the worst.
            _ => Kind::Terminate,
        };
        Ok(Self {
            kind,
            time: action.time,
        })
    }

    /// `events/recommendations/rebalance`: `{"noticeTime": "2026-11-21T08:22:00Z"}`.
    pub(crate) fn rebalance(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Recommendation {
            notice_time: String,
        }
        let read: Recommendation = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self {
            kind: Kind::Rebalance,
            time: read.notice_time,
        })
    }

    /// How long there is for the hook. A clock that is wrong does not make it longer than there can be time.
    pub(crate) fn left(&self, now: Timestamp) -> Duration {
        if self.kind == Kind::Rebalance {
            return NO_HURRY;
        }
        let Ok(end) = self.time.parse::<Timestamp>() else {
            return TIME_LEFT;
        };
        let left = end.duration_since(now);
        Duration::try_from(left).map_or(TIME_LEFT, |left| left.min(TIME_LEFT))
    }
}

/// The notices that were heeded, so that a daemon that is restarted does not run a hook twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heeded(Vec<Notice>);

impl Heeded {
    /// The most that are remembered.
    const MOST: usize = 20;

    /// Notes one; whether it is new.
    pub(crate) fn note(&mut self, notice: &Notice) -> bool {
        if self.0.contains(notice) {
            return false;
        }
        self.0.push(notice.clone());
        if self.0.len() > Self::MOST {
            self.0.remove(0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a point in time")
    }

    #[test]
    fn notices_are_read() {
        let notice = |text: &str| Notice::interruption(text).map(|notice| notice.kind);
        let time = r#""time":"2026-11-21T08:22:00Z""#;
        assert_eq!(
            notice(&format!(r#"{{"action":"stop",{time}}}"#)),
            Ok(Kind::Stop)
        );
        assert_eq!(
            notice(&format!(r#"{{"action":"hibernate",{time}}}"#)),
            Ok(Kind::Hibernate)
        );
        assert_eq!(notice(r#"{"action":"vaporise"}"#), Ok(Kind::Terminate));
        assert!(notice("<html>").is_err() && notice("{}").is_err());
        let rebalance =
            Notice::rebalance(r#"{"noticeTime":"2026-11-21T08:22:00Z"}"#).expect("it is read");
        assert_eq!(rebalance.left(at("2030-01-01T00:00:00Z")), NO_HURRY);
        assert!(Notice::rebalance("{}").is_err());
    }

    #[test]
    fn the_time_left_is_never_more_than_there_can_be() {
        let notice = |time: &str| Notice {
            kind: Kind::Stop,
            time: time.to_owned(),
        };
        let now = at("2026-11-21T08:20:30Z");
        let cases = [
            ("2026-11-21T08:22:00Z", 90),
            ("2026-11-21T09:22:00Z", 120),
            ("2026-11-21T08:20:00Z", 120),
            ("soon", 120),
        ];
        for (time, seconds) in cases {
            assert_eq!(notice(time).left(now).as_secs(), seconds, "{time}");
        }
    }

    #[test]
    fn a_notice_is_heeded_once() {
        let mut heeded = Heeded::default();
        let notice = |second: u32| Notice {
            kind: Kind::Stop,
            time: second.to_string(),
        };
        assert!(heeded.note(&notice(1)));
        assert!(!heeded.note(&notice(1)));
        for second in 2..100 {
            assert!(heeded.note(&notice(second)));
        }
        assert_eq!(heeded.0.len(), Heeded::MOST);
    }
}
