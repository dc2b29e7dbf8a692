//! The whole plan, readable at a glance in 80 columns.

use super::report::{Place, PlanReport};
use super::{bill, changes, hosts, launches, notices};
use crate::plan::{Mode, Plan, Tally};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};

/// Renders the plan.
pub fn plan_view(report: &PlanReport<'_>, look: &Look) -> String {
    let mut page = Page::default();
    let plan = report.plan;
    page.line(header(report.place, look));
    changes::show(&mut page, report, look);
    hosts::show(&mut page, report, look);
    if plan.launches() {
        launches::show(&mut page, report, look);
    }
    let settled = !plan.has_changes() && !plan.is_blocked();
    let then = hosts::tally(report);
    if settled && then.is_some() {
        page.gap();
    } else if settled {
        cost_of_nothing(&mut page, report);
    } else {
        bill::show(&mut page, report, look);
    }
    notices::show(&mut page, report, look);
    if !settled || then.is_some() {
        page.gap();
        page.lines(tally(&plan.tally(), plan));
        page.lines(then);
    } else if !report.next.is_empty() {
        page.gap();
    }
    for (position, command) in report.next.iter().enumerate() {
        let lead = if position == 0 { "Next: " } else { "      " };
        page.line(
            Line::at(0)
                .add(Role::Faint, lead)
                .add(Role::Strong, command)
                .hang(6),
        );
    }
    page.render(look)
}

/// Which lab, and where.
pub(in crate::ui) fn header(place: &Place, look: &Look) -> Line {
    let Place {
        lab,
        region,
        account,
        endpoint,
    } = place;
    let dot = look.dot();
    let mut line = Line::at(0).add(Role::Strong, lab.as_str());
    let at = if place.has_cloud() {
        format!("{region} {dot} account {account}")
    } else {
        "no cloud".to_owned()
    };
    line.push(Role::Faint, format!("  {at}"));
    if !["aws", ""].contains(&endpoint.as_str()) {
        line.push(Role::Faint, format!(" {dot} "));
        line.push(Role::Notice, endpoint);
    }
    line
}

fn cost_of_nothing(page: &mut Page, report: &PlanReport<'_>) {
    let text = match report.plan.mode {
        Mode::Apply => "No changes. The lab is as the profile says.",
        Mode::Destroy => "Nothing to destroy. Nothing of this lab exists.",
        Mode::RefreshOnly => "No changes. The lockfile is up to date.",
    };
    page.gap();
    let kept = report.plan.mode == Mode::Destroy && !report.plan.changes.is_empty();
    let waits = report.plan.mode == Mode::Apply && changes::has_waiting(report.plan);
    let text = if kept {
        "Nothing to destroy but what is kept."
    } else if report.plan.is_blocked() {
        "Nothing can be done until what is blocked is mended."
    } else if waits {
        "Nothing to do now. What is left alone takes effect when it is next made."
    } else {
        text
    };
    page.line(Line::at(0).add(Role::Good, text));
    if !report.bill.lines.is_empty() {
        page.line(bill::standing(report.bill));
    }
}

/// The counts of a plan, in Terraform's words.
pub(in crate::ui) fn tally_text(tally: &Tally) -> String {
    let Tally {
        create,
        update,
        replace,
        delete,
        adopt: _,
        forget: _,
        unchanged: _,
        blocked: _,
    } = tally;
    format!("{create} to create, {update} to update, {replace} to replace, {delete} to delete")
}

fn tally(tally: &Tally, plan: &Plan) -> Vec<Line> {
    let lead = match plan.mode {
        Mode::Apply | Mode::Destroy => "Plan: ",
        Mode::RefreshOnly => "Refresh: ",
    };
    let text = format!("{lead}{}.", tally_text(tally));
    let kept = changes::kept(plan).count();
    let rest = [
        (Role::Change, tally.adopt, "to adopt"),
        (Role::Notice, tally.forget, "to forget"),
        (Role::Bad, tally.blocked, "blocked"),
        (Role::Faint, kept, "kept"),
        (Role::Faint, tally.unchanged - kept, "unchanged"),
    ];
    let mut line = Line::at(lead.len());
    for (role, count, what) in rest.into_iter().filter(|(_, count, _)| *count > 0) {
        let comma = if line.columns() == 0 { "" } else { ", " };
        line = line
            .add(Role::Faint, comma)
            .add(role, format!("{count} {what}"));
    }
    let mut lines = vec![Line::at(0).hang(lead.len()).add(Role::Strong, text)];
    if line.columns() > 0 {
        lines.push(line.add(Role::Faint, "."));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, sample};
    use super::*;
    use crate::model::{Action, FieldChange, Impact, Loss, Reason};

    fn shown(sample: &Sample, next: &[&str], verbose: bool, look: &Look) -> String {
        let next: Vec<String> = next.iter().map(ToString::to_string).collect();
        let warnings = ["[idle] is not built yet: it is left out.".to_owned()];
        let report = PlanReport {
            place: &sample.place,
            plan: &sample.plan,
            hosts: &sample.hosts,
            bill: &sample.bill,
            notices: &sample.notices,
            warnings: if next.is_empty() { &[] } else { &warnings },
            pins: &sample.pins,
            next: &next,
            verbose,
        };
        plan_view(&report, look)
    }

    const APPLY: &[&str] = &[
        "roboinfra apply",
        "roboinfra plan --out lab.plan, to apply just this later",
    ];

    #[test]
    fn a_new_lab() {
        insta::assert_snapshot!(shown(&sample(1), APPLY, false, &Look::plain(80)));
    }

    #[test]
    fn a_new_lab_without_unicode_in_colour() {
        let look = Look {
            color: true,
            unicode: false,
            ..Look::plain(80)
        };
        insta::assert_snapshot!(shown(&sample(1), APPLY, false, &look));
    }

    #[test]
    fn fifty_nodes_are_as_short_as_one() {
        let text = shown(&sample(50), APPLY, false, &Look::plain(80));
        insta::assert_snapshot!(text);
        assert!(text.contains("node.sim.0 … 49 (50)"), "{text}");
        let of_one = shown(&sample(1), APPLY, false, &Look::plain(80));
        assert!(text.lines().count() <= of_one.lines().count() + 3);
    }

    #[test]
    fn verbose_shows_everything() {
        let text = shown(&sample(5), APPLY, true, &Look::plain(100));
        for index in 0..5 {
            assert!(text.contains(&format!("+ node.sim.{index} ")), "{text}");
        }
        assert!(
            text.contains("in use"),
            "the quota checks that are fine: {text}"
        );
    }

    /// As if the lab existed: nothing changes but what `change` changes.
    fn existing(change: impl Fn(&mut crate::plan::Change)) -> Sample {
        let mut sample = sample(2);
        sample.plan.steps.clear();
        sample.hosts.clear();
        sample.notices.clear();
        for found in &mut sample.plan.changes {
            (found.action, found.reason) = (Action::NoOp, Reason::UpToDate);
            change(found);
        }
        for line in &mut sample.bill.lines {
            line.before = line.after;
        }
        sample.bill.before = sample.bill.after;
        sample
    }

    fn field(field: &str, before: &str, after: &str, impact: Impact, drift: bool) -> FieldChange {
        FieldChange {
            field: field.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
            impact,
            drift,
        }
    }

    #[test]
    fn a_lab_that_is_as_it_should_be() {
        insta::assert_snapshot!(shown(&existing(|_| ()), &[], false, &Look::plain(80)), @r"
        digital-twin  us-east-1 · account 111122223333

        No changes. The lab is as the profile says.
        It costs $2.587 an hour now; with every machine stopped, $0.163.
        ");
    }

    #[test]
    fn changes_of_every_sort() {
        let mut sample = existing(|change| match change.address.as_str() {
            "node.sim.0" => {
                change.action = Action::Replace;
                change.reason = Reason::CannotUpdate;
                change.fields = vec![field(
                    "image",
                    "ami-0a1b2c3d4e5f67890",
                    "ami-0ffffffffffffffff",
                    Impact::Replace,
                    false,
                )];
                change.losses = vec![
                    Loss("the root volume and all on it".to_owned()),
                    Loss("the private address 10.0.1.5".to_owned()),
                ];
            }
            "node.sim.1" => {
                change.action = Action::Update;
                change.reason = Reason::Differs;
                change.fields = vec![field(
                    "type",
                    "g5.xlarge",
                    "g5.2xlarge",
                    Impact::Restart,
                    true,
                )];
            }
            "access.security-group.sim" => {
                change.action = Action::Update;
                change.reason = Reason::Differs;
                change.fields = vec![field(
                    "rule",
                    "-",
                    "22/tcp from 203.0.113.7/32",
                    Impact::InPlace,
                    false,
                )];
            }
            "access.key-pair" => {
                change.action = Action::Blocked;
                let why = "roboinfra-digital-twin-k3v9q2 exists and is not this lab's\u{1b}[2J"
                    .to_owned();
                change.reason = Reason::Blocked(crate::model::BlockReason::Foreign(why));
            }
            "network.vpc" => {
                (change.action, change.reason) = (Action::Adopt, Reason::NotRecorded);
            }
            "elastic-ip.sim.1" => {
                (change.action, change.reason) = (Action::Delete, Reason::NotInProfile);
                change.losses = vec![Loss("the address 203.0.113.9".to_owned())];
            }
            "volume.sim.1.data" => {
                (change.action, change.reason) = (Action::Create, Reason::Vanished);
            }
            _ => {}
        });
        for line in &mut sample.bill.lines {
            match line.address.as_str() {
                "node.sim.0" => {
                    line.before = line.before.map(|rate| crate::plan::Rate {
                        running: rate.running * 0.5,
                        ..rate
                    });
                }
                "elastic-ip.sim.1" => line.after = None,
                "volume.sim.1.data" => line.before = None,
                _ => {}
            }
        }
        sample.bill.of_region = false;
        sample.bill.before.running = sample.bill.before.running * 0.5;
        insta::assert_snapshot!(shown(&sample, APPLY, false, &Look::plain(80)));
    }

    #[test]
    fn hosts_with_steps_to_run_and_hosts_that_drifted() {
        use crate::plan::{StepPlan, VersionDrift};
        use crate::state::Standing;
        let mut sample = existing(|_| ());
        let steps = |plans: [StepPlan; 3]| {
            let names = ["base", "docker", "ros-network"].map(ToOwned::to_owned);
            names.into_iter().zip(plans).collect()
        };
        let host = |address: &str, plans| crate::plan::HostPlan {
            address: crate::model::Address::new(address),
            asleep: false,
            replaced: false,
            steps: steps(plans),
            standing: Some((Standing::Ready, Vec::new())),
            measured: Some(super::super::samples::now()),
            drift: Vec::new(),
        };
        let (new, changed, done) = (StepPlan::New, StepPlan::Changed, StepPlan::Done);
        let drift = |what: &str, left: &str, found: &str| VersionDrift {
            what: what.to_owned(),
            left: left.to_owned(),
            found: found.to_owned(),
        };
        sample.hosts = vec![
            crate::plan::HostPlan {
                drift: vec![
                    drift("docker", "27.3.1", "27.4.0"),
                    drift("driver", "580.95.05", ""),
                    drift("toolkit", "", "1.20.1"),
                ],
                ..host("edge.arm1", [done; 3])
            },
            host("node.sim.0", [done, changed, new]),
            crate::plan::HostPlan {
                asleep: true,
                standing: Some((Standing::Unfinished, vec!["docker".to_owned()])),
                ..host("node.sim.1", [done, new, new])
            },
            crate::plan::HostPlan {
                standing: Some((
                    Standing::NotReady,
                    vec!["GPU".to_owned(), "clock".to_owned()],
                )),
                ..host("node.sim.2", [done; 3])
            },
            crate::plan::HostPlan {
                replaced: true,
                standing: None,
                ..host("node.sim.3", [new; 3])
            },
            host("node.sim.4", [done; 3]),
        ];
        insta::assert_snapshot!(shown(&sample, APPLY, false, &Look::plain(80)));
        for host in &mut sample.hosts {
            host.steps = steps([done; 3]);
        }
        let text = shown(&sample, &[], false, &Look::plain(80));
        assert!(text.contains("No changes."), "{text}");
        assert!(
            text.contains("docker: 27.3.1 was left, 27.4.0 was found"),
            "{text}"
        );
    }

    #[test]
    fn destroying_names_what_is_lost_and_what_stays() {
        let mut sample = existing(|change| {
            change.action = Action::Delete;
            change.reason = Reason::Destroying;
            if change.address.as_str().starts_with("node") {
                change.losses = vec![Loss("the root volume and all on it".to_owned())];
            }
            if change.address.as_str().starts_with("volume") {
                (change.action, change.reason) = (Action::NoOp, Reason::Kept);
            }
        });
        sample.plan.mode = Mode::Destroy;
        for line in &mut sample.bill.lines {
            line.after = line
                .after
                .filter(|_| line.address.as_str().starts_with("volume"));
        }
        let left = sample
            .bill
            .lines
            .iter()
            .filter_map(|line| line.after)
            .map(|rate| rate.stopped)
            .sum();
        sample.bill.after = crate::plan::Rate {
            running: left,
            stopped: left,
        };
        insta::assert_snapshot!(shown(
            &sample,
            &["roboinfra destroy"],
            false,
            &Look::plain(80)
        ));
    }
}
