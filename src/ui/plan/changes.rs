//! The changes by section, like ones folded into one line.

use super::reasons::{impact, reason, sign};
use super::report::PlanReport;
use crate::model::{Action, Address, FieldChange, Impact, Kind, Reason};
use crate::plan::{Change, Mode, Plan};
use crate::ui::fold::{FOLD_FROM, Shape, label};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::table::widest;
use crate::ui::text::{columns, counted};

/// The parts of a lab, as a reader thinks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Network,
    Access,
    Identity,
    Nodes,
    Watch,
}

impl Section {
    const ALL: [Self; 5] = [
        Self::Network,
        Self::Access,
        Self::Identity,
        Self::Nodes,
        Self::Watch,
    ];

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Vpc
            | Kind::Subnet
            | Kind::InternetGateway
            | Kind::RouteTable
            | Kind::Route
            | Kind::RouteTableAssociation => Self::Network,
            Kind::SecurityGroup | Kind::KeyPair => Self::Access,
            Kind::Role | Kind::InstanceProfile => Self::Identity,
            Kind::PlacementGroup | Kind::Instance | Kind::Volume | Kind::ElasticIp => Self::Nodes,
            Kind::Alarm | Kind::Dashboard => Self::Watch,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Access => "Access",
            Self::Identity => "Identity",
            Self::Nodes => "Nodes",
            Self::Watch => "Watch",
        }
    }
}

/// Whether something that the profile asks for waits until its resource is next made.
pub(super) fn has_waiting(plan: &Plan) -> bool {
    let waits = |field: &FieldChange| field.impact == Impact::NextLaunch && !field.drift;
    let mut fields = plan.changes.iter().flat_map(|change| &change.fields);
    fields.any(waits)
}

/// Changes that one line stands for.
struct Group<'a> {
    shapes: Vec<Shape>,
    changes: Vec<&'a Change>,
}

pub(super) fn show(page: &mut Page, report: &PlanReport<'_>, look: &Look) {
    let shown: Vec<&Change> = report
        .plan
        .changes
        .iter()
        .filter(|change| is_shown(change))
        .collect();
    let fold_from = if report.verbose {
        usize::MAX
    } else {
        FOLD_FROM
    };
    for section in Section::ALL {
        let of_section = shown
            .iter()
            .copied()
            .filter(|change| Section::of(change.kind) == section);
        let groups = grouped(of_section.collect(), fold_from);
        if groups.is_empty() {
            continue;
        }
        page.heading(section.title());
        let labels: Vec<String> = groups
            .iter()
            .map(|group| label(&group.shapes, look))
            .collect();
        let width = widest(labels.iter().map(String::as_str), look.width / 2);
        for (group, label) in groups.iter().zip(&labels) {
            page.lines(group_lines(group, label, width, report.plan.mode, look));
        }
    }
}

/// What does not change is only counted, unless it differs, is kept on `destroy`, is stopped, or was let go of.
fn is_shown(change: &Change) -> bool {
    change.action != Action::NoOp
        || !change.fields.is_empty()
        || matches!(
            change.reason,
            Reason::Kept | Reason::Stopped | Reason::LetGo
        )
}

/// What a plan to destroy leaves because the profile says so.
pub(super) fn kept(plan: &Plan) -> impl Iterator<Item = &Address> {
    plan.changes
        .iter()
        .filter(|change| change.reason == Reason::Kept)
        .map(|change| &change.address)
}

/// Puts like changes together, keeping the order of the first of each.
fn grouped(changes: Vec<&Change>, fold_from: usize) -> Vec<Group<'_>> {
    let mut with_shapes: Vec<(Shape, &Change)> = changes
        .into_iter()
        .map(|change| (Shape::of(&change.address), change))
        .collect();
    with_shapes
        .sort_by(|(a, x), (b, y)| (place(x), a.pattern(), a).cmp(&(place(y), b.pattern(), b)));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (shape, change) in with_shapes {
        let found = groups
            .iter_mut()
            .rev()
            .take_while(|group| group.shapes[0].is_like(&shape))
            .find(|group| are_alike(group.changes[0], change));
        match found {
            Some(group) => {
                group.shapes.push(shape);
                group.changes.push(change);
            }
            None => groups.push(Group {
                shapes: vec![shape],
                changes: vec![change],
            }),
        }
    }
    groups
        .into_iter()
        .flat_map(|group| unfold(group, fold_from))
        .collect()
}

/// A group that is too small to be worth folding, taken apart again.
fn unfold(group: Group<'_>, fold_from: usize) -> Vec<Group<'_>> {
    if group.changes.len() >= fold_from {
        return vec![group];
    }
    let pairs = group.shapes.into_iter().zip(group.changes);
    pairs
        .map(|(shape, change)| Group {
            shapes: vec![shape],
            changes: vec![change],
        })
        .collect()
}

/// Where a change stands in its section: by node group, then by kind; elsewhere by kind.
fn place(change: &Change) -> (&str, Kind) {
    let group = match change.kind {
        Kind::Instance | Kind::Volume | Kind::ElasticIp | Kind::Alarm => change
            .address
            .as_str()
            .split('.')
            .nth(1)
            .unwrap_or_default(),
        _ => "",
    };
    (group, change.kind)
}

/// Subnets differ in their block and belong together all the same; of everything else the summaries must agree.
fn are_alike(a: &Change, b: &Change) -> bool {
    let same_summary = a.summary == b.summary || a.kind == Kind::Subnet;
    let fields = |change: &Change| -> Vec<(String, String, Impact, bool)> {
        let parts = |f: &FieldChange| (f.field.clone(), f.after.clone(), f.impact, f.drift);
        change.fields.iter().map(parts).collect()
    };
    let same_way = a.moved_from.is_some() == b.moved_from.is_some();
    same_summary
        && same_way
        && a.action == b.action
        && a.reason == b.reason
        && fields(a) == fields(b)
}

fn group_lines(group: &Group<'_>, label: &str, width: usize, mode: Mode, look: &Look) -> Vec<Line> {
    let first = group.changes[0];
    let (sign, role) = sign(first.action);
    let name = if first.action == Action::NoOp {
        Role::Faint
    } else {
        Role::Plain
    };
    let summary_at = 4 + width + 2;
    let line = Line::at(0)
        .hang(summary_at)
        .add(role, sign)
        .plain(" ")
        .add(name, label);
    let summary = summary(group, look);
    let wide = columns(label) > width;
    let whole = 4 + columns(label) + 2 + columns(&summary);
    let mut lines = if summary.is_empty() {
        vec![line]
    } else if wide && whole > look.width {
        // Below a name that leaves it no room.
        let below = Line::at(summary_at).hang(summary_at);
        vec![line, below.add(Role::Faint, summary)]
    } else {
        let column = if wide {
            4 + columns(label) + 2
        } else {
            summary_at
        };
        vec![line.pad_to(column).add(Role::Faint, summary)]
    };
    let detail = || Line::at(6).hang(8);
    if let Some(text) =
        reason(&first.reason).filter(|_| mode != Mode::RefreshOnly || first.fields.is_empty())
    {
        let role = if first.action == Action::Blocked {
            Role::Bad
        } else {
            Role::Faint
        };
        lines.push(detail().add(role, text));
    }
    lines.extend(moved_line(group, look));
    lines.extend(first.fields.iter().map(|field| field_line(field, look)));
    if group.changes.len() > 1
        && group
            .changes
            .iter()
            .any(|change| change.fields != first.fields)
    {
        lines.push(detail().add(Role::Faint, "the other ones likewise"));
    }
    lines.extend(losses(group));
    lines
}

fn summary(group: &Group<'_>, look: &Look) -> String {
    let (first, last) = (group.changes[0], group.changes[group.changes.len() - 1]);
    if first.summary == last.summary {
        first.summary.clone()
    } else {
        format!("{} {} {}", first.summary, look.ellipsis(), last.summary)
    }
}

/// `moved: node.simulator.0 → node.sim.0`.
fn moved_line(group: &Group<'_>, look: &Look) -> Option<Line> {
    let arrow = look.arrow();
    let first = group.changes[0];
    let from = first.moved_from.as_ref()?;
    let mut line = Line::at(6).hang(8).plain("moved: ");
    line.push(Role::Faint, from.as_str());
    line.push(Role::Plain, format!(" {arrow} {}", first.address));
    if group.changes.len() > 1 {
        line.push(Role::Faint, ", and the others likewise");
    }
    Some(line)
}

/// `type: g5.xlarge → g5.2xlarge  stops and starts the machine`.
fn field_line(field: &FieldChange, look: &Look) -> Line {
    let FieldChange {
        field,
        before,
        after,
        impact: what,
        drift,
    } = field;
    let mut line = Line::at(6).hang(8).plain(format!("{field}: "));
    line.push(Role::Faint, before);
    line.push(Role::Plain, format!(" {} {after}", look.arrow()));
    if let Some((text, role)) = impact(*what) {
        line.push(role, format!("  {text}"));
    }
    if *drift {
        line.push(Role::Notice, "  (changed outside roboinfra)");
    }
    line
}

/// What goes for good.
fn losses(group: &Group<'_>) -> Option<Line> {
    let first = group.changes[0];
    let texts: Vec<&str> = first.losses.iter().map(|loss| loss.0.as_str()).collect();
    if texts.is_empty() {
        return None;
    }
    let mut text = format!("lost for good: {}", texts.join(", "));
    if group.changes.len() > 1 {
        text.push_str(&format!(
            "; and the like of {}",
            counted(group.changes.len() - 1, "other")
        ));
    }
    Some(Line::at(6).hang(8).add(Role::Bad, text))
}
