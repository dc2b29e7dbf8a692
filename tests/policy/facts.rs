//! What AWS documents of each action: the resource types that it knows, and which condition keys of each.
//!
//! `authorization.json` holds what is needed here of the Service Authorization Reference
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/>): the types that roboinfra has to do with
//! and the keys that its policies use. The type "" stands for the action itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

/// One resource type of an action.
#[derive(Debug, Deserialize)]
pub(crate) struct Type {
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) keys: BTreeSet<String>,
}

/// The resource types of an action, by name.
pub(crate) type Types = BTreeMap<String, Type>;

/// The facts of an action, `service:Action`.
pub(crate) fn of(action: &str) -> &'static Types {
    static FACTS: OnceLock<BTreeMap<String, Types>> = OnceLock::new();
    let facts = FACTS.get_or_init(|| {
        serde_json::from_str(include_str!("authorization.json")).expect("the facts are JSON")
    });
    assert!(
        facts.contains_key(action),
        "{action} is not in authorization.json: add what the Service Authorization Reference says of it"
    );
    &facts[action]
}

/// Whether an action can be limited to resources at all.
pub(crate) fn knows_resources(action: &str) -> bool {
    of(action).keys().any(|kind| !kind.is_empty())
}
