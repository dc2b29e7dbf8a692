//! One plot as SVG. Colours are classes: the page has them for light and for dark.

use super::report::{Panel, Series};
use super::scale::{amount, moment};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;
/// How many colours there are.
const COLORS: usize = 8;

/// From when to when, and how long a period is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) period_s: i64,
}

/// The plot; `label` says what it is to those who do not see it, and is escaped already.
pub(super) fn plot(panel: &Panel, span: Span, label: &str) -> String {
    let top = panel.highest();
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">\n");
    for share in [0.0, 0.5, 1.0] {
        let y = height(share);
        svg += &format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            amount(top * share, panel.unit)
        );
    }
    for quarter in 0..=4_i32 {
        let share = f64::from(quarter) / 4.0;
        let at = span.from + (span.to - span.from) * i64::from(quarter) / 4;
        let anchor = match quarter {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        svg += &format!(
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>\n",
            across(share),
            HEIGHT - 5.0,
            moment(at, span.to - span.from)
        );
    }
    if let Some(alarm) = panel.alarm {
        let y = height(alarm / top);
        svg += &format!(
            "<line class=\"alarm\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n",
            WIDTH - RIGHT
        );
    }
    for (place, series) in panel.series.iter().enumerate() {
        let path = path(series, span, top);
        if !path.is_empty() {
            svg += &format!("<path class=\"line s{}\" d=\"{path}\"/>\n", place % COLORS);
        }
    }
    svg + "</svg>\n"
}

fn across(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn height(share: f64) -> f64 {
    HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - TOP)
}

/// A line through the middles of the periods; where one is missing it breaks off.
fn path(series: &Series, span: Span, top: f64) -> String {
    let mut path = String::new();
    let mut before: Option<i64> = None;
    for (at, value) in &series.points {
        let joins = before.is_some_and(|before| at - before <= span.period_s);
        let middle = at + span.period_s / 2;
        let x = across(share(middle - span.from, span.to - span.from));
        let y = height(value / top);
        let command = if joins { 'L' } else { 'M' };
        path += &format!("{command}{x:.1} {y:.1}");
        if !joins {
            // A period that stands alone is a point, not nothing.
            path += "h0.01";
        }
        before = Some(*at);
    }
    path
}

fn share(part: i64, whole: i64) -> f64 {
    let number = |n: i64| i32::try_from(n).map_or(f64::MAX, f64::from);
    (number(part) / number(whole).max(1.0)).clamp(0.0, 1.0)
}
