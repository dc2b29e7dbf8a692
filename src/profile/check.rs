//! The first pass over the tree: unknown and missing keys, types, ranges and words, straight from the table.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes::{MISSING_KEY, OUT_OF_RANGE, UNKNOWN_KEY, UNKNOWN_WORD, WRONG_TYPE};
use super::keys::PROFILE;
use super::problem::Problems;
use super::quote::quote;
use super::read::{number, whole};
use super::shape::{Key, Section, Shape};
use super::suggest::{did_you_mean, one_of};

/// Checks one section and everything below it. `path` is the section as the user wrote it, `at` its place.
pub(super) fn section(
    section: &'static Section,
    table: &DeTable<'_>,
    path: &str,
    at: &Range<usize>,
    problems: &mut Problems,
) {
    for (name, found) in table {
        match section.key(name.get_ref()) {
            Some(key) => value(key, found, &join(path, name.get_ref()), problems),
            None => unknown_key(section, name, path, problems),
        }
    }
    for key in section
        .keys
        .iter()
        .filter(|key| key.required && !table.contains_key(key.name))
    {
        missing_key(section, key, path, at, problems);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// How a message names a section.
fn place(path: &str) -> String {
    if path.is_empty() {
        "a profile".to_owned()
    } else {
        format!("[{}]", quote(path).replace('`', ""))
    }
}

fn unknown_key(
    section: &'static Section,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    path: &str,
    problems: &mut Problems,
) {
    let word = name.get_ref().as_ref();
    let names = || section.keys.iter().map(|key| key.name);
    let alias = section.keys.iter().find(|key| key.aka.contains(&word));
    let help = alias
        .map(|key| format!("did you mean `{}`?", key.name))
        .or_else(|| did_you_mean(word, names()))
        .or_else(|| elsewhere(section, word))
        .unwrap_or_else(|| format!("it takes {}", one_of(&names().collect::<Vec<_>>())));
    problems
        .add(
            UNKNOWN_KEY,
            &name.span(),
            format!("{} has no key {}", place(path), quote(word)),
        )
        .says("unknown key")
        .advise(help);
}

/// Where a key belongs that is unknown here.
fn elsewhere(section: &'static Section, word: &str) -> Option<String> {
    let home = PROFILE
        .descend()
        .into_iter()
        .find(|other| other.key(word).is_some())?;
    let shown = home.path.replace('*', "NAME");
    match (home.path, section.path) {
        (same, here) if same == here => None,
        ("", _) => Some(format!(
            "`{word}` belongs at the top of the file, before the first section"
        )),
        _ => Some(format!("`{word}` belongs in [{shown}]")),
    }
}

fn missing_key(
    section: &'static Section,
    key: &Key,
    path: &str,
    at: &Range<usize>,
    problems: &mut Problems,
) {
    let name = key.name;
    if section.below(name).is_some() {
        problems
            .add(
                MISSING_KEY,
                at,
                format!("{} needs the section [{name}]", place(path)),
            )
            .says("nowhere in the file")
            .advise(format!("add [{name}]: {}", key.doc));
    } else {
        problems
            .add(
                MISSING_KEY,
                at,
                format!("{} needs the key `{name}`", place(path)),
            )
            .says(format!("`{name}` is missing"))
            .advise(format!("add, for example: {name} = {}", key.example));
    }
}

fn value(key: &Key, found: &Spanned<DeValue<'_>>, path: &str, problems: &mut Problems) {
    let span = found.span();
    match (key.shape, found.get_ref()) {
        (Shape::Table(below), DeValue::Table(table)) => {
            section(below, table, path, &span, problems);
        }
        (Shape::Named(below), DeValue::Table(names)) => {
            for (name, inner) in names {
                let path = join(path, name.get_ref());
                match inner.get_ref() {
                    DeValue::Table(table) => {
                        let at = if inner.span().is_empty() {
                            name.span()
                        } else {
                            inner.span()
                        };
                        section(below, table, &path, &at, problems);
                    }
                    other => not_a_section(&path, other, &inner.span(), problems),
                }
            }
        }
        (Shape::Rows(below), DeValue::Array(rows)) => {
            for row in rows {
                match row.get_ref() {
                    DeValue::Table(table) => section(below, table, path, &row.span(), problems),
                    other => not_a_section(path, other, &row.span(), problems),
                }
            }
        }
        (Shape::Rows(_), DeValue::Table(_)) => {
            problems
                .add(
                    WRONG_TYPE,
                    &span,
                    format!("[{path}] may be written several times"),
                )
                .says("one pair of brackets")
                .advise(format!("write it as [[{path}]]"));
        }
        (shape, found) => leaf(key, &shape, found, &span, problems),
    }
}

fn not_a_section(path: &str, found: &DeValue<'_>, span: &Range<usize>, problems: &mut Problems) {
    let shown = quote(path).replace('`', "");
    problems
        .add(WRONG_TYPE, span, format!("[{shown}] is a section"))
        .says(kind(found))
        .advise(format!(
            "write [{shown}] on a line of its own and its keys below it"
        ));
}

/// Checks a value that is not a section.
fn leaf(
    key: &Key,
    shape: &Shape,
    found: &DeValue<'_>,
    span: &Range<usize>,
    problems: &mut Problems,
) {
    match (shape, found) {
        (Shape::Text(_), DeValue::String(_)) | (Shape::Flag, DeValue::Boolean(_)) => {}
        (Shape::Words(words), DeValue::String(word)) => {
            if !words.contains(&word.as_ref()) {
                unknown_word(key, words, word, span, problems);
            }
        }
        (Shape::Whole(least, most), DeValue::Integer(_)) => {
            if !whole(found).is_some_and(|n| (*least..=*most).contains(&n)) {
                out_of_range(key, &least.to_string(), &most.to_string(), span, problems);
            }
        }
        (Shape::Number(least, most), DeValue::Integer(_) | DeValue::Float(_)) => {
            if !number(found).is_some_and(|n| (*least..=*most).contains(&n)) {
                out_of_range(key, &least.to_string(), &most.to_string(), span, problems);
            }
        }
        (Shape::List(item), DeValue::Array(items)) => {
            for entry in items {
                leaf(key, item, entry.get_ref(), &entry.span(), problems);
            }
        }
        (Shape::Map(format), DeValue::Table(entries)) => {
            for (_, entry) in entries {
                leaf(
                    key,
                    &Shape::Text(*format),
                    entry.get_ref(),
                    &entry.span(),
                    problems,
                );
            }
        }
        (Shape::Either(shapes), found) => match shapes.iter().find(|shape| takes(shape, found)) {
            Some(shape) => leaf(key, shape, found, span, problems),
            None => wrong_type(key, found, span, problems),
        },
        (_, found) => wrong_type(key, found, span, problems),
    }
}

/// Whether a shape is of the type of `found`.
fn takes(shape: &Shape, found: &DeValue<'_>) -> bool {
    matches!(
        (shape, found),
        (Shape::Text(_) | Shape::Words(_), DeValue::String(_))
            | (Shape::Whole(..), DeValue::Integer(_))
            | (Shape::List(_), DeValue::Array(_))
    )
}

fn unknown_word(
    key: &Key,
    words: &[&str],
    word: &str,
    span: &Range<usize>,
    problems: &mut Problems,
) {
    let lists = matches!(key.shape, Shape::Either(shapes) if shapes.iter().any(|s| matches!(s, Shape::List(_))));
    let help = did_you_mean(word, words.iter().copied())
        .or_else(|| lists.then(|| format!("a list is written {} = [\"…\"]", key.name)));
    problems
        .add(
            UNKNOWN_WORD,
            span,
            format!("`{}` must be {}", key.name, key.shape.what()),
        )
        .says("not one of them")
        .advise_if(help);
}

fn out_of_range(key: &Key, least: &str, most: &str, span: &Range<usize>, problems: &mut Problems) {
    problems
        .add(
            OUT_OF_RANGE,
            span,
            format!("`{}` must be from {least} to {most}", key.name),
        )
        .says("out of range")
        .advise(key.doc);
}

fn wrong_type(key: &Key, found: &DeValue<'_>, span: &Range<usize>, problems: &mut Problems) {
    let help = match (key.shape, found) {
        (Shape::List(_), DeValue::String(_)) => {
            format!("write it as a list: {} = [\"…\"]", key.name)
        }
        (shape, DeValue::Table(_)) if !matches!(shape, Shape::Map(_)) => {
            format!(
                "`{}` is a key, not a section: {} = {}",
                key.name, key.name, key.example
            )
        }
        _ if key.example.is_empty() => format!("write [{}] on a line of its own", key.name),
        _ => format!("for example: {} = {}", key.name, key.example),
    };
    problems
        .add(
            WRONG_TYPE,
            span,
            format!("`{}` must be {}", key.name, key.shape.what()),
        )
        .says(kind(found))
        .advise(help);
}

/// What a value is, as the label says it.
fn kind(found: &DeValue<'_>) -> &'static str {
    match found {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
