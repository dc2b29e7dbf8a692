//! A stack as one host gets it: its files, and what the host must have for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::images::{dockerfile, images};
use super::shipped::{Component, Folder, StackTemplate};
use super::template::{TemplateError, Values, render};

/// The GPU that a host has for its containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostGpu {
    /// None.
    None,
    /// NVIDIA's, by the container toolkit.
    Nvidia,
    /// A Jetson's own.
    Jetson,
}

/// What a host asks of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackWish {
    /// The stack.
    pub template: Arc<StackTemplate>,
    /// The components that run.
    pub components: BTreeSet<String>,
    /// Variables of every component.
    pub env: BTreeMap<String, String>,
    /// Images to take instead of the shipped ones, by component.
    pub images: BTreeMap<String, String>,
    /// The names of the secrets that the host gets.
    pub secrets: BTreeSet<String>,
    /// The host's GPU.
    pub gpu: HostGpu,
}

/// A stack that is ready to go to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedStack {
    /// Its files, by path below its folder on the host.
    pub files: BTreeMap<String, String>,
    /// The folders that its components keep things in.
    pub folders: Vec<Folder>,
    /// How long it may take until it is healthy, in seconds: its slowest component and some more.
    pub patience_s: u64,
}

impl StackWish {
    /// Renders the stack.
    pub fn render(&self) -> Result<RenderedStack, TemplateError> {
        let compose = render(&self.template.compose, &self.values())?;
        let patience_s = patience(&compose);
        let mut files = BTreeMap::from([("compose.yaml".to_owned(), compose)]);
        files.extend(self.template.files.clone());
        let chosen = self.chosen();
        let folders = chosen
            .iter()
            .flat_map(|(_, component)| component.folders.clone());
        for (name, component) in &chosen {
            if let Some((folder, text)) = self.built(name, component) {
                files.insert(format!("images/{folder}/Dockerfile"), text.to_owned());
            }
        }
        Ok(RenderedStack {
            files,
            folders: folders.collect(),
            patience_s,
        })
    }

    fn chosen(&self) -> Vec<(&String, &Component)> {
        let all = self.template.components.iter();
        all.filter(|(name, _)| self.components.contains(*name))
            .collect()
    }

    /// The folder and text of the Dockerfile, where a component is built on the host.
    fn built<'a>(&self, name: &str, component: &'a Component) -> Option<(&'a str, &'static str)> {
        let folder = component.build.as_deref()?;
        (!self.images.contains_key(name)).then_some((folder, dockerfile(folder)?))
    }

    fn values(&self) -> Values {
        let mut values = Values::new();
        for (name, component) in &self.template.components {
            let mut put = |what: &str, value: Value| values.insert(format!("{what}.{name}"), value);
            put("on", json!(self.components.contains(name)));
            let context = self.context(name, component);
            put("build", json!(context.is_some()));
            put(
                "image",
                json!(self.image(name, component, context.as_ref())),
            );
            put("context", context.unwrap_or(Value::Null));
            put("env", json!(self.environment(component)));
            put("after", self.after(component));
            // Compose mounts each where programs look for such files: /run/secrets/NAME.
            put("secrets", json!(self.secrets_of(component)));
        }
        // Relative to the release: releases/DIGEST beside secrets/.
        let file = |name: &String| {
            (
                name.clone(),
                json!({ "file": format!("../../secrets/{name}") }),
            )
        };
        let secret_files: BTreeMap<String, Value> = self.secrets.iter().map(file).collect();
        values.insert("secret_files".to_owned(), json!(secret_files));
        values.insert("jetson".to_owned(), json!(self.gpu == HostGpu::Jetson));
        let gpu =
            json!({ "devices": [{ "driver": "nvidia", "count": "all", "capabilities": ["gpu"] }] });
        let reservations = if self.gpu == HostGpu::Nvidia {
            gpu
        } else {
            json!({})
        };
        values.insert("reservations".to_owned(), reservations);
        values
    }

    /// Its own secrets, and those that belong to no component: they are the user's, for whatever the stack runs.
    fn secrets_of(&self, component: &Component) -> Vec<&String> {
        let all = self.template.components.values();
        let known: BTreeSet<&String> = all.flat_map(|one| &one.secrets).collect();
        let is_its = |name: &&String| component.secrets.contains(*name) || !known.contains(*name);
        self.secrets.iter().filter(is_its).collect()
    }

    fn environment(&self, component: &Component) -> BTreeMap<String, String> {
        let mut env = self.template.env.clone();
        env.extend(component.env.clone());
        env.extend(self.env.clone());
        env
    }

    fn after(&self, component: &Component) -> Value {
        let waited = component
            .after
            .iter()
            .filter(|name| self.components.contains(*name));
        let healthy = |name: &String| (name.clone(), json!({ "condition": "service_healthy" }));
        json!(waited.map(healthy).collect::<BTreeMap<_, _>>())
    }

    /// How Compose builds a component, where it does.
    fn context(&self, name: &str, component: &Component) -> Option<Value> {
        let (folder, _) = self.built(name, component)?;
        let base = component.base.as_ref().and_then(|base| images().get(base));
        let mut args = BTreeMap::from([("BASE", base.map_or("", |base| base.image.as_str()))]);
        for arg in &component.build_args {
            args.insert(arg, self.env.get(arg).map_or("", String::as_str));
        }
        Some(json!({ "context": format!("./images/{folder}"), "args": args }))
    }

    fn image(&self, name: &str, component: &Component, context: Option<&Value>) -> String {
        if let Some(own) = self.images.get(name) {
            return own.clone();
        }
        if let (Some((folder, text)), Some(context)) = (self.built(name, component), context) {
            // What it is built from is its tag: a change is another image, and the one before is still there.
            let digest = Sha256::digest(format!("{context}\n{text}"));
            let tag: String = digest
                .iter()
                .take(6)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            return format!("roboinfra/{folder}:{tag}");
        }
        let named = component.image.as_deref().unwrap_or_default();
        let known = images().get(named);
        known.map_or(named, |known| &known.image).to_owned()
    }
}

impl RenderedStack {
    /// Its files as the step takes them: one line for each, its path and its text in base64.
    pub fn packed_files(&self) -> String {
        let line = |(path, text): (&String, &String)| format!("{path} {}", STANDARD.encode(text));
        self.files.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Its folders as the step takes them: one line for each, its owner and its path.
    pub fn packed_folders(&self) -> String {
        let line = |folder: &Folder| format!("{} {}", folder.owner, folder.path);
        self.folders.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The longest time that a component may take to start, and what its checks take after it.
fn patience(compose: &str) -> u64 {
    let starts = compose.lines().filter_map(|line| {
        let seconds = line
            .trim()
            .strip_prefix("start_period: ")?
            .strip_suffix('s')?;
        seconds.parse::<u64>().ok()
    });
    starts.max().unwrap_or(0) + 180
}
