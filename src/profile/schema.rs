//! The JSON Schema of the profile, from the table of keys, so that editors complete and check it.

use serde_json::{Map, Value, json};

use super::keys::{NAME, PROFILE};
use super::shape::{Format, Key, Section, Shape};

/// The schema, draft 2020-12.
///
/// It accepts every valid profile. It is weaker than `parse`: what values mean together it cannot say.
pub fn schema() -> Value {
    let mut root = object(&PROFILE);
    let mut definitions = Map::new();
    for section in PROFILE.descend() {
        if !section.path.is_empty() {
            definitions.insert(definition(section), Value::Object(object(section)));
        }
    }
    root.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    root.insert("title".to_owned(), json!("roboinfra lab profile"));
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// The name of a section among the definitions: `node.*.volume.*` is `node.volume`.
fn definition(section: &Section) -> String {
    section.path.replace(".*", "")
}

fn object(section: &'static Section) -> Map<String, Value> {
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(section, key)))
        .collect();
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    object.insert("description".to_owned(), json!(section.doc));
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("required".to_owned(), json!(required));
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

fn property(section: &'static Section, key: &'static Key) -> Value {
    let mut property = match value(&key.shape) {
        Value::Object(property) => property,
        other => Map::from_iter([("anyOf".to_owned(), other)]),
    };
    if section.path.is_empty() && key.name == "version" {
        property.insert("maximum".to_owned(), json!(1));
    }
    property.insert("description".to_owned(), json!(key.doc));
    if let Some(default) = from_toml(key.default) {
        property.insert("default".to_owned(), default);
    }
    if let Some(example) = from_toml(key.example) {
        property.insert("examples".to_owned(), json!([example]));
    }
    Value::Object(property)
}

fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text(format) => text(format),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Whole(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Number(least, most) => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::List(item) => json!({ "type": "array", "items": value(item) }),
        Shape::Map(format) => json!({ "type": "object", "additionalProperties": text(format) }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(value).collect::<Vec<_>>() }),
        Shape::Table(section) => reference(section),
        Shape::Named(section) => json!({
            "type": "object",
            "propertyNames": text(&NAME),
            "additionalProperties": reference(section),
        }),
        Shape::Rows(section) => json!({ "type": "array", "items": reference(section) }),
    }
}

fn reference(section: &Section) -> Value {
    json!({ "$ref": format!("#/$defs/{}", definition(section)) })
}

fn text(format: &Format) -> Value {
    match (format.pattern, format.words) {
        (None, None) => json!({ "type": "string" }),
        (Some(pattern), None) => json!({ "type": "string", "pattern": pattern }),
        (None, Some(words)) => json!({ "enum": words() }),
        (Some(pattern), Some(words)) => {
            json!({ "anyOf": [{ "enum": words() }, { "type": "string", "pattern": pattern }] })
        }
    }
}

/// A TOML value as JSON.
fn from_toml(text: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Just enough of a validator for the words that the schema uses, patterns left out.
    fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
        if let Some(reference) = schema["$ref"].as_str() {
            let definition = reference.trim_start_matches("#/$defs/");
            return accepts(root, &root["$defs"][definition], value);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return choices.iter().any(|choice| accepts(root, choice, value));
        }
        if let Some(words) = schema["enum"].as_array() {
            return words.contains(value);
        }
        let number_fits = || {
            let n = value.as_f64().unwrap_or(f64::NAN);
            let least = schema["minimum"].as_f64().unwrap_or(f64::MIN);
            (least..=schema["maximum"].as_f64().unwrap_or(f64::MAX)).contains(&n)
        };
        match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() && number_fits(),
            Some("number") => value.is_number() && number_fits(),
            Some("array") => value.as_array().is_some_and(|items| {
                items
                    .iter()
                    .all(|item| accepts(root, &schema["items"], item))
            }),
            Some("object") => value.as_object().is_some_and(|object| {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                required
                    .iter()
                    .all(|key| object.contains_key(key.as_str().unwrap_or_default()))
                    && object
                        .iter()
                        .all(|(key, inner)| match schema["properties"].get(key) {
                            Some(property) => accepts(root, property, inner),
                            None => match &schema["additionalProperties"] {
                                Value::Bool(allowed) => *allowed,
                                rest => accepts(root, rest, inner),
                            },
                        })
            }),
            _ => false,
        }
    }

    fn accepted(text: &str) -> bool {
        let table: toml::Table = toml::from_str(text).expect("TOML");
        let schema = schema();
        accepts(
            &schema,
            &schema,
            &serde_json::to_value(table).expect("JSON"),
        )
    }

    #[test]
    fn it_accepts_what_the_program_accepts() {
        assert!(accepted(super::super::reference::EXAMPLE));
        for starter in super::super::starters() {
            assert!(accepted(starter.text), "{}", starter.name);
        }
    }

    #[test]
    fn it_refuses_what_editors_should_underline() {
        let good = "version = 1\n[lab]\nname = \"ab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\n";
        assert!(accepted(good));
        for (from, to) in [
            ("version = 1", "version = 2"),
            ("name = \"ab\"\n", ""),
            ("us-east-1", "us-east-9"),
            ("types", "count = 1001\ntypes"),
            ("types", "cuont = 1\ntypes"),
            ("types", "market = \"sopt\"\ntypes"),
            ("[\"g5.xlarge\"]", "\"g5.xlarge\""),
        ] {
            assert!(!accepted(&good.replace(from, to)), "{to}");
        }
    }

    #[test]
    fn defaults_and_examples_are_toml_of_their_key() {
        let root = schema();
        for section in PROFILE.descend() {
            for key in section.keys {
                for text in [key.default, key.example]
                    .into_iter()
                    .filter(|text| !text.is_empty())
                {
                    let value_of =
                        from_toml(text).unwrap_or_else(|| panic!("{}: {text}", key.name));
                    assert!(
                        accepts(&root, &value(&key.shape), &value_of),
                        "{}: {text}",
                        key.name
                    );
                }
            }
        }
    }
}
