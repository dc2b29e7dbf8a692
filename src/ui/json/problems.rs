//! The problems in a profile.

use serde::Serialize;

use super::line::{Format, line};
use crate::profile::{Lines, ProfileProblem, Severity};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Mirror<'a> {
    Problem {
        severity: &'static str,
        code: &'a str,
        message: &'a str,
        file: &'a str,
        #[serde(flatten)]
        place: Place,
        label: &'a str,
        help: Option<&'a str>,
    },
    Summary {
        valid: bool,
        errors: usize,
        warnings: usize,
    },
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    start_byte: usize,
    end_byte: usize,
}

/// The problems of the profile `text`, read from `file`, as lines of JSON. The text itself is never in them.
pub fn problems_json(file: &str, text: &str, problems: &[ProfileProblem]) -> String {
    let lines = Lines::new(text);
    let mut out = Format::Problems.opening();
    for problem in problems {
        let ProfileProblem {
            code,
            severity,
            message,
            span,
            label,
            help,
            also: _,
            hide: _,
        } = problem;
        let start = lines.position(span.start);
        let place = Place {
            line: start.line,
            column: start.column,
            start_byte: span.start,
            end_byte: span.end,
        };
        out.push_str(&line(&Mirror::Problem {
            severity: if *severity == Severity::Error {
                "error"
            } else {
                "warning"
            },
            code,
            message,
            file,
            place,
            label,
            help: help.as_deref(),
        }));
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    let warnings = problems.len() - errors;
    out.push_str(&line(&Mirror::Summary {
        valid: errors == 0,
        errors,
        warnings,
    }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_has_its_place() {
        let text = "version = 1\n[lab]\nname = \"Bad Name\"\nregion = \"us-east-1\"\n";
        let problems = crate::profile::parse(text).problems;
        let out = problems_json("lab.toml", text, &problems);
        let values: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        assert_eq!(values[0]["format"], "roboinfra.problems/1");
        let bad = values
            .iter()
            .find(|value| value["line"] == 3)
            .expect("the name on line 3 is not valid");
        assert_eq!(
            (&bad["type"], &bad["severity"]),
            (&"problem".into(), &"error".into())
        );
        assert_eq!(values[values.len() - 1]["valid"], false);
    }
}
