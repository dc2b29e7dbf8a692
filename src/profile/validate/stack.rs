//! `[stack.*]`.

use std::collections::{BTreeMap, BTreeSet};

use super::names::named;
use super::runs;
use crate::model::{NodeName, SecretSource};
use crate::profile::codes::{BAD_SECRET, BAD_VARIABLE, DUPLICATE, LOOKS_SECRET};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields, ReadFile};
use crate::profile::types::Stack;

/// Words by which a variable's name says that it is a secret.
pub(in crate::profile) const SECRET_WORDS: [&str; 6] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY"];

pub(super) fn stacks(
    root: &Fields<'_>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> BTreeMap<NodeName, Stack> {
    named(root, "stack", problems)
        .into_iter()
        .map(|(name, at, fields)| {
            let stack = stack(&at, &fields, files, problems);
            (name, stack)
        })
        .collect()
}

fn stack(
    name: &At<&str>,
    fields: &Fields<'_>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> Stack {
    let mut stack = Stack {
        template: None,
        components: BTreeSet::new(),
        accept_eula: fields.flag("accept_eula"),
        images: BTreeMap::new(),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
    };
    let mut places = BTreeMap::new();
    for (key, value) in fields.entries("env") {
        variable(&key, problems);
        plain_value(&key, &value, problems);
        places.insert(key.value, key.span.clone());
        stack
            .env
            .insert(key.value.to_owned(), value.value.to_owned());
    }
    for (key, value) in fields.entries("secrets") {
        variable(&key, problems);
        if let Some(first) = places.get(key.value) {
            problems
                .add(
                    DUPLICATE,
                    &key.span,
                    format!("{} is a plain and a secret variable", quote(key.value)),
                )
                .says("again here")
                .see(first, "first here")
                .advise("keep the secret one");
        }
        if let Some(source) = source(&key, &value, problems) {
            stack.secrets.insert(key.value.to_owned(), source);
        }
    }
    runs::runs(name, fields, files, &mut stack, problems);
    stack
}

pub(super) fn variable(key: &At<&str>, problems: &mut Problems) {
    if !is_variable(key.value) {
        problems
            .add(
                BAD_VARIABLE,
                &key.span,
                format!("{} cannot be an environment variable", quote(key.value)),
            )
            .says("not a name")
            .advise("letters, digits and _, not beginning with a digit");
    }
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(super) fn plain_value(key: &At<&str>, value: &At<&str>, problems: &mut Problems) {
    let upper = key.value.to_ascii_uppercase();
    if value.value.chars().any(char::is_control) {
        problems
            .add(
                BAD_VARIABLE,
                &value.span,
                format!("the value of {} has control characters", quote(key.value)),
            )
            .says("a line break or another control character")
            .advise("a value is one line of text");
    } else if !value.value.is_empty() && SECRET_WORDS.iter().any(|word| upper.contains(word)) {
        problems
            .add(
                LOOKS_SECRET,
                &key.span,
                format!("{} looks like a secret", quote(key.value)),
            )
            .says("written in clear")
            .advise("put it under `secrets`, with where it is read from: `ssm:/path`, `env:NAME`")
            .conceal(&value.span);
    }
}

/// Where a secret is read from. What stands in the file instead may be the secret: it is never shown.
pub(super) fn source(
    key: &At<&str>,
    value: &At<&str>,
    problems: &mut Problems,
) -> Option<SecretSource> {
    let text = value.value;
    let named = quote(key.value);
    let (good, source, help) = if let Some(path) = text.strip_prefix("ssm:") {
        (
            is_parameter(path),
            SecretSource::Ssm(path.to_owned()),
            "a parameter is written like `ssm:/labs/ngc`",
        )
    } else if let Some(name) = text.strip_prefix("env:") {
        (
            is_variable(name),
            SecretSource::Env(name.to_owned()),
            "a variable is written like `env:NGC_API_KEY`",
        )
    } else if let Some(path) = text.strip_prefix("file:") {
        let good = !path.trim().is_empty() && !path.chars().any(char::is_control);
        (
            good,
            SecretSource::File(path.to_owned()),
            "a file is written like `file:~/.ngc/key`",
        )
    } else {
        problems
            .add(
                BAD_SECRET,
                &value.span,
                format!("{named} must say where the secret is read from"),
            )
            .says("not shown here")
            .advise("`ssm:/path`, `env:NAME` or `file:PATH`; replace a secret that stood in a file")
            .conceal(&value.span);
        return None;
    };
    if !good {
        problems
            .add(
                BAD_SECRET,
                &value.span,
                format!("{named} is read from nowhere"),
            )
            .says("not shown here")
            .advise(help)
            .conceal(&value.span);
    }
    good.then_some(source)
}

/// Whether a text can be the name of an SSM parameter.
pub(super) fn is_parameter(text: &str) -> bool {
    let name = text.trim_start_matches('/');
    !name.is_empty()
        && !name.ends_with('/')
        && text.len() <= 1011
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_.-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_and_variables() {
        for good in ["/labs/ngc", "ngc", "/a.b/c_d-e"] {
            assert!(is_parameter(good), "{good}");
        }
        for bad in ["", "/", "/labs/", "/labs ngc", "/labs/ngc$"] {
            assert!(!is_parameter(bad), "{bad}");
        }
        assert!(
            is_variable("_ROS_2")
                && !is_variable("2ROS")
                && !is_variable("A-B")
                && !is_variable("")
        );
    }
}
