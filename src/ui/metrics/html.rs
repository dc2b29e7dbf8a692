//! One page with every plot: it asks for nothing, runs nothing, and is readable in light and in dark.

use super::report::{MachineMetrics, MetricsReport, Panel};
use super::scale::{amount, date_and_time, length};
use super::svg::{Span, plot};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2733;--faint:#5d6b7a;--paper:#f6f7f9;--card:#fff;--rule:#dde2e8;--alarm:#c2333c;\
--s0:#1769aa;--s1:#b3541e;--s2:#2e7d32;--s3:#7b3fa0;--s4:#a06a00;--s5:#00767a;--s6:#ad2f6e;--s7:#4f5d6b}\
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--faint:#98a5b3;--paper:#12171d;--card:#1b222a;--rule:#323c47;--alarm:#ff7b81;\
--s0:#6cb6ff;--s1:#f0a36b;--s2:#7cc884;--s3:#cfa2f2;--s4:#e3bb5a;--s5:#5cc8cc;--s6:#f391bd;--s7:#aab6c2}}\
*{box-sizing:border-box}body{margin:0 auto;padding:24px;max-width:1200px;background:var(--paper);color:var(--ink);\
font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:28px 0 10px}h2 small,.lead{color:var(--faint);font-weight:400}\
h2 small{font-size:13px;margin-left:8px}.note{border-left:4px solid var(--alarm);padding:6px 12px;background:var(--card)}\
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:14px}\
figure{margin:0;padding:12px 14px;background:var(--card);border:1px solid var(--rule);border-radius:8px}\
figcaption{font-weight:600;margin-bottom:6px}figcaption span{float:right;font-weight:400;color:var(--faint);font-size:13px}\
svg{display:block;width:100%;height:auto}.grid{stroke:var(--rule)}.axis{fill:var(--faint);font-size:11px}\
.alarm{stroke:var(--alarm);stroke-dasharray:5 4}.line{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}\
table{border-collapse:collapse;width:100%;margin-top:6px;font-size:12.5px;font-variant-numeric:tabular-nums}\
td,th{padding:1px 0 1px 10px;text-align:right;font-weight:400}th{color:var(--faint)}td:first-child,th:first-child{text-align:left;padding-left:0}\
i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}footer{margin-top:28px;color:var(--faint);font-size:13px}\
@media print{body{background:#fff}figure{break-inside:avoid}}";

/// The page.
pub fn metrics_page(report: &MetricsReport) -> String {
    let lab = escaped(&report.lab);
    let colors: String = (0..8)
        .map(|n| format!(".s{n}{{stroke:var(--s{n})}}i.s{n}{{background:var(--s{n})}}"))
        .collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{lab}: metrics</title>\n<style>{STYLE}{colors}</style>\n</head>\n<body>\n\
         <h1>{lab}</h1>\n<p class=\"lead\">{}, {} to {} UTC, means of {}</p>\n",
        escaped(&report.region),
        date_and_time(report.from),
        date_and_time(report.to),
        length(report.period_s)
    );
    if report.simulated {
        page += "<p class=\"note\">Simulated: no agent runs in the sandbox, and it makes these numbers up.</p>\n";
    }
    for machine in &report.machines {
        page += &section(report, machine);
    }
    page + "<footer>Written by roboinfra metrics. A line that breaks off means that nothing was published; a dashed line is where an \
            alarm rings.</footer>\n</body>\n</html>\n"
}

fn section(report: &MetricsReport, machine: &MachineMetrics) -> String {
    let label = escaped(&machine.label);
    let mut section = format!(
        "<h2>{label}<small>{}</small></h2>\n",
        escaped(&machine.instance)
    );
    if !machine.has_data() {
        return section + "<p class=\"lead\">Nothing was published in this time.</p>\n";
    }
    let span = Span {
        from: report.from,
        to: report.to,
        period_s: i64::from(report.period_s),
    };
    section += "<div class=\"plots\">\n";
    for panel in machine.panels.iter().filter(|panel| panel.has_data()) {
        let title = escaped(panel.title);
        let now = panel
            .series
            .first()
            .and_then(super::report::Series::summary);
        let now = now.map_or_else(String::new, |summary| {
            let alarm = panel.alarm.map_or_else(String::new, |alarm| {
                format!(", alarm at {}", amount(alarm, panel.unit))
            });
            format!(
                "<span>now {}{alarm}</span>",
                amount(summary.last, panel.unit)
            )
        });
        section += &format!("<figure><figcaption>{title}{now}</figcaption>\n");
        section += &plot(panel, span, &format!("{title} of {label}"));
        section += &table(panel);
        section += "</figure>\n";
    }
    section + "</div>\n"
}

fn table(panel: &Panel) -> String {
    let mut table =
        "<table><tr><th></th><th>least</th><th>mean</th><th>most</th><th>last</th></tr>\n"
            .to_owned();
    for (place, series) in panel.series.iter().enumerate() {
        let Some(summary) = series.summary() else {
            continue;
        };
        let of = |value| amount(value, panel.unit);
        let name = if series.name.is_empty() {
            escaped(panel.title)
        } else {
            escaped(&series.name)
        };
        table += &format!(
            "<tr><td><i class=\"s{}\"></i>{name}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            place % 8,
            of(summary.least),
            of(summary.mean),
            of(summary.most),
            of(summary.last)
        );
    }
    table + "</table>\n"
}

/// Text in HTML, also within quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::metrics::report::panels;

    fn report() -> MetricsReport {
        let mut panels = panels(2, 85.0, 95.0);
        for panel in &mut panels {
            for series in &mut panel.series {
                series.points = vec![(0, 1.0), (60, 2.0), (300, 3.0)];
            }
        }
        MetricsReport {
            lab: "a<script>&\"'".to_owned(),
            region: "us-east-1".to_owned(),
            from: 0,
            to: 600,
            period_s: 60,
            simulated: false,
            machines: vec![MachineMetrics {
                label: "sim.0".to_owned(),
                instance: "i-<0>".to_owned(),
                panels,
            }],
        }
    }

    #[test]
    fn what_is_shown_cannot_act_and_nothing_is_fetched() {
        let page = metrics_page(&report());
        assert!(page.contains("a&lt;script&gt;&amp;&quot;&#39;"));
        assert!(!page.contains("<script") && !page.contains("i-<0>"));
        for reach in ["http:", "https:", "url(", "@import", "src=", "href="] {
            assert!(!page.contains(reach), "{reach}");
        }
    }

    #[test]
    fn a_gap_breaks_the_line_and_every_gpu_has_one() {
        let page = metrics_page(&report());
        let paths: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("<path"))
            .collect();
        // Four plots of GPUs with three lines each; CPU, memory, disk; network with two; trouble with three.
        assert_eq!(paths.len(), 4 * 3 + 3 + 2 + 3);
        assert!(
            paths.iter().all(|path| path.matches('M').count() == 2),
            "{}",
            paths[0]
        );
        let open = page.matches("<svg").count();
        assert_eq!(open, page.matches("</svg>").count());
    }
}
