//! A small strict template: what is not defined is an error, never an empty text.
//!
//! `{{ name }}` stands for a value, written as JSON, which YAML reads as well whatever the value holds. It takes the
//! place of a whole YAML value, so that nothing can reach beyond its quotes; only whole numbers may also stand within a
//! text. `{{#if name}}`, `{{#if !name}}` and `{{/if}}` stand on lines of their own.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of a template, by name.
pub type Values = BTreeMap<String, Value>;

/// A template that cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    /// The line of the template, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Renders a template.
pub fn render(template: &str, values: &Values) -> Result<String, TemplateError> {
    let mut rendered = String::with_capacity(template.len() * 2);
    // Whether each block that is open is kept.
    let mut open: Vec<bool> = Vec::new();
    let mut last = 1;
    for (number, line) in (1..).zip(template.lines()) {
        last = number;
        let wrong = |what: String| TemplateError { line: number, what };
        let bare = line.trim();
        if let Some(condition) = bare
            .strip_prefix("{{#if ")
            .and_then(|rest| rest.strip_suffix("}}"))
        {
            open.push(holds(condition.trim(), values).map_err(wrong)?);
        } else if bare == "{{/if}}" {
            if open.pop().is_none() {
                return Err(wrong("there is no {{#if …}} to end".to_owned()));
            }
        } else {
            // What is left out is read all the same: a slip in it must not wait for the day when it is not.
            let text = line_of(line, values).map_err(wrong)?;
            if open.iter().all(|kept| *kept) {
                rendered.push_str(&text);
                rendered.push('\n');
            }
        }
    }
    if open.is_empty() {
        Ok(rendered)
    } else {
        Err(TemplateError {
            line: last,
            what: "an {{#if …}} has no {{/if}}".to_owned(),
        })
    }
}

fn holds(condition: &str, values: &Values) -> Result<bool, String> {
    let (name, wanted) = match condition.strip_prefix('!') {
        Some(name) => (name, false),
        None => (condition, true),
    };
    match values.get(name) {
        Some(Value::Bool(is)) => Ok(*is == wanted),
        Some(_) => Err(format!("{name:?} is neither true nor false")),
        None => Err(format!("{name:?} is not defined")),
    }
}

fn line_of(line: &str, values: &Values) -> Result<String, String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after
            .split_once("}}")
            .ok_or_else(|| "{{ without }}".to_owned())?;
        text.push_str(before);
        let name = name.trim();
        let value = values
            .get(name)
            .ok_or_else(|| format!("{name:?} is not defined"))?;
        let alone = (text.ends_with(": ") || text.ends_with("- ")) && behind.is_empty();
        if !alone && !value.is_u64() {
            return Err(format!(
                "{name:?} must be the whole value: only numbers may stand within a text"
            ));
        }
        text.push_str(&written(value));
        rest = behind;
    }
    if rest.contains("}}") {
        return Err("}} without {{".to_owned());
    }
    text.push_str(rest);
    Ok(text)
}

/// A value as JSON, in which Compose finds no variable to replace.
fn written(value: &Value) -> String {
    value.to_string().replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values() -> Values {
        [
            ("name", json!("it's \"a\"\n: $HOME # {{ port }}")),
            ("port", json!(8888)),
            ("on", json!(true)),
            ("off", json!(false)),
            ("map", json!({ "b": "2", "a": "1" })),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    #[test]
    fn values_are_quoted_and_blocks_left_out() {
        for (template, rendered) in [
            ("a: {{ port }}", "a: 8888\n"),
            (
                "- \"127.0.0.1:{{port}}:{{ port }}\"",
                "- \"127.0.0.1:8888:8888\"\n",
            ),
            (
                "a: {{ name }}",
                "a: \"it's \\\"a\\\"\\n: $$HOME # {{ port }}\"\n",
            ),
            ("a: {{ map }}", "a: {\"a\":\"1\",\"b\":\"2\"}\n"),
            (
                "{{#if on}}\na\n{{#if !on}}\nb\n{{/if}}\n{{/if}}\nc",
                "a\nc\n",
            ),
            (
                "{{#if off}}\na: {{ port }}\n{{/if}}\n{{#if !off}}\nb\n{{/if}}",
                "b\n",
            ),
            ("", ""),
        ] {
            assert_eq!(render(template, &values()), Ok(rendered.to_owned()));
        }
    }

    #[test]
    fn nothing_is_left_empty_in_silence() {
        for (template, said) in [
            ("a: {{ nmae }}", "line 1: \"nmae\" is not defined"),
            ("\n{{#if onn}}\n{{/if}}", "line 2: \"onn\" is not defined"),
            ("{{#if port}}\n{{/if}}", "neither true nor false"),
            (
                "{{#if off}}\na: {{ nmae }}\n{{/if}}",
                "line 2: \"nmae\" is not defined",
            ),
            ("{{#if on}}\na", "line 2: an {{#if …}} has no {{/if}}"),
            ("{{/if}}", "no {{#if …}} to end"),
            ("a: {{ port", "{{ without }}"),
            ("a: port }}", "}} without {{"),
            ("a: \"{{ name }}\"", "must be the whole value"),
            ("a: {{ name }} # why", "must be the whole value"),
            ("a: x{{ map }}", "must be the whole value"),
            ("a: {{#if on}}", "is not defined"),
        ] {
            let error = render(template, &values()).expect_err(template).to_string();
            assert!(error.contains(said), "{template}: {error}");
        }
    }
}
