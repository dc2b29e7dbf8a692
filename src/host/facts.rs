//! What a host says that it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a host says that it is: `key=value` lines, those that are unknown kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, String>);

impl Facts {
    /// Reads `key=value` lines; what is no such line is left out. Control characters go: a host may say anything.
    pub fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let is_key = !key.is_empty()
                && key.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-'
                });
            let value: String = value.chars().filter(|c| !c.is_control()).collect();
            is_key.then(|| (key.to_owned(), value.trim().to_owned()))
        });
        Self(pairs.collect())
    }

    /// These and others; what both say is as the others say it.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// One value; empty where the host did not say.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// One value as a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key).parse().ok()
    }

    /// All of them, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Which boot this is: another id is another boot.
    pub fn boot_id(&self) -> &str {
        self.get("boot_id")
    }

    /// The system in words: `ubuntu 22.04, x86_64, kernel 6.8.0-1021-aws`.
    pub fn system(&self) -> String {
        let played = if self.get("simulated") == "yes" {
            "played by the sandbox, nothing runs: "
        } else {
            ""
        };
        format!(
            "{played}{} {}, {}, kernel {}",
            self.get("os_id"),
            self.get("os_version"),
            self.get("arch"),
            self.get("kernel")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_nothing_are_left_out() {
        let facts = Facts::parse(
            "runner=1\nos_id=ubuntu\nos_version=22.04\nmodel=a = b\n\u{1b}[31mx=1\nno line\n=1\ngpus=1\nname=a\u{7}b\n",
        );
        assert_eq!(facts.get("os_id"), "ubuntu");
        assert_eq!(facts.get("model"), "a = b");
        assert_eq!(facts.number("gpus"), Some(1));
        assert_eq!(facts.number("os_id"), None);
        assert_eq!(facts.get("name"), "ab");
        assert_eq!(facts.iter().count(), 6);
    }
}
