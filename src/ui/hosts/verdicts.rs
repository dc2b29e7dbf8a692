//! What is said after hosts were tended: each host's verdict, why it failed, where its log is, what to type next.

use crate::host::{Finding, HostEnd, Verdict};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::text::counted;

use super::explain::explain;

/// Only so many hosts that are ready have a line of their own.
const MOST_READY: usize = 8;

/// The account of all hosts. `log` says where a step's whole log lies on this machine; `next` is what to type.
pub fn verdicts_view(
    verdicts: &[Verdict],
    log: &dyn Fn(&Verdict, &str) -> String,
    (next, same_lab): (&[String], &str),
    look: &Look,
) -> String {
    let mut page = Page::default();
    for verdict in verdicts
        .iter()
        .filter(|verdict| verdict.end != HostEnd::Ready)
    {
        failed(&mut page, verdict, log, (same_lab, look));
        page.gap();
    }
    let ready = verdicts
        .iter()
        .filter(|verdict| verdict.end == HostEnd::Ready)
        .count();
    if verdicts.len() > 1 && ready <= MOST_READY {
        let good = verdicts
            .iter()
            .filter(|verdict| verdict.end == HostEnd::Ready);
        for verdict in good {
            let ran = match verdict.ran {
                0 => "as it was".to_owned(),
                ran => format!("{} run", counted(ran, "step")),
            };
            page.line(
                Line::at(0)
                    .add(Role::Good, format!("{} ", look.tick()))
                    .add(Role::Strong, verdict.address.to_string())
                    .plain(format!(": ready, {ran}")),
            );
        }
    }
    let ran: usize = verdicts.iter().map(|verdict| verdict.ran).sum();
    let all = ready == verdicts.len();
    let (mark, role) = if all {
        (look.tick(), Role::Good)
    } else {
        (look.cross(), Role::Bad)
    };
    let steps = if ran == 0 && all {
        "nothing had to be done".to_owned()
    } else {
        format!("{} run", counted(ran, "step"))
    };
    page.line(
        Line::at(0)
            .add(role, format!("{mark} "))
            .add(
                Role::Strong,
                format!("{ready} of {} ready", counted(verdicts.len(), "host")),
            )
            .plain(format!("; {steps}.")),
    );
    if verdicts
        .iter()
        .any(|verdict| verdict.facts.get("simulated") == "yes")
    {
        let text = "Hosts of the sandbox are played: no step ran anywhere, and what was measured is made up.";
        page.line(Line::at(0).hang(2).add(Role::Notice, text));
    }
    for (position, command) in next.iter().enumerate() {
        let lead = if position == 0 { "Next: " } else { "      " };
        page.line(
            Line::at(0)
                .hang(6)
                .add(Role::Faint, lead)
                .add(Role::Strong, command),
        );
    }
    page.render(look)
}

/// What was measured, one line each; what is wrong with what was expected, its cause, and what to type.
fn findings(page: &mut Page, verdict: &Verdict, same_lab: &str, look: &Look) {
    for finding in &verdict.findings {
        let (mark, role) = if finding.good {
            (look.tick(), Role::Good)
        } else {
            (look.cross(), Role::Bad)
        };
        page.line(
            Line::at(2)
                .hang(4)
                .add(role, format!("{mark} "))
                .plain(format!("{}: {}", finding.what, finding.found)),
        );
        if finding.good {
            continue;
        }
        let remark = |text: String| Line::at(4).hang(6).add(Role::Faint, text);
        page.line(remark(format!("expected: {}", finding.expected)));
        page.line(remark(format!("cause: {}", finding.cause)));
        page.line(Line::command(4, next_of(finding, verdict, same_lab)));
    }
}

/// What `doctor` says.
pub fn examined_view(verdicts: &[Verdict], look: &Look, same_lab: &str) -> String {
    let mut page = Page::default();
    for verdict in verdicts {
        page.gap();
        match verdict.end {
            HostEnd::Ready => {
                page.line(
                    Line::at(0)
                        .add(Role::Strong, verdict.address.to_string())
                        .plain(format!("  {}", verdict.facts.system())),
                );
                findings(&mut page, verdict, same_lab, look);
            }
            _ => failed(&mut page, verdict, &|_, _| String::new(), (same_lab, look)),
        }
    }
    let is_ill = |verdict: &&Verdict| {
        verdict.end != HostEnd::Ready || verdict.findings.iter().any(|finding| !finding.good)
    };
    let ill = verdicts.iter().filter(is_ill).count();
    let all = counted(verdicts.len(), "host");
    page.gap();
    if ill == 0 {
        let line = Line::at(0).add(Role::Good, format!("{} ", look.tick()));
        page.line(line.plain(format!("{all}, nothing wrong.")));
    } else {
        let line = Line::at(0).add(Role::Bad, format!("{} ", look.cross()));
        page.line(line.plain(format!("{ill} of {all} not as it should be.")));
        page.line(Line::at(0).plain("Next:"));
        page.line(Line::command(2, format!("roboinfra bootstrap{same_lab}")));
    }
    page.render(look)
}

/// What to type about a finding.
pub(in crate::ui) fn next_of(finding: &Finding, verdict: &Verdict, same_lab: &str) -> String {
    let host = finding.next.replace("{host}", verdict.address.as_str());
    host.replace("{lab}", same_lab)
}

fn failed(
    page: &mut Page,
    verdict: &Verdict,
    log: &dyn Fn(&Verdict, &str) -> String,
    (same_lab, look): (&str, &Look),
) {
    let head = |text: String| {
        Line::at(0)
            .add(Role::Bad, format!("{} ", look.cross()))
            .add(Role::Strong, verdict.address.to_string())
            .plain(format!(": {text}"))
    };
    let advice = |page: &mut Page, text: &str| {
        page.line(Line::at(2).hang(4).plain(text.to_owned()));
    };
    match &verdict.end {
        HostEnd::Ready => {}
        HostEnd::NotReady => {
            page.line(head(
                "every step is done, but the host does not measure up".to_owned(),
            ));
            findings(page, verdict, same_lab, look);
        }
        HostEnd::Failed {
            step,
            state: _,
            code,
            tail,
        } => {
            let code = code.map_or_else(String::new, |code| format!(" (exit code {code})"));
            page.line(head(format!("the step {step} failed{code}")));
            for line in tail {
                page.line(Line::at(2).hang(4).add(Role::Faint, format!("| {line}")));
            }
            if let Some(meaning) = explain(tail) {
                advice(page, &meaning.what);
                if !meaning.help.is_empty() {
                    advice(page, &meaning.help);
                }
            }
            advice(page, &format!("The whole log: {}", log(verdict, step)));
        }
        HostEnd::NoSecret { step, why } => {
            page.line(head(format!("the step {step} cannot begin: {}", why.what)));
            advice(page, &why.help);
        }
        HostEnd::Unreachable(why) => {
            page.line(head(format!("out of reach: {why}")));
            if verdict.address.as_str().starts_with("node.") {
                advice(
                    page,
                    "Does it run, and does its security group let your address in? `roboinfra status` and `roboinfra plan` show it.",
                );
            }
        }
        HostEnd::HostKey(why) => {
            page.line(head(why.clone()));
            advice(
                page,
                "Either the machine was reinstalled, or somebody stands between you and it. If you know why, remove its line from the lab's known_hosts.",
            );
        }
        HostEnd::Refused(why) | HostEnd::Strange(why) => {
            page.line(head(why.clone()));
        }
        HostEnd::Interrupted { step } => {
            page.line(head(match step {
                Some(step) => format!("interrupted; the step {step} goes on on the host"),
                None => "interrupted".to_owned(),
            }));
        }
    }
}
