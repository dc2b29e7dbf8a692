//! What a host says of its agent and of its hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::facts::Facts;
use crate::model::{AgentStatus, Hold};

/// The runner's answer to `agent`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AgentNow {
    /// Whether the agent runs.
    pub running: bool,
    /// What it thinks; none if it does not run, or has not said anything yet.
    pub status: Option<AgentStatus>,
    /// How long ago it said so, in seconds, by the host's own clock.
    pub age_s: u64,
    /// The hold that was left; one that cannot be read stands until it is taken away.
    pub hold: Option<Hold>,
}

impl AgentNow {
    /// Reads it.
    pub fn parse(text: &str) -> Self {
        let facts = Facts::parse(text);
        let status: Option<AgentStatus> = serde_json::from_str(facts.get("agent_status")).ok();
        let now = facts.number("epoch").unwrap_or(0);
        let said = status.as_ref().map_or(0, |status| status.at);
        Self {
            running: facts.get("agent_active") == "active",
            age_s: now.saturating_sub(u64::try_from(said).unwrap_or(0)),
            status,
            hold: hold(facts.get("hold")),
        }
    }

    /// Whether what it says is too old to be what it thinks.
    pub fn is_stale(&self) -> bool {
        let every = self.status.as_ref().map_or(0, |status| status.every_s);
        self.age_s > 60_u64.max(u64::from(every) * 6)
    }
}

fn hold(said: &str) -> Option<Hold> {
    if matches!(said, "" | "none") {
        return None;
    }
    let bytes = STANDARD.decode(said).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let by = || Hold {
        until: None,
        by: "a file that cannot be read".to_owned(),
    };
    Some(Hold::parse(&text).unwrap_or_else(|_| by()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let held = STANDARD.encode("until=2026-11-21T18:00:00Z\nby=ada\n");
        let now = AgentNow::parse(&format!(
            "epoch=1000\nagent_active=active\nagent_status={{\"version\":1,\"at\":990,\"every_s\":5,\"lease\":{{\"left_s\":60}}}}\nhold={held}\n"
        ));
        assert!(now.running && !now.is_stale());
        assert_eq!(now.age_s, 10);
        assert_eq!(
            now.status
                .and_then(|status| status.lease)
                .map(|lease| lease.left_s),
            Some(60)
        );
        assert_eq!(now.hold.map(|hold| hold.by), Some("ada".to_owned()));
    }

    #[test]
    fn what_cannot_be_read_is_no_agent_and_a_hold() {
        let now = AgentNow::parse("epoch=1000\nagent_active=inactive\nhold=bm9vbgo=\n");
        assert!(!now.running && now.status.is_none());
        assert_eq!(now.hold.and_then(|hold| hold.until), None);
        let broken = AgentNow::parse(
            "epoch=1000\nagent_active=active\nagent_status={\"version\":\nhold=none\n",
        );
        assert!(broken.running && broken.status.is_none() && broken.hold.is_none());
        let old = "epoch=1000\nagent_active=active\nagent_status={\"at\":900,\"every_s\":5}\n";
        assert!(AgentNow::parse(old).is_stale());
    }
}
