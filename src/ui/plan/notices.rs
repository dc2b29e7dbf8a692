//! What the preflight found, worst first.

use super::report::PlanReport;
use crate::plan::{Mode, Notice, Severity};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};

pub(super) fn show(page: &mut Page, report: &PlanReport<'_>, look: &Look) {
    let notices = report
        .notices
        .iter()
        .filter(|notice| report.verbose || notice.severity > Severity::Info);
    let mut lines = Vec::new();
    for notice in notices {
        lines.extend(notice_lines(notice, look));
    }
    // What is not built yet takes nothing away from taking a lab away.
    let warnings = report
        .warnings
        .iter()
        .filter(|_| report.plan.mode != Mode::Destroy);
    for warning in warnings {
        lines.push(marked("!", Role::Notice, warning));
    }
    let fine = report
        .notices
        .iter()
        .filter(|notice| notice.severity == Severity::Info)
        .count();
    if report.plan.launches() && !report.verbose && fine > 0 {
        let text = format!(
            "{} of quota fine; -v lists them",
            crate::ui::text::counted(fine, "check")
        );
        lines.push(
            Line::at(0)
                .hang(4)
                .add(Role::Good, format!("{:>3} ", look.tick()))
                .add(Role::Faint, text),
        );
    }
    if !lines.is_empty() {
        page.heading("Checks");
        page.lines(lines);
    }
}

fn marked(mark: &str, role: Role, text: &str) -> Line {
    Line::at(0)
        .hang(4)
        .add(role, format!("{mark:>3} "))
        .plain(text)
}

fn notice_lines(notice: &Notice, look: &Look) -> Vec<Line> {
    let (mark, role) = match notice.severity {
        Severity::Info => (look.tick(), Role::Good),
        Severity::Warning => ("!", Role::Notice),
        Severity::Error => (look.cross(), Role::Bad),
    };
    let mut lines = vec![marked(mark, role, &notice.text)];
    lines.extend(notice.help.as_ref().map(|help| {
        if help.starts_with("aws ") || help.starts_with("roboinfra ") {
            Line::command(6, help)
        } else {
            Line::at(6).hang(6).add(Role::Faint, help)
        }
    }));
    lines
}
