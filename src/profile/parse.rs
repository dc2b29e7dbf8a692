//! Text in; a validated profile, or every problem in the text, out.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeTable;

use super::codes::{
    BAD_INPUT, BAD_STACK_FILE, BAD_STEP_FILE, Code, EMPTY, MISSING_KEY, NO_SSH, NOT_TEXT,
    NOTHING_TO_BUILD, STEP_MISFIT, TOO_LARGE, UNDEFINED, UNKNOWN_KEY, UNUSED_STACK, UNUSED_STEP,
};
use super::keys::PROFILE;
use super::position::Lines;
use super::problem::{Problems, ProfileProblem};
use super::read::{Fields, ReadFile};
use super::types::Profile;
use super::{check, syntax, validate};

/// A larger file is not a profile.
pub const MAX_BYTES: usize = 1024 * 1024;

/// After this many syntax errors the rest of the file says nothing.
const MOST_SYNTAX_ERRORS: usize = 20;

/// What may be wrong with bootstrap steps and stacks while the rest of the profile is as it was.
const OF_STEPS: [Code; 4] = [BAD_STEP_FILE, BAD_INPUT, STEP_MISFIT, BAD_STACK_FILE];

/// What became of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The profile; there is one exactly if no problem is an error.
    pub profile: Option<Profile>,
    /// Where nothing but bootstrap steps and stacks is wrong, the profile without the user's own: enough for what runs none.
    pub without_steps: Option<Profile>,
    /// Errors and warnings, in the order of the text.
    pub problems: Vec<ProfileProblem>,
}

/// Reads a profile that names no files of steps, and collects every problem in it.
pub fn parse(text: &str) -> Parsed {
    parse_with(text, &|_| Err("no files are at hand".to_owned()))
}

/// Reads a profile with the files of its own steps, and collects every problem in them.
pub fn parse_with(text: &str, files: ReadFile<'_>) -> Parsed {
    let mut problems = Problems::default();
    let profile = if let Some((code, message, help)) = refuse(text) {
        problems.add(code, &(0..0), message).advise(help);
        None
    } else {
        read(text, files, &mut problems)
    };
    let is_good = !problems.any_error();
    let is_usable = !problems.any_error_but(&OF_STEPS);
    let (profile, without_steps) = match profile {
        Some(profile) if is_good => (Some(profile), None),
        Some(profile) if is_usable => (None, Some(without_steps(profile))),
        _ => (None, None),
    };
    Parsed {
        profile,
        without_steps,
        problems: problems.into_sorted(text),
    }
}

/// The profile as it is to those who run no step.
fn without_steps(mut profile: Profile) -> Profile {
    for step in profile.steps.values_mut() {
        step.own = None;
    }
    profile
}

/// Why a text is not even looked at.
fn refuse(text: &str) -> Option<(Code, &'static str, &'static str)> {
    if text.len() > MAX_BYTES {
        Some((
            TOO_LARGE,
            "the file is larger than 1 MiB",
            "a profile is a few hundred lines at most",
        ))
    } else if text.contains('\0') {
        Some((
            NOT_TEXT,
            "the file is not text",
            "a profile is a TOML file in UTF-8",
        ))
    } else if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        Some((
            EMPTY,
            "the file is empty",
            "`roboinfra init` writes a profile to start from",
        ))
    } else {
        None
    }
}

fn read(text: &str, files: ReadFile<'_>, problems: &mut Problems) -> Option<Profile> {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let broken: Vec<Range<usize>> = errors.iter().filter_map(toml::de::Error::span).collect();
    check::section(&PROFILE, tree.get_ref(), "", &(0..0), problems);
    let fields = Fields::new(&PROFILE, tree.get_ref(), 0..0);
    let mut profile = validate::profile(&fields, files, problems);
    let lines = Lines::new(text);
    for node in profile
        .iter_mut()
        .flat_map(|profile| profile.nodes.values_mut())
    {
        node.prevent_destroy_line = node.prevent_destroy_line.map(|place| lines.line(place));
    }
    if errors.is_empty() {
        return profile;
    }
    drop_consequences(text, &broken, problems);
    for error in errors.iter().take(MOST_SYNTAX_ERRORS) {
        syntax::report(text, error, problems);
    }
    None
}

/// Where the text is not TOML, keys go missing: what follows only from that is not said.
fn drop_consequences(text: &str, broken: &[Range<usize>], problems: &mut Problems) {
    let lines = Lines::new(text);
    let broken_lines: BTreeSet<usize> = broken.iter().map(|span| lines.line(span.start)).collect();
    // A header that is not read puts the keys below it into another section.
    let header_is_broken = broken_lines
        .iter()
        .any(|line| text[lines.start(*line)..].trim_start().starts_with('['));
    let unknown = header_is_broken.then_some(UNKNOWN_KEY.id);
    let consequences = [
        MISSING_KEY,
        UNDEFINED,
        UNUSED_STACK,
        UNUSED_STEP,
        NOTHING_TO_BUILD,
        NO_SSH,
    ]
    .map(|code| code.id);
    problems.retain(|problem| {
        !consequences.contains(&problem.code)
            && unknown != Some(problem.code)
            && !broken_lines.contains(&lines.line(problem.span.start))
    });
}
