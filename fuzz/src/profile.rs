//! The profile: problems lie within the text and can be shown; a profile that is valid stays so in other words.

use roboinfra::profile::{Parsed, Severity, parse};

use super::terminal::harmless;
use super::watch::bounded;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed = bounded(text.len(), || parse(text));
    assert_eq!(parsed, parse(text), "the same text is read the same way");
    let errors = parsed
        .problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    assert_eq!(parsed.profile.is_none(), errors, "{:?}", parsed.problems);
    for problem in &parsed.problems {
        let also = problem.also.iter().map(|(span, _)| span);
        for span in also.chain([&problem.span]).chain(&problem.hide) {
            assert!(text.get(span.clone()).is_some(), "{problem:?}");
        }
        harmless(&problem.message);
        harmless(&problem.label);
        problem.help.iter().for_each(|help| harmless(help));
        problem.also.iter().for_each(|(_, label)| harmless(label));
        assert!(!problem.message.contains('\n'), "{problem:?}");
    }
    if parsed.profile.is_some() {
        in_other_words(text, &parsed);
    }
}

/// A comment changes nothing, and neither does another order or notation of the same TOML.
fn in_other_words(text: &str, parsed: &Parsed) {
    let commented = format!("# x\n{text}\n# y\n");
    assert_eq!(parse(&commented).profile, parsed.profile);
    let table: toml::Table = text.parse().expect("a valid profile is TOML");
    let printed = toml::to_string(&table).expect("what was read can be written");
    assert_eq!(parse(&printed).profile, parsed.profile, "{printed}");
}
