//! What is to be done on hosts: their steps, and what they were found to be.

use super::report::PlanReport;
use crate::plan::{HostPlan, Mode, StepPlan, VersionDrift};
use crate::state::Standing;
use crate::ui::fold::{FOLD_FROM, Shape, label};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::widest;
use crate::ui::text::{counted, moment};

pub(super) fn show(page: &mut Page, report: &PlanReport<'_>, look: &Look) {
    let shown: Vec<&HostPlan> = report
        .hosts
        .iter()
        .filter(|host| report.verbose || is_shown(host))
        .collect();
    if shown.is_empty() || report.plan.mode == Mode::Destroy {
        return;
    }
    let groups = grouped(shown, report.verbose);
    page.heading("Hosts");
    let labels: Vec<String> = groups
        .iter()
        .map(|group| {
            let shapes: Vec<Shape> = group.iter().map(|host| Shape::of(&host.address)).collect();
            label(&shapes, look)
        })
        .collect();
    let width = widest(labels.iter().map(String::as_str), look.width / 2);
    for (group, label) in groups.iter().zip(&labels) {
        host(page, group[0], label, width);
    }
    if report.hosts.iter().any(|host| !host.drift.is_empty()) {
        let text = "`roboinfra apply --refresh-only` takes what was found for right.";
        page.line(Line::at(4).hang(4).add(Role::Faint, text));
    }
}

/// A host on which nothing is to be done and nothing is odd is only counted.
fn is_shown(host: &HostPlan) -> bool {
    host.steps.iter().any(|(_, step)| *step != StepPlan::Done)
        || !host.drift.is_empty()
        || host
            .standing
            .as_ref()
            .is_some_and(|(standing, _)| *standing != Standing::Ready)
}

fn grouped(hosts: Vec<&HostPlan>, verbose: bool) -> Vec<Vec<&HostPlan>> {
    let mut groups: Vec<Vec<&HostPlan>> = Vec::new();
    for host in hosts {
        let shape = Shape::of(&host.address);
        let alike = |group: &&mut Vec<&HostPlan>| {
            let first = group[0];
            Shape::of(&first.address).is_like(&shape)
                && (&first.steps, &first.drift, first.asleep, first.replaced)
                    == (&host.steps, &host.drift, host.asleep, host.replaced)
                && first.standing == host.standing
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(host),
            None => groups.push(vec![host]),
        }
    }
    let fold_from = if verbose { usize::MAX } else { FOLD_FROM };
    let parts = groups.into_iter().flat_map(|group| {
        let size = if group.len() >= fold_from {
            group.len()
        } else {
            1
        };
        let parts: Vec<Vec<&HostPlan>> = group.chunks(size).map(<[_]>::to_vec).collect();
        parts
    });
    parts.collect()
}

fn host(page: &mut Page, host: &HostPlan, label: &str, width: usize) {
    let all_new = host.steps.iter().all(|(_, step)| *step == StepPlan::New);
    let (sign, role) = match (host.has_work(), all_new) {
        (true, true) => ("  +", Role::Good),
        (true, false) => ("  ~", Role::Change),
        (false, _) if !host.drift.is_empty() => ("  !", Role::Notice),
        (false, _) => ("   ", Role::Faint),
    };
    let column = width + 6;
    page.line(
        Line::at(0)
            .hang(column)
            .add(role, format!("{sign} "))
            .plain(label)
            .pad_to(column)
            .plain(steps(host)),
    );
    for text in remarks(host) {
        page.line(Line::at(column).hang(column + 2).add(Role::Faint, text));
    }
    for drift in &host.drift {
        page.line(
            Line::at(column)
                .hang(column + 2)
                .add(Role::Notice, drifted(drift)),
        );
    }
}

/// The steps in words: what is done is counted, what is to be run is named.
fn steps(host: &HostPlan) -> String {
    let named = |plan| host.steps_of(plan).collect::<Vec<_>>().join(", ");
    let count = |plan| host.steps_of(plan).count();
    let (new, changed, done) = (
        count(StepPlan::New),
        count(StepPlan::Changed),
        count(StepPlan::Done),
    );
    let mut parts = Vec::new();
    if changed > 0 {
        parts.push(format!("changed: {}", named(StepPlan::Changed)));
    }
    if new > 0 && changed + done > 0 {
        parts.push(format!("new: {}", named(StepPlan::New)));
    } else if new > 0 {
        parts.push(format!(
            "{}: {}",
            counted(new, "step"),
            named(StepPlan::New)
        ));
    }
    if done > 0 {
        parts.push(format!("{} done", counted(done, "step")));
    }
    parts.join("; ")
}

fn remarks(host: &HostPlan) -> Vec<String> {
    let mut remarks = Vec::new();
    if host.asleep && host.steps.iter().any(|(_, step)| *step != StepPlan::Done) {
        remarks.push("stopped: when it runs again".to_owned());
    }
    if host.replaced {
        remarks.push("another machine: what was done on the old one is void".to_owned());
    }
    let at = host
        .measured
        .map_or_else(String::new, |at| format!(" ({})", moment(at)));
    match &host.standing {
        Some((Standing::NotReady, lacks)) => {
            remarks.push(format!("was not ready: {}{at}", lacks.join(", ")));
        }
        Some((Standing::Unfinished, lacks)) if !lacks.is_empty() => {
            remarks.push(format!("an earlier run ended at {}{at}", lacks.join(", ")));
        }
        Some(_) | None => {}
    }
    remarks
}

fn drifted(drift: &VersionDrift) -> String {
    let VersionDrift { what, left, found } = drift;
    match (left.as_str(), found.as_str()) {
        ("", found) => format!("{what}: {found} was found, none was left"),
        (left, "") => format!("{what}: {left} was left, and is gone"),
        (left, found) => format!("{what}: {left} was left, {found} was found"),
    }
}

/// What is to be done on hosts, counted; nothing where there are none.
pub(super) fn tally(report: &PlanReport<'_>) -> Option<Line> {
    let work = report.hosts.iter().filter(|host| host.has_work()).count();
    if work == 0 || report.plan.mode != Mode::Apply {
        return None;
    }
    let steps: usize = report
        .hosts
        .iter()
        .filter(|host| host.has_work())
        .flat_map(|host| &host.steps)
        .filter(|(_, step)| *step != StepPlan::Done)
        .count();
    let text = format!(
        "{} to make ready, {}.",
        counted(work, "host"),
        counted(steps, "step")
    );
    Some(
        Line::at(0)
            .hang(6)
            .add(Role::Strong, "Then: ")
            .add(Role::Strong, text),
    )
}
