//! Plots for a terminal: large ones of one machine, one line for each metric of several.

use super::braille::{Canvas, blocks, braille, stars};
use super::report::{MachineMetrics, MetricsReport, Panel, Series};
use super::scale::{amount, date_and_time, length, moment};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};

/// The rows of a large plot.
const ROWS: usize = 4;
/// The columns of what stands left of a plot.
const MARGIN: usize = 10;
/// The narrowest plot.
const NARROWEST: usize = 20;
/// The widest: beyond this the eye loses its way.
const WIDEST: usize = 120;

/// The plots as text.
pub fn metrics_view(report: &MetricsReport, look: &Look) -> String {
    let mut page = Page::default();
    page.line(heading(report));
    if report.simulated {
        let text = "Simulated: no agent runs in the sandbox, and it makes these numbers up.";
        page.line(Line::at(0).add(Role::Notice, text));
    }
    let large = report.machines.len() == 1;
    for machine in &report.machines {
        page.gap();
        let name = Line::at(0)
            .add(Role::Strong, machine.label.as_str())
            .add(Role::Faint, format!("  {}", machine.instance));
        page.line(name);
        if !machine.has_data() {
            page.line(Line::at(2).plain("nothing was published in this time"));
        } else if large {
            plots(&mut page, report, machine, look);
        } else {
            overview(&mut page, report, machine, look);
        }
    }
    page.render(look)
}

fn heading(report: &MetricsReport) -> Line {
    let (from, to) = (date_and_time(report.from), date_and_time(report.to));
    let same_day = from.get(..10) == to.get(..10);
    let to = if same_day { &to[11..] } else { to.as_str() };
    let text = format!(
        " in {}, {from} to {to} UTC, means of {}",
        report.region,
        length(report.period_s)
    );
    Line::at(0)
        .add(Role::Strong, report.lab.as_str())
        .plain(text)
}

fn canvas(report: &MetricsReport, panel: &Panel, columns: usize, rows: usize) -> Canvas {
    Canvas {
        columns,
        rows,
        from: report.from,
        to: report.to,
        period_s: i64::from(report.period_s),
        top: panel.highest(),
    }
}

/// The line of a panel that a terminal shows: of a machine with several GPUs, all together.
fn shown(panel: &Panel) -> impl Iterator<Item = &Series> {
    let whole = panel.series.iter().filter(|series| series.gpu.is_none());
    whole.filter(|series| !series.points.is_empty())
}

fn plots(page: &mut Page, report: &MetricsReport, machine: &MachineMetrics, look: &Look) {
    let columns = look
        .width
        .saturating_sub(MARGIN + 1)
        .clamp(NARROWEST, WIDEST);
    for panel in machine.panels.iter().filter(|panel| panel.has_data()) {
        if panel.title == "Trouble" && is_quiet(panel) {
            page.line(Line::at(0).add(Role::Faint, "no trouble in this time"));
            continue;
        }
        for series in shown(panel) {
            page.line(title(panel, series));
            let canvas = canvas(report, panel, columns, ROWS);
            let rows = if look.unicode {
                braille(&series.points, canvas)
            } else {
                stars(&series.points, canvas)
            };
            let (edge, foot) = (look.choose("┤", "|"), look.choose("┤", "+"));
            for (place, row) in rows.iter().enumerate() {
                let (label, edge) = match place {
                    0 => (amount(canvas.top, panel.unit), edge),
                    place if place == ROWS - 1 => (amount(0.0, panel.unit), foot),
                    _ => (String::new(), look.choose("│", "|")),
                };
                let line = Line::at(0)
                    .add(Role::Faint, format!("{label:>MARGIN$}"))
                    .add(Role::Faint, edge)
                    .add(Role::Change, row.trim_end());
                page.line(line);
            }
        }
    }
    page.line(times(report, columns));
}

/// The times below the plots.
fn times(report: &MetricsReport, columns: usize) -> Line {
    let span = report.to - report.from;
    let ends = [report.from, report.from + span / 2, report.to];
    let [first, middle, last] = ends.map(|at| moment(at, span));
    let mut text = " ".repeat(MARGIN + 1) + &first;
    let place = |text: &str, at: usize| " ".repeat(at.saturating_sub(text.chars().count()).max(1));
    text += &place(&text, MARGIN + 1 + columns / 2 - middle.len() / 2);
    text += &middle;
    text += &place(&text, MARGIN + 1 + columns - last.len());
    text += &last;
    Line::at(0).add(Role::Faint, text)
}

fn is_quiet(panel: &Panel) -> bool {
    let mut values = panel.series.iter().flat_map(|series| &series.points);
    values.all(|(_, value)| *value <= 0.0)
}

fn title(panel: &Panel, series: &Series) -> Line {
    let mut line = Line::at(0).add(Role::Strong, panel.title);
    if !series.name.is_empty() {
        line.push(Role::Strong, format!(" {}", series.name));
    }
    if let Some(summary) = series.summary() {
        let of = |value| amount(value, panel.unit);
        line.push(
            Role::Plain,
            format!(
                "  now {}, mean {}, {} to {}",
                of(summary.last),
                of(summary.mean),
                of(summary.least),
                of(summary.most)
            ),
        );
        if let Some(alarm) = panel.alarm {
            let role = if summary.most >= alarm {
                Role::Bad
            } else {
                Role::Faint
            };
            line.push(role, format!("  (alarm at {})", of(alarm)));
        }
    }
    line
}

/// The columns of the names and of the numbers beside one line of blocks.
const NAME: usize = 18;
const NUMBERS: usize = 24;

fn overview(page: &mut Page, report: &MetricsReport, machine: &MachineMetrics, look: &Look) {
    let columns = look
        .width
        .saturating_sub(NAME + NUMBERS)
        .clamp(NARROWEST, WIDEST);
    for panel in machine.panels.iter().filter(|panel| panel.has_data()) {
        for series in shown(panel) {
            if panel.title == "Trouble" && series.points.iter().all(|(_, value)| *value <= 0.0) {
                continue;
            }
            let row = blocks(
                &series.points,
                canvas(report, panel, columns, 1),
                look.unicode,
            );
            let name = format!("{} {}", panel.title, series.name);
            let numbers = series.summary().map_or_else(String::new, |summary| {
                let of = |value| amount(value, panel.unit);
                format!("{:>9}  max {}", of(summary.last), of(summary.most))
            });
            let line = Line::at(2)
                .plain(format!("{:<width$}", name.trim_end(), width = NAME - 2))
                .add(Role::Change, row)
                .plain(format!(" {numbers}"));
            page.line(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::metrics::report::panels;

    fn report(machines: usize) -> MetricsReport {
        let machine = |number: usize| {
            let mut panels = panels(1, 85.0, 95.0);
            for (place, panel) in panels.iter_mut().enumerate() {
                let height = [80.0, 60.0, 70.0, 200.0, 40.0, 30.0, 50.0, 1.5e6, 0.0][place];
                for series in &mut panel.series {
                    series.points = (0..90_i32)
                        .filter(|n| !(40..50).contains(n))
                        .map(|n| {
                            let wave = f64::from((n / 10) % 3) / 2.0;
                            (1_800_000_000 + i64::from(n) * 120, height * wave)
                        })
                        .collect();
                }
            }
            MachineMetrics {
                label: format!("sim.{number}"),
                instance: format!("i-0000000000000000{number}"),
                panels,
            }
        };
        MetricsReport {
            lab: "digital-twin".to_owned(),
            region: "us-east-1".to_owned(),
            from: 1_800_000_000,
            to: 1_800_010_800,
            period_s: 120,
            simulated: true,
            machines: (0..machines).map(machine).collect(),
        }
    }

    #[test]
    fn one_machine_has_large_plots_in_80_columns() {
        let text = metrics_view(&report(1), &Look::plain(80));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn several_machines_have_a_line_for_each_metric() {
        let text = metrics_view(&report(2), &Look::plain(80));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn without_unicode_there_is_only_ascii() {
        let look = Look {
            unicode: false,
            ..Look::plain(80)
        };
        let text = metrics_view(&report(1), &look);
        let odd = text.chars().find(|c| !c.is_ascii() && *c != '°');
        assert_eq!(odd, None, "{text}");
    }

    #[test]
    fn a_silent_machine_is_said_to_be_silent() {
        let mut report = report(1);
        report.machines[0].panels = panels(1, 85.0, 95.0);
        let text = metrics_view(&report, &Look::plain(80));
        assert!(text.contains("nothing was published"), "{text}");
    }
}
