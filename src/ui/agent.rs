//! What agents say, in words: why a machine is busy, or when it will stop.

use std::time::Duration;

use jiff::Timestamp;

use super::page::Line;
use super::style::{Look, Role};
use super::text::lasting;
use crate::host::AgentNow;
use crate::model::{Address, AgentIdleStatus, AgentStatus, Hold};

/// Of a long list so much is shown.
const MOST: usize = 3;

/// What became of a hold on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldReport {
    /// The host.
    pub address: Address,
    /// What its agent says now, or why it could not be told.
    pub agent: Result<AgentNow, String>,
}

/// The line below a host: what its agent says now, or why it could not be asked.
pub(super) fn agent_line(agent: &Result<AgentNow, String>, look: &Look) -> Line {
    let mut line = Line::at(4).hang(4);
    for (position, (role, text)) in parts(agent).into_iter().enumerate() {
        if position > 0 {
            line.push(Role::Faint, format!(" {} ", look.dot()));
        }
        line.push(role, text);
    }
    line
}

fn parts(agent: &Result<AgentNow, String>) -> Vec<(Role, String)> {
    let now = match agent {
        Ok(now) => now,
        Err(why) => return vec![(Role::Faint, format!("its agent cannot be asked: {why}"))],
    };
    if !now.running {
        let text = "its agent does not run: nothing stops it by itself";
        return vec![(Role::Bad, text.to_owned())];
    }
    let Some(status) = &now.status else {
        return vec![(
            Role::Notice,
            "its agent has not said anything yet".to_owned(),
        )];
    };
    if now.is_stale() {
        let silent = lasting(Duration::from_secs(now.age_s));
        return vec![(Role::Bad, format!("its agent has been silent for {silent}"))];
    }
    let mut parts: Vec<(Role, String)> = status.idle.iter().map(idle).collect();
    parts.extend(status.lease.as_ref().map(|lease| {
        let left = lasting(Duration::from_secs(lease.left_s));
        (Role::Plain, format!("its lease ends in {left}"))
    }));
    if parts.is_empty() {
        let text = "nothing stops it by itself: the profile has neither [idle] nor ttl for it";
        parts.push((Role::Faint, text.to_owned()));
    }
    parts.extend(troubles(status));
    parts
}

fn idle(idle: &AgentIdleStatus) -> (Role, String) {
    if idle.ending {
        return (Role::Notice, "it is shutting down".to_owned());
    }
    if !idle.busy.is_empty() {
        let why: Vec<&str> = idle.busy.iter().map(|reason| reason.why.as_str()).collect();
        return (Role::Plain, format!("busy: {}", some(&why)));
    }
    let since = lasting(Duration::from_secs(idle.idle_s));
    match idle.ends_in_s {
        Some(left) if !idle.only_notify => {
            let left = lasting(Duration::from_secs(left));
            (Role::Notice, format!("idle for {since}, stops in {left}"))
        }
        _ => (Role::Plain, format!("idle for {since}")),
    }
}

fn troubles(status: &AgentStatus) -> Vec<(Role, String)> {
    let notice = status.notice.as_ref().map(|notice| {
        let text = format!("the spot market says {} at {}", notice.action, notice.time);
        (Role::Bad, text)
    });
    let troubles: Vec<String> = status
        .troubles
        .iter()
        .map(|trouble| format!("{}: {}", trouble.name, trouble.detail))
        .collect();
    let troubles: Vec<&str> = troubles.iter().map(String::as_str).collect();
    let told = (!troubles.is_empty()).then(|| (Role::Bad, some(&troubles)));
    notice.into_iter().chain(told).collect()
}

fn some(texts: &[&str]) -> String {
    let shown = texts
        .iter()
        .take(MOST)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match texts.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What became of a hold, for people; `wanted` is what was to be left, nothing to take it away.
pub fn hold_view(reports: &[HoldReport], wanted: Option<&Hold>, now: Timestamp) -> String {
    let mut text = String::new();
    for report in reports {
        let address = &report.address;
        let agent = match &report.agent {
            Ok(agent) => agent,
            Err(why) => {
                text.push_str(&format!("{address}: not done: {why}\n"));
                continue;
            }
        };
        match wanted {
            Some(hold) => text.push_str(&format!("{address} is left alone {}.", until(hold))),
            None => text.push_str(&format!("{address} is not held any more.")),
        }
        text.push_str(&beside(agent, wanted, now));
        text.push('\n');
    }
    text
}

fn until(hold: &Hold) -> String {
    hold.until.map_or_else(
        || "until the hold is taken away with --release".to_owned(),
        |until| format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
    )
}

/// What else ends the machine, or why nothing would have.
fn beside(agent: &AgentNow, wanted: Option<&Hold>, now: Timestamp) -> String {
    if !agent.running {
        return " Its agent does not run: nothing stops it by itself.".to_owned();
    }
    let Some(status) = &agent.status else {
        return String::new();
    };
    let lease = status.lease.as_ref().map(|lease| lease.left_s);
    match (wanted, lease) {
        (Some(hold), Some(left)) if ends_sooner(left, hold, now) => {
            let left = lasting(Duration::from_secs(left));
            format!(" Its lease ends in {left} all the same: make `ttl` longer in the profile.")
        }
        (Some(_), None) if status.idle.is_none() => {
            " Nothing would have stopped it: the profile has no [idle] for it.".to_owned()
        }
        _ => String::new(),
    }
}

fn ends_sooner(left_s: u64, hold: &Hold, now: Timestamp) -> bool {
    let left = i64::try_from(left_s).unwrap_or(i64::MAX);
    hold.until
        .is_none_or(|until| until.duration_since(now).as_secs() > left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgentLeaseStatus, AgentReason, AgentTrouble};

    fn now(status: AgentStatus) -> AgentNow {
        AgentNow {
            running: true,
            status: Some(status),
            ..AgentNow::default()
        }
    }

    fn with_idle(idle: AgentIdleStatus) -> AgentNow {
        now(AgentStatus {
            idle: Some(idle),
            ..AgentStatus::default()
        })
    }

    fn busy(why: &[&str]) -> AgentIdleStatus {
        AgentIdleStatus {
            busy: why
                .iter()
                .map(|why| AgentReason {
                    signal: "login".to_owned(),
                    why: (*why).to_owned(),
                })
                .collect(),
            ..AgentIdleStatus::default()
        }
    }

    #[test]
    fn why_it_is_busy_or_when_it_stops() {
        let idle = AgentIdleStatus {
            idle_s: 720,
            after_s: 2700,
            ends_in_s: Some(1980),
            ..AgentIdleStatus::default()
        };
        let notify = AgentIdleStatus {
            only_notify: true,
            ..idle.clone()
        };
        let ending = AgentIdleStatus {
            ending: true,
            ..idle.clone()
        };
        let lost = now(AgentStatus {
            lease: Some(AgentLeaseStatus { left_s: 7200 }),
            troubles: vec![AgentTrouble {
                name: "gpu-lost".to_owned(),
                detail: "GPU 0 fell off the bus".to_owned(),
                began: 1,
            }],
            ..AgentStatus::default()
        });
        let old = AgentNow {
            age_s: 600,
            ..with_idle(idle.clone())
        };
        for (agent, words) in [
            (
                Err("no answer within 5 s".to_owned()),
                "its agent cannot be asked: no answer within 5 s",
            ),
            (
                Ok(AgentNow::default()),
                "its agent does not run: nothing stops it by itself",
            ),
            (
                Ok(with_idle(busy(&["ada is logged in"]))),
                "busy: ada is logged in",
            ),
            (
                Ok(with_idle(busy(&["a", "b", "c", "d", "e"]))),
                "busy: a, b, c and 2 more",
            ),
            (Ok(with_idle(idle)), "idle for 12m 00s, stops in 33m 00s"),
            (Ok(with_idle(notify)), "idle for 12m 00s"),
            (Ok(with_idle(ending)), "it is shutting down"),
            (Ok(old), "its agent has been silent for 10m 00s"),
            (
                Ok(lost),
                "its lease ends in 2h 00m · gpu-lost: GPU 0 fell off the bus",
            ),
            (
                Ok(now(AgentStatus::default())),
                "nothing stops it by itself: the profile has neither [idle] nor ttl for it",
            ),
        ] {
            let shown: Vec<String> = parts(&agent).into_iter().map(|(_, text)| text).collect();
            assert_eq!(shown.join(" · "), words);
        }
    }

    #[test]
    fn a_hold_says_what_else_ends_the_machine() {
        let at: Timestamp = "2026-11-21T18:00:00Z".parse().expect("a moment");
        let hold = Hold {
            until: Some(at + Duration::from_hours(2)),
            by: "ada".to_owned(),
        };
        let said = |agent: Result<AgentNow, String>, wanted: Option<&Hold>| {
            let address = Address::new("node.sim.0");
            hold_view(&[HoldReport { address, agent }], wanted, at)
        };
        let leased = |left_s| {
            now(AgentStatus {
                idle: Some(busy(&[])),
                lease: Some(AgentLeaseStatus { left_s }),
                ..AgentStatus::default()
            })
        };
        assert_eq!(
            said(Ok(leased(9000)), Some(&hold)),
            "node.sim.0 is left alone until 2026-11-21 20:00 UTC.\n"
        );
        assert!(
            said(Ok(leased(3600)), Some(&hold)).contains("Its lease ends in 1h 00m all the same")
        );
        assert!(said(Ok(AgentNow::default()), Some(&hold)).contains("does not run"));
        assert_eq!(
            said(Ok(leased(60)), None),
            "node.sim.0 is not held any more.\n"
        );
        assert_eq!(
            said(Err("refused".to_owned()), None),
            "node.sim.0: not done: refused\n"
        );
    }
}
