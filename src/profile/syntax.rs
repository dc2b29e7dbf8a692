//! What is wrong where a text is not TOML, in the words of the user's file.

use std::ops::Range;

use super::codes::{DUPLICATE_KEY, SYNTAX};
use super::problem::Problems;
use super::quote::visible;
use super::validate::SECRET_WORDS;

/// A longer value is not repeated in a help line.
const LONGEST: usize = 40;

/// Reports one error of the TOML parser.
pub(super) fn report(text: &str, error: &toml::de::Error, problems: &mut Problems) {
    let span = error.span().unwrap_or(0..0);
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let message = error.message();
    if message == "duplicate key" {
        problems
            .add(DUPLICATE_KEY, &span, "this is written twice")
            .says("again here")
            .advise("keep one of the two");
        return;
    }
    let line = line_at(text, start);
    let secret = secret_in(text, &line);
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let problem = match value_at(text, &line, start) {
        Some(value) if value.is_empty() => problems
            .add(SYNTAX, &span, "a key without a value")
            .says("expected a value"),
        Some(value) if is_bare(&text[value.clone()]) => {
            let word = &text[value.clone()];
            let help = match secret {
                None if word.chars().count() <= LONGEST && visible(word) == word => {
                    format!("write \"{word}\"")
                }
                _ => "put it between \" and \"".to_owned(),
            };
            problems
                .add(SYNTAX, &value, "a text must stand in quotes")
                .says("not quoted")
                .advise(help)
        }
        _ => plain(what, expected, &span, problems),
    };
    if let Some(hidden) = secret {
        problem.conceal(&hidden);
    }
}

fn plain<'a>(
    what: &str,
    expected: &str,
    span: &Range<usize>,
    problems: &'a mut Problems,
) -> &'a mut super::ProfileProblem {
    let what = match what {
        "invalid basic string" if expected == "`\"`" => "a text without its closing quote",
        "unclosed table" => "a section header without its closing bracket",
        other => other,
    };
    let problem = problems.add(SYNTAX, span, what);
    if !expected.is_empty() {
        problem.says(format!("expected {expected}"));
    }
    problem
}

/// The line that holds a byte, without its line break.
fn line_at(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..]
        .find('\n')
        .map_or(text.len(), |newline| offset + newline);
    start..end
}

/// The value on a line `key = value`, without a comment, if the error at `offset` lies in it.
fn value_at(text: &str, line: &Range<usize>, offset: usize) -> Option<Range<usize>> {
    let shown = &text[line.clone()];
    let (key, rest) = shown.split_once('=')?;
    let is_key = key
        .trim()
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let from = line.start + key.len() + 1;
    if !is_key || key.trim().is_empty() || offset < from {
        return None;
    }
    let value = rest.split('#').next().unwrap_or_default();
    let lead = value.len() - value.trim_start().len();
    Some(from + lead..from + lead + value.trim().len())
}

/// Whether a value is a word or path that only lacks its quotes.
fn is_bare(value: &str) -> bool {
    let starts = value.starts_with(|c: char| c.is_alphabetic() || c == '/' || c == '~');
    starts && !value.contains(['"', '\'', '[', ']', '{', '}', '=', ','])
}

/// The value on a line if its key is called like a secret: a line that is not TOML may hold one.
fn secret_in(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let shown = &text[line.clone()];
    let equals = shown.find('=')?;
    let upper = shown.to_ascii_uppercase();
    // In an inline table the key that is called so may stand after the first sign.
    let suspicious = SECRET_WORDS.iter().any(|word| upper.contains(word));
    let value = &shown[equals + 1..];
    let lead = value.len() - value.trim_start().len();
    suspicious.then_some(line.start + equals + 1 + lead..line.end)
}

#[cfg(test)]
mod tests {
    use crate::profile::parse;

    #[test]
    fn common_slips_are_named() {
        for (slip, message, help, underlined) in [
            (
                "name = digital-twin",
                "a text must stand in quotes",
                "write \"digital-twin\"",
                "digital-twin",
            ),
            (
                "name = ~/x.pub # mine",
                "a text must stand in quotes",
                "write \"~/x.pub\"",
                "~/x.pub",
            ),
            (
                "name = nap",
                "a text must stand in quotes",
                "write \"nap\"",
                "nap",
            ),
            ("name = ", "a key without a value", "", ""),
            ("name = \"ab", "a text without its closing quote", "", ""),
            (
                "[lab",
                "a section header without its closing bracket",
                "",
                "",
            ),
            ("name = \"a\" \"b\"", "unexpected key or value", "", ""),
        ] {
            let text = format!("version = 1\n{slip}\n");
            let problems = parse(&text).problems;
            let first = problems
                .iter()
                .find(|problem| problem.code == "P0001")
                .expect(slip);
            let (found, advice) = (
                first.message.as_str(),
                first.help.as_deref().unwrap_or_default(),
            );
            assert_eq!((found, advice), (message, help), "{slip}: {first:?}");
            assert!(
                text[first.span.clone()].contains(underlined),
                "{slip}: {first:?}"
            );
        }
    }

    #[test]
    fn a_bare_secret_is_not_repeated() {
        let text = "version = 1\nNGC_API_KEY = hunter2\n";
        let problem = &parse(text).problems[0];
        assert!(!format!("{} {:?}", problem.message, problem.help).contains("hunter2"));
        assert_eq!(
            problem.hide.clone().map(|hide| &text[hide]),
            Some("hunter2")
        );
    }
}
