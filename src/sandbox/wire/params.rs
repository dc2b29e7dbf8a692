//! The parameters of a query request as a tree: `Filter.1.Value.2=x` is `Filter`, `1`, `Value`, `2`.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ApiError, ApiResult};

/// More parts than this a name does not have; what is left stays together.
const DEEPEST: usize = 16;

/// One node of the tree: its own text and what is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Params {
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "=")]
    text: Option<String>,
    #[serde(flatten)]
    below: BTreeMap<String, Params>,
}

impl Params {
    /// Reads a form body.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut root = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            let mut node = &mut root;
            // No parameter of any action is as deep; a tree of any depth would be left by recursion, off the stack.
            for part in name.splitn(DEEPEST, '.') {
                node = node.below.entry(part.to_owned()).or_default();
            }
            node.text = Some(value.into_owned());
        }
        root
    }

    /// The node below, if there is one.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.below.get(name)
    }

    /// The node at a dotted path.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |node, part| node.child(part))
    }

    /// The text at a dotted path; an empty text counts as absent, as EC2 treats it.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.at(path)
            .and_then(|node| node.text.as_deref())
            .filter(|text| !text.is_empty())
    }

    /// The text at a path, or `MissingParameter`.
    pub(crate) fn need(&self, path: &str) -> ApiResult<&str> {
        self.text(path).ok_or_else(|| ApiError::missing(path))
    }

    /// A value of any type that reads itself from text.
    pub(crate) fn parsed<T: FromStr>(&self, path: &str) -> ApiResult<Option<T>> {
        self.text(path)
            .map(|text| {
                text.parse()
                    .map_err(|_| ApiError::invalid(format!("Invalid value '{text}' for {path}")))
            })
            .transpose()
    }

    /// A boolean; anything but `true` and `false` is refused.
    pub(crate) fn flag(&self, path: &str) -> ApiResult<Option<bool>> {
        self.parsed(path)
    }

    /// The nodes of a flattened list, in the order of their numbers.
    pub(crate) fn list(&self, name: &str) -> Vec<&Self> {
        let Some(node) = self.at(name) else {
            return Vec::new();
        };
        let mut items: Vec<(u32, &Self)> = node
            .below
            .iter()
            .filter_map(|(key, item)| Some((key.parse().ok()?, item)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// The texts of a flattened list.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.list(name)
            .into_iter()
            .filter_map(|item| item.text.as_deref())
            .collect()
    }

    /// The texts of a list that must not be empty.
    pub(crate) fn need_texts(&self, name: &str) -> ApiResult<Vec<&str>> {
        let texts = self.texts(name);
        if texts.is_empty() {
            return Err(ApiError::missing(name));
        }
        Ok(texts)
    }

    /// Whether nothing is below this node.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_none() && self.below.is_empty()
    }

    /// This tree without some of its first-level nodes: what idempotency compares.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let mut copy = self.clone();
        for name in names {
            copy.below.remove(*name);
        }
        copy
    }

    /// Sets the text at a dotted path.
    pub(crate) fn set(&mut self, path: &str, text: &str) {
        let mut node = self;
        for part in path.split('.') {
            node = node.below.entry(part.to_owned()).or_default();
        }
        node.text = Some(text.to_owned());
    }

    /// Puts another tree over this one: what it has wins, node by node at the first level.
    pub(crate) fn overlay(&mut self, above: &Self) {
        for (name, node) in &above.below {
            self.below.insert(name.clone(), node.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_ordered_by_number_and_trees_nest() {
        let params = Params::parse(
            b"InstanceId.10=j&InstanceId.2=b&InstanceId.1=a&Filter.1.Name=tag%3Ax&Filter.1.Value.1=p+q&Empty=",
        );
        assert_eq!(params.texts("InstanceId"), ["a", "b", "j"]);
        let filter = params.list("Filter")[0];
        assert_eq!(filter.text("Name"), Some("tag:x"));
        assert_eq!(filter.texts("Value"), ["p q"]);
        assert_eq!(params.text("Empty"), None);
        assert_eq!(
            params.need("Gone").expect_err("absent").code,
            "MissingParameter"
        );
    }

    #[test]
    fn values_read_themselves() {
        let params = Params::parse(b"N=12&B=true&Bad=yes");
        assert_eq!(params.parsed::<u32>("N"), Ok(Some(12)));
        assert_eq!(params.flag("B"), Ok(Some(true)));
        assert_eq!(
            params.flag("Bad").expect_err("not a boolean").code,
            "InvalidParameterValue"
        );
    }
}
