//! What of a verdict is worth remembering.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::host::{HostEnd, Verdict};
use crate::state::{DoneStep, HostRecord, Standing};

/// A bill of materials that is longer than this is not one.
const MOST_VERSIONS: usize = 100;
/// A version that is longer than this is cut.
const LONGEST_VERSION: usize = 200;

/// What is remembered of a host after it was tended or measured; `None` where nothing was learnt that is not known.
///
/// The versions of a host are those that its steps left. What is measured without a step having run and differs from
/// them is drift: it is found, not taken for right.
pub fn remember(
    verdict: &Verdict,
    machine: &str,
    before: Option<&HostRecord>,
    now: Timestamp,
) -> Option<HostRecord> {
    if !verdict.answered {
        return None;
    }
    let before = before.filter(|before| before.machine == machine);
    if verdict.ran == 0 && before.is_some() && matches!(verdict.end, HostEnd::NoSecret { .. }) {
        // Whether what is done would be done again cannot be told without the secret, and nothing was done.
        return None;
    }
    let (standing, lacks) = standing(verdict);
    let measured = versions(verdict);
    let settled = before.filter(|known| {
        verdict.ran == 0 && !known.versions.is_empty() && known.standing != Standing::Unfinished
    });
    let (versions, found) = match (settled, before) {
        (Some(known), _) if !measured.is_empty() => {
            (known.versions.clone(), known.measured_again(&measured))
        }
        // It was not measured: what was known stands.
        (_, Some(known)) if measured.is_empty() => (known.versions.clone(), known.found.clone()),
        _ => (measured, BTreeMap::new()),
    };
    let host = HostRecord {
        machine: machine.to_owned(),
        standing,
        lacks,
        measured: before.map_or(now, |known| known.measured),
        steps: steps(verdict, before, now),
        versions,
        found,
        services: services(verdict, before),
    };
    if before == Some(&host) {
        return None;
    }
    Some(HostRecord {
        measured: now,
        ..host
    })
}

/// How it stands and what it lacks.
fn standing(verdict: &Verdict) -> (Standing, Vec<String>) {
    let bad = || {
        let findings = verdict.findings.iter();
        findings
            .filter(|finding| !finding.good && finding.binding)
            .map(|finding| finding.what.to_string())
            .collect::<Vec<_>>()
    };
    let unfinished = |step: &Option<String>| (Standing::Unfinished, step.iter().cloned().collect());
    match &verdict.end {
        HostEnd::Failed { step, .. } | HostEnd::NoSecret { step, .. } => {
            unfinished(&Some(step.clone()))
        }
        HostEnd::Interrupted { step } => unfinished(step),
        _ if verdict.done.len() < verdict.wanted => unfinished(&None),
        HostEnd::NotReady => (Standing::NotReady, bad()),
        HostEnd::Ready if bad().is_empty() => (Standing::Ready, Vec::new()),
        HostEnd::Ready => (Standing::NotReady, bad()),
        // It answered, was lost, and all its steps are done: whether it measures up is not known.
        HostEnd::Unreachable(_)
        | HostEnd::HostKey(_)
        | HostEnd::Refused(_)
        | HostEnd::Strange(_) => unfinished(&None),
    }
}

fn steps(
    verdict: &Verdict,
    before: Option<&HostRecord>,
    now: Timestamp,
) -> BTreeMap<String, DoneStep> {
    let done = verdict.done.iter().map(|finished| {
        let known = before
            .and_then(|known| known.steps.get(&finished.step))
            .filter(|known| known.digest == finished.digest);
        let said = finished.at.and_then(|at| Timestamp::from_second(at).ok());
        let step = known.cloned().unwrap_or_else(|| DoneStep {
            digest: finished.digest.clone(),
            finished: said.unwrap_or(now),
        });
        (finished.step.clone(), step)
    });
    done.collect()
}

/// How the services of its stack are; where that was not measured, what was known stands.
fn services(verdict: &Verdict, before: Option<&HostRecord>) -> BTreeMap<String, String> {
    let said = verdict.facts.iter().find(|(key, _)| *key == "services");
    let Some((_, said)) = said else {
        return before.map_or_else(BTreeMap::new, |known| known.services.clone());
    };
    said.split_whitespace()
        .filter_map(|word| word.split_once(':'))
        .filter(|(name, state)| name.len().max(state.len()) <= LONGEST_VERSION)
        .take(MOST_VERSIONS)
        .map(|(name, state)| (name.to_owned(), state.to_owned()))
        .collect()
}

/// The bill of materials, within bounds: a host may say anything.
fn versions(verdict: &Verdict) -> BTreeMap<String, String> {
    let said = verdict.versions.iter();
    said.filter(|(_, value)| !value.is_empty())
        .take(MOST_VERSIONS)
        .map(|(key, value)| {
            let value = value.chars().take(LONGEST_VERSION).collect();
            (key.to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Facts, Finding, Finished, StepState};
    use crate::model::Address;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn verdict(
        end: HostEnd,
        done: &[(&str, &str, Option<i64>)],
        ran: usize,
        versions: &str,
    ) -> Verdict {
        Verdict {
            address: Address::new("node.sim.0"),
            end,
            facts: Facts::default(),
            findings: Vec::new(),
            done: done
                .iter()
                .map(|(step, digest, at)| Finished {
                    step: (*step).to_owned(),
                    digest: (*digest).to_owned(),
                    at: *at,
                })
                .collect(),
            wanted: 2,
            answered: true,
            ran,
            versions: Facts::parse(versions),
        }
    }

    const BOTH: &[(&str, &str, Option<i64>)] = &[("base", "d1", Some(5)), ("docker", "d2", None)];

    fn ready() -> HostRecord {
        let verdict = verdict(HostEnd::Ready, BOTH, 2, "docker=27.3.1\n");
        remember(&verdict, "i-1", None, at(100)).expect("it is news")
    }

    #[test]
    fn a_host_that_is_ready_and_stays_so_is_no_news() {
        let host = ready();
        assert_eq!((host.standing, host.lacks.len()), (Standing::Ready, 0));
        let times: Vec<i64> = host
            .steps
            .values()
            .map(|step| step.finished.as_second())
            .collect();
        assert_eq!((times, host.measured), (vec![5, 100], at(100)));
        assert_eq!(host.versions["docker"], "27.3.1");
        let again = verdict(HostEnd::Ready, BOTH, 0, "docker=27.3.1\n");
        assert_eq!(remember(&again, "i-1", Some(&host), at(200)), None);
        // Another machine begins anew.
        let other = remember(&again, "i-2", Some(&host), at(200)).expect("it is news");
        assert_eq!((other.machine.as_str(), other.measured), ("i-2", at(200)));
    }

    #[test]
    fn a_secret_that_cannot_be_read_spoils_no_record() {
        let end = HostEnd::NoSecret {
            step: "docker".to_owned(),
            why: crate::host::NoSecret {
                what: "the secret TOKEN".to_owned(),
                help: "set it".to_owned(),
            },
        };
        let unread = verdict(end, &BOTH[..1], 0, "");
        assert_eq!(remember(&unread, "i-1", Some(&ready()), at(200)), None);
        let new = remember(&unread, "i-1", None, at(200)).expect("it is news");
        assert_eq!(new.standing, Standing::Unfinished);
    }

    #[test]
    fn drift_is_found_and_a_step_that_ran_ends_it() {
        let host = ready();
        let newer = verdict(HostEnd::Ready, BOTH, 0, "docker=27.4.0\n");
        let drifted = remember(&newer, "i-1", Some(&host), at(200)).expect("it is news");
        assert_eq!(drifted.versions["docker"], "27.3.1");
        assert_eq!(drifted.found["docker"], "27.4.0");
        assert_eq!(remember(&newer, "i-1", Some(&drifted), at(300)), None);
        let ran = Verdict { ran: 1, ..newer };
        let settled = remember(&ran, "i-1", Some(&drifted), at(300)).expect("it is news");
        assert_eq!(
            (settled.versions["docker"].as_str(), settled.found.len()),
            ("27.4.0", 0)
        );
        // And back again: nothing differs any more.
        let back = verdict(HostEnd::Ready, BOTH, 0, "docker=27.3.1\n");
        let back = remember(&back, "i-1", Some(&drifted), at(300)).expect("it is news");
        assert!(back.found.is_empty());
    }

    #[test]
    fn what_is_done_is_known_however_it_ended() {
        let failed = HostEnd::Failed {
            step: "docker".to_owned(),
            state: StepState::Failed,
            code: Some(1),
            tail: Vec::new(),
        };
        let interrupted = HostEnd::Interrupted {
            step: Some("docker".to_owned()),
        };
        let lost = HostEnd::Unreachable("gone".to_owned());
        for (end, lacks) in [
            (failed, &["docker"][..]),
            (interrupted, &["docker"]),
            (lost, &[]),
        ] {
            let host = remember(&verdict(end, &BOTH[..1], 1, ""), "i-1", None, at(100));
            let host = host.expect("it is news");
            assert_eq!(
                (host.standing, host.lacks.as_slice()),
                (
                    Standing::Unfinished,
                    &lacks.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                )
            );
            assert!(host.is_done("base", "d1") && !host.is_done("docker", "d2"));
        }
        // A host that is gone for now is what it was.
        let silent = Verdict {
            answered: false,
            ..verdict(HostEnd::Unreachable("gone".to_owned()), &[], 0, "")
        };
        assert_eq!(remember(&silent, "i-1", Some(&ready()), at(200)), None);
        // A look that could not measure keeps the versions.
        let cut = verdict(HostEnd::Unreachable("gone".to_owned()), BOTH, 0, "");
        let cut = remember(&cut, "i-1", Some(&ready()), at(200)).expect("it is news");
        assert_eq!(cut.versions["docker"], "27.3.1");
    }

    #[test]
    fn a_host_that_does_not_measure_up_says_in_what() {
        let mut verdict = verdict(HostEnd::NotReady, BOTH, 2, "");
        verdict.findings = ["GPU", "clock"]
            .map(|what| Finding {
                what: what.into(),
                good: what == "clock",
                binding: true,
                ..Finding::default()
            })
            .to_vec();
        let host = remember(&verdict, "i-1", None, at(100)).expect("it is news");
        assert_eq!(
            (host.standing, host.lacks),
            (Standing::NotReady, vec!["GPU".to_owned()])
        );
    }

    #[test]
    fn a_bill_of_materials_is_bounded() {
        let said: String = (0..1000)
            .map(|n| format!("v{n}={}\n", "x".repeat(1000)))
            .collect();
        let host = remember(&verdict(HostEnd::Ready, BOTH, 2, &said), "i-1", None, at(1));
        let host = host.expect("it is news");
        assert_eq!(host.versions.len(), MOST_VERSIONS);
        assert!(
            host.versions
                .values()
                .all(|value| value.len() == LONGEST_VERSION)
        );
    }
}
