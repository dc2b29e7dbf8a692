//! IAM's evaluation of an identity's policy, as far as the printed policies go: allow statements only, `StringEquals`
//! and `ArnEquals` (IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators").

use std::collections::{BTreeMap, BTreeSet};

use roboinfra::policy::{Policy, Statement};

/// One question: may this be done to this?
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) action: String,
    /// The ARN; `*` where the action knows no resources.
    pub(crate) resource: String,
    /// Condition keys and their values; a key that is not there has none.
    pub(crate) context: BTreeMap<String, String>,
}

/// What was used of a policy.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// Statements and actions.
    pub(crate) actions: BTreeSet<(String, String)>,
    /// Statements and ARNs.
    pub(crate) resources: BTreeSet<(String, String)>,
}

/// Whether an ARN matches a pattern with `*` and `?`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            matches(&pattern[1..], text) || {
                let mut rest = text.chars();
                rest.next().is_some() && matches(pattern, rest.as_str())
            }
        }
        (Some('?'), Some(other)) => matches(&pattern[1..], &text[other.len_utf8()..]),
        (Some(one), Some(other)) if one == other => {
            matches(&pattern[one.len_utf8()..], &text[other.len_utf8()..])
        }
        _ => false,
    }
}

fn holds(statement: &Statement, ask: &Ask) -> bool {
    statement
        .condition
        .iter()
        .flatten()
        .all(|(operator, keys)| {
            assert!(
                ["StringEquals", "ArnEquals"].contains(operator),
                "{operator}"
            );
            keys.iter().all(|(key, values)| {
                ask.context
                    .get(key)
                    .is_some_and(|value| values.contains(value))
            })
        })
}

/// Whether the policy allows it, and by what.
pub(crate) fn allows(policy: &Policy, ask: &Ask, used: &mut Used) -> bool {
    let mut allowed = false;
    for statement in &policy.statement {
        if !statement.action.contains(&ask.action) || !holds(statement, ask) {
            continue;
        }
        for pattern in &statement.resource {
            if matches(pattern, &ask.resource) {
                allowed = true;
                used.actions
                    .insert((statement.sid.clone(), ask.action.clone()));
                used.resources
                    .insert((statement.sid.clone(), pattern.clone()));
            }
        }
    }
    allowed
}

#[test]
fn patterns_match_as_in_arns() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a:*:b/?", "a::b/x", true),
        ("a:*:b/?", "a:1:b/xy", false),
        ("a:*:b/*", "a:1:c/b/", false),
        ("é?", "éü", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}
