//! Stacks, the shipped ones and those of users: what each consists of, and its files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

/// A folder on the host that a component keeps things in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// Its path below the folder of all stacks' data.
    pub path: String,
    /// The number of the user that the component runs as.
    pub owner: u32,
}

/// One component of a stack: one service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// What it is, in one line.
    pub about: String,
    /// Its image in the table of images; in a stack of the user's own, the image itself.
    #[serde(default)]
    pub image: Option<String>,
    /// The folder of its Dockerfile, where it is built on the host.
    #[serde(default)]
    pub build: Option<String>,
    /// The image of the table that it is built upon.
    #[serde(default)]
    pub base: Option<String>,
    /// Variables that the build takes; the user gives them, or an image.
    #[serde(default)]
    pub build_args: Vec<String>,
    /// Variables that the user must give where it is built on the host.
    #[serde(default)]
    pub needs_env: Vec<String>,
    /// Variables that it always has.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Secrets that it cannot run without.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Components that it waits for, where they run at all.
    #[serde(default)]
    pub after: Vec<String>,
    /// The licence that the user must accept.
    #[serde(default)]
    pub eula: Option<String>,
    /// Whether it cannot run without an NVIDIA GPU.
    #[serde(default)]
    pub gpu: bool,
    /// Whether it takes the GPU where there is one.
    #[serde(default)]
    pub may_use_gpu: bool,
    /// Whether it finds the GPU of a Jetson.
    #[serde(default)]
    pub jetson: bool,
    /// The architectures that its image is made for; empty for all.
    #[serde(default)]
    pub architectures: Vec<String>,
    /// The TCP ports it listens to on 127.0.0.1, by what is there.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// What it keeps on the host.
    #[serde(default)]
    pub folders: Vec<Folder>,
    /// Whether it runs only where the profile names it.
    #[serde(default)]
    pub optional: bool,
}

impl Component {
    /// Whether its image is made for an architecture.
    pub fn runs_on(&self, architecture: &str) -> bool {
        self.architectures.is_empty() || self.architectures.iter().any(|one| one == architecture)
    }
}

/// What a stack is, as its `stack.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    about: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Other files that go to the host, for stacks of users.
    #[serde(default)]
    files: Vec<String>,
    component: BTreeMap<String, Component>,
}

/// A stack: a shipped one, or one of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackTemplate {
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub about: String,
    /// Variables that every component has, with the values that they have where the profile gives none.
    pub env: BTreeMap<String, String>,
    /// Its components, by name.
    pub components: BTreeMap<String, Component>,
    /// The template of its compose file.
    pub(super) compose: Cow<'static, str>,
    /// Other files that go to the host as they are.
    pub(super) files: BTreeMap<String, String>,
}

impl StackTemplate {
    /// The stack of these two files, of which users may write their own; or what is wrong with the first. `file` reads the others
    /// that it lists.
    pub fn read(
        name: &str,
        describes: &str,
        compose: &str,
        file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        let described: Described = toml::from_str(describes).map_err(|error| {
            let before = error.span().and_then(|span| describes.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })?;
        let mut files = BTreeMap::new();
        for path in described.files {
            if !is_below(&path) || path == "compose.yaml" || path.starts_with('.') {
                return Err(format!("{path:?} cannot be one of its `files`"));
            }
            let text = file(&path)?;
            files.insert(path, text);
        }
        let all = described.component.values();
        let mut folders = all.flat_map(|component| &component.folders);
        if let Some(folder) = folders.find(|folder| !is_below(&folder.path)) {
            return Err(format!("{:?} cannot be one of its `folders`", folder.path));
        }
        Ok(Self {
            name: name.to_owned(),
            about: described.about,
            env: described.env,
            components: described.component,
            compose: Cow::Owned(compose.to_owned()),
            files,
        })
    }

    /// The components that run where the profile names none.
    pub fn usual(&self) -> impl Iterator<Item = &str> {
        self.components
            .iter()
            .filter(|(_, component)| !component.optional)
            .map(|(name, _)| name.as_str())
    }
}

/// Whether a path stays below the folder that it begins in, and is plain for a shell.
fn is_below(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    path.len() <= 200 && path.bytes().all(plain) && path.split('/').all(part)
}

struct Text {
    name: &'static str,
    describes: &'static str,
    compose: &'static str,
    files: &'static [(&'static str, &'static str)],
}

macro_rules! texts {
    ($($name:literal [$($file:literal),*]),* $(,)?) => {
        const TEXTS: &[Text] = &[$(Text {
            name: $name,
            describes: include_str!(concat!("../../../templates/stacks/", $name, "/stack.toml")),
            compose: include_str!(concat!("../../../templates/stacks/", $name, "/compose.yaml")),
            files: &[$(($file, include_str!(concat!("../../../templates/stacks/", $name, "/", $file)))),*],
        }),*];
    };
}

texts![
    "digital-twin"[],
    "isaac-sim"[],
    "jupyter"[],
    "monitoring"["dashboards.yaml", "datasource.yaml", "machine.json", "prometheus.yaml"],
    "perception-planning-control"[],
    "vscode"[],
];

static STACKS: LazyLock<Vec<Arc<StackTemplate>>> = LazyLock::new(|| {
    TEXTS
        .iter()
        .map(|text| {
            let described: Described = toml::from_str(text.describes)
                .expect("a shipped stack describes itself: a test reads every one");
            Arc::new(StackTemplate {
                name: text.name.to_owned(),
                about: described.about,
                env: described.env,
                components: described.component,
                compose: Cow::Borrowed(text.compose),
                files: text
                    .files
                    .iter()
                    .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                    .collect(),
            })
        })
        .collect()
});

/// Every stack that is shipped, by name.
pub fn stack_templates() -> &'static [Arc<StackTemplate>] {
    &STACKS
}

/// The shipped stack of a name.
pub fn stack_template(name: &str) -> Option<&'static Arc<StackTemplate>> {
    STACKS.iter().find(|stack| stack.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::assets::stack::images::{dockerfile, images};

    #[test]
    fn every_file_of_the_folders_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/stacks");
        let names = |path: &std::path::Path| -> BTreeSet<String> {
            std::fs::read_dir(path)
                .expect("a folder")
                .map(|entry| {
                    entry
                        .expect("an entry")
                        .file_name()
                        .into_string()
                        .expect("text")
                })
                .collect()
        };
        let stacks: BTreeSet<String> = TEXTS.iter().map(|text| text.name.to_owned()).collect();
        assert_eq!(names(folder.as_ref()), stacks);
        for text in TEXTS {
            let listed = ["stack.toml", "compose.yaml"]
                .into_iter()
                .chain(text.files.iter().map(|(name, _)| *name))
                .map(str::to_owned)
                .collect();
            assert_eq!(names(&std::path::Path::new(folder).join(text.name)), listed);
        }
    }

    #[test]
    fn what_components_name_is_there() {
        for stack in stack_templates() {
            for (name, component) in &stack.components {
                let place = format!("{}: {name}", stack.name);
                assert!(
                    component.image.is_some() != component.build.is_some(),
                    "{place}"
                );
                for image in component.image.iter().chain(&component.base) {
                    assert!(images().contains_key(image), "{place}: {image}");
                }
                if let Some(build) = &component.build {
                    let text = dockerfile(build).expect("a Dockerfile");
                    assert!(component.base.is_some(), "{place}");
                    for arg in &component.build_args {
                        assert!(text.contains(&format!("ARG {arg}\n")), "{place}: {arg}");
                    }
                }
                for other in &component.after {
                    assert!(stack.components.contains_key(other), "{place}: {other}");
                }
                for folder in &component.folders {
                    let plain = folder
                        .path
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b"/-".contains(&b));
                    assert!(
                        plain && !folder.path.starts_with('/'),
                        "{place}: {}",
                        folder.path
                    );
                }
            }
        }
    }
}
