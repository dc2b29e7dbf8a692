//! Problems for programs.

use serde::Serialize;

use crate::profile::{Lines, ProfileProblem, Severity};

/// One problem, as `--json` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemRecord {
    /// The stable code.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column just after the end.
    pub end_column: usize,
    /// A few words about the offending text.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Other places that matter.
    pub also: Vec<PlaceRecord>,
}

/// Another place that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceRecord {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// A few words about it.
    pub label: String,
}

/// The problems of a text as records. They hold no part of the text but what their messages quote.
pub fn records(text: &str, problems: &[ProfileProblem]) -> Vec<ProblemRecord> {
    let lines = Lines::new(text);
    problems
        .iter()
        .map(|problem| record(&lines, problem))
        .collect()
}

fn record(lines: &Lines<'_>, problem: &ProfileProblem) -> ProblemRecord {
    // `hide` is for whoever shows the text; here none of it is shown.
    let ProfileProblem {
        code,
        severity,
        message,
        span,
        label,
        help,
        also,
        hide: _,
    } = problem;
    let (start, end) = (lines.position(span.start), lines.position(span.end));
    ProblemRecord {
        code,
        severity: match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: message.clone(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        label: label.clone(),
        help: help.clone(),
        also: also
            .iter()
            .map(|(span, label)| {
                let at = lines.position(span.start);
                PlaceRecord {
                    line: at.line,
                    column: at.column,
                    label: label.clone(),
                }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse;

    #[test]
    fn a_record_says_where_and_what() {
        let text = "version = 1\n[lab]\nname = \"ab\"\nregion = \"us-esat-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\n";
        let records = records(text, &parse(text).problems);
        let json = serde_json::to_value(&records).expect("records are JSON");
        assert_eq!(
            json,
            serde_json::json!([{
                "code": "P0204",
                "severity": "error",
                "message": "AWS has no region `us-esat-1`",
                "line": 4,
                "column": 10,
                "end_line": 4,
                "end_column": 21,
                "label": "unknown region",
                "help": "did you mean `us-east-1`?",
                "also": [],
            }])
        );
    }
}
