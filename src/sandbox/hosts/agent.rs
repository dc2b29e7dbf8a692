//! The agent of a played host: it is there when its step is done, and says that it measures nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::played::Played;
use crate::model::{
    AGENT_STATUS_FORMAT, AgentConfig, AgentIdleStatus, AgentLeaseStatus, AgentReason, AgentStatus,
    Hold,
};

/// The file that a script gives the agent.
pub(super) fn config(script: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(script);
    let rest = text.split_once("\nexport AGENT_CONFIG='")?.1;
    let config = rest.split_once("'\nexport ")?.0;
    (!config.is_empty()).then(|| config.to_owned())
}

/// The answer to `agent`.
pub(super) fn agent(host: &Played, now: Timestamp) -> String {
    let mut lines = format!("epoch={}\n", now.as_second());
    match host.agent(now) {
        None => lines.push_str("agent_active=inactive\n"),
        Some((config, since)) => {
            let status = status(host, &config, (since, now));
            let status = serde_json::to_string(&status).expect("plain values always serialise");
            lines.push_str(&format!("agent_active=active\nagent_status={status}\n"));
        }
    }
    let hold = host
        .hold
        .as_ref()
        .map_or_else(|| "none".to_owned(), |hold| STANDARD.encode(hold));
    lines.push_str(&format!("hold={hold}\n"));
    lines
}

fn status(
    host: &Played,
    config: &AgentConfig,
    (since, now): (Timestamp, Timestamp),
) -> AgentStatus {
    let mut busy = vec![AgentReason {
        signal: "simulated".to_owned(),
        why: "a host of the sandbox measures nothing, and never stops by itself".to_owned(),
    }];
    let hold = host.hold.as_deref().map(Hold::parse);
    if let Some(Ok(hold)) = hold.filter(|hold| hold.as_ref().is_ok_and(|hold| hold.stands(now))) {
        busy.push(AgentReason {
            signal: "hold".to_owned(),
            why: format!("held by {}", hold.by),
        });
    }
    let ran = u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0);
    AgentStatus {
        version: AGENT_STATUS_FORMAT,
        agent: "simulated".to_owned(),
        lab: config.lab.clone(),
        node: config.node.clone(),
        at: now.as_second(),
        every_s: config.sample_s,
        source: "none".to_owned(),
        expected_gpus: config.expected_gpus,
        idle: config.idle.as_ref().map(|idle| AgentIdleStatus {
            busy,
            after_s: u64::from(idle.for_s),
            ..AgentIdleStatus::default()
        }),
        lease: config.lease.as_ref().map(|lease| AgentLeaseStatus {
            left_s: lease.ttl_s.saturating_sub(ran),
        }),
        ..AgentStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::assets::{script, step};
    use crate::sandbox::scenario::HostPlot;

    #[test]
    fn it_is_there_when_its_step_is_done() {
        let text = "version = 1\nlab = \"twin\"\nnode = \"sim.0\"\n[idle]\ngpu_below_percent = 5\nfor_s = 60\n\
                    then = \"power-off\"\n[lease]\nttl_s = 3600";
        let inputs = [("AGENT_CONFIG".to_owned(), text.to_owned())].into();
        let script = script(
            step("gpu-metrics").expect("shipped"),
            &inputs,
            &BTreeMap::new(),
        );
        let found = config(script.text.as_bytes());
        assert_eq!(found.as_deref(), Some(text));
        assert_eq!(config(b"#!/bin/sh\n"), None);

        let now = Timestamp::UNIX_EPOCH;
        let mut host = Played::default();
        assert!(agent(&host, now).contains("agent_active=inactive\nhold=none\n"));
        host.put("gpu-metrics", "d1", (String::new(), Vec::new(), found));
        let plot = HostPlot {
            step: Duration::from_secs(1),
            ..HostPlot::default()
        };
        host.start("i-1", ("gpu-metrics", "d1"), (&plot, &[]), now);
        host.hold = Some("until=forever\nby=ada\n".to_owned());
        let said = agent(&host, now + Duration::from_secs(61));
        let status = said
            .lines()
            .find_map(|line| line.strip_prefix("agent_status="))
            .expect("it is active");
        let status: AgentStatus = serde_json::from_str(status).expect("JSON");
        assert_eq!(status.lease, Some(AgentLeaseStatus { left_s: 3540 }));
        let busy = status.idle.expect("[idle]").busy;
        assert_eq!(busy.len(), 2);
        assert_eq!(busy[1].why, "held by ada");
    }
}
