//! The text that runs on a host: the library, the inputs and the step in one script, known by its digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::bundle::{LIBRARY, RUNNER, Step};
use super::header::is_variable;
use crate::model::hex;

/// A step as it runs on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The step.
    pub step: Arc<Step>,
    /// The whole text.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal: the same digest need not run again.
    pub digest: String,
}

/// The digest of the runner, by which a host knows whether it has this one.
pub fn runner_digest() -> String {
    hex(Sha256::digest(RUNNER))
}

/// The script of a step. `inputs` beyond those of its header are left out; those that are missing take their default.
/// `marks` tell the values of its secrets, by name: a changed secret is another script.
pub fn script(
    step: &Arc<Step>,
    inputs: &BTreeMap<String, String>,
    marks: &BTreeMap<String, String>,
) -> Script {
    let mut text = String::from("#!/usr/bin/env bash\n");
    text.push_str(LIBRARY);
    text.push_str("\n# The inputs of the step.\n");
    for (name, default) in &step.header.inputs {
        debug_assert!(
            is_variable(name),
            "the header's parser lets no other name pass"
        );
        let value = inputs.get(name).unwrap_or(default);
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    for (name, mark) in marks {
        text.push_str(&format!("# The secret {name}: {mark}\n"));
    }
    text.push_str("\n# The step.\n");
    text.push_str(&step.text);
    let digest = hex(Sha256::digest(&text));
    Script {
        step: Arc::clone(step),
        text,
        digest,
    }
}

/// A text as one word of a shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{step, steps};

    #[test]
    fn a_changed_input_is_another_script() {
        let docker = steps()
            .iter()
            .find(|step| !step.header.inputs.is_empty())
            .expect("a step with inputs");
        let (name, _) = docker.header.inputs.first_key_value().expect("an input");
        let none = BTreeMap::new();
        let plain = script(docker, &none, &none);
        let other = script(
            docker,
            &BTreeMap::from([(name.clone(), "it's; rm -rf /".to_owned())]),
            &none,
        );
        assert_ne!(plain.digest, other.digest);
        assert!(
            other
                .text
                .contains(&format!("export {name}='it'\\''s; rm -rf /'\n"))
        );
        let foreign = script(
            docker,
            &BTreeMap::from([("PATH".to_owned(), "/".to_owned())]),
            &none,
        );
        assert_eq!(plain, foreign, "only the header's inputs reach the script");
        let marked = script(
            docker,
            &none,
            &BTreeMap::from([("TOKEN".to_owned(), "0123".to_owned())]),
        );
        assert_ne!(plain.digest, marked.digest);
        assert_eq!(plain.digest.len(), 64);
    }

    #[test]
    fn every_script_is_bash() {
        for step in steps() {
            let script = script(step, &BTreeMap::new(), &BTreeMap::new());
            assert!(script.text.starts_with("#!/usr/bin/env bash\n"));
            assert!(
                script.text.contains("\ncheck()") && script.text.contains("\napply()"),
                "{}",
                step.header.name
            );
        }
        assert!(step("base").is_some());
    }
}
