//! What `bootstrap/` holds, embedded.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::header::{Header, parse_header};

/// The program on the host that the client talks to.
pub const RUNNER: &str = include_str!("../../bootstrap/runner.sh");
/// The functions that steps use.
pub const LIBRARY: &str = include_str!("../../bootstrap/lib.sh");

/// A bootstrap step: a shipped one, or one of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it says of itself.
    pub header: Header,
    /// Its text.
    pub text: Cow<'static, str>,
}

macro_rules! bundle {
    ($($name:literal),* $(,)?) => {
        const TEXTS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../bootstrap/steps/", $name, ".sh")))),*];
    };
}

bundle![
    "base",
    "docker",
    "edge-check",
    "gpu-metrics",
    "gpu-tuning",
    "jetson-performance",
    "nvidia-container-toolkit",
    "nvidia-driver",
    "realtime",
    "ros-network",
    "stack",
];

static STEPS: LazyLock<Vec<Arc<Step>>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|(name, text)| {
            // A test reads every one of them.
            let header = parse_header(text).expect("a shipped step has a header");
            assert_eq!(header.name, *name, "a step is named as its file");
            Arc::new(Step {
                header,
                text: Cow::Borrowed(*text),
            })
        })
        .collect()
});

/// Every shipped step, by name.
pub fn steps() -> &'static [Arc<Step>] {
    &STEPS
}

/// The shipped step of a name.
pub fn step(name: &str) -> Option<&'static Arc<Step>> {
    STEPS.iter().find(|step| step.header.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_folder_is_in_the_bundle() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/bootstrap/steps");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of the steps")
            .map(|entry| {
                let name = entry.expect("an entry").file_name();
                let name = name.to_str().expect("text").to_owned();
                name.trim_end_matches(".sh").to_owned()
            })
            .collect();
        found.sort();
        let bundled: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, bundled);
        for step in steps() {
            for need in &step.header.needs {
                assert!(
                    super::step(need).is_some(),
                    "{} needs {need}",
                    step.header.name
                );
            }
        }
    }
}
