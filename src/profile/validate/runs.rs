//! What a `[stack.*]` runs: the shipped stack, its components, and all that they cannot do without.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::names::no_duplicates;
use super::own_stack;
use crate::assets::{self, Component, StackTemplate};
use crate::profile::codes::{
    BAD_COMPONENT, BAD_CONTAINER, LICENCE, NO_SUCH_STACK, SECRET_NEEDED, SETTING_NEEDED,
};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields, ReadFile};
use crate::profile::suggest::{did_you_mean, one_of};
use crate::profile::types::Stack;

/// Reads what runs. `stack` has its variables and secrets already.
pub(super) fn runs(
    name: &At<&str>,
    fields: &Fields<'_>,
    files: ReadFile<'_>,
    stack: &mut Stack,
    problems: &mut Problems,
) {
    let Some(template) = template(name, fields, files, problems) else {
        return;
    };
    stack.components = components(&template, fields, problems);
    images(&template, fields, stack, problems);
    stack.template = Some(Arc::clone(&template));
    let place = Place {
        span: fields
            .span_of("components")
            .unwrap_or_else(|| name.span.clone()),
        secrets: fields
            .entries("secrets")
            .into_iter()
            .map(|(key, _)| key.value)
            .collect(),
    };
    let chosen: Vec<(&String, &Component)> = template
        .components
        .iter()
        .filter(|(name, _)| stack.components.contains(*name))
        .collect();
    place.licences(&chosen, stack, problems);
    place.needed(&chosen, problems);
    place.settings(&chosen, stack, problems);
}

fn template(
    name: &At<&str>,
    fields: &Fields<'_>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> Option<Arc<StackTemplate>> {
    let at = fields.text("template");
    if let Some(at) = at.as_ref().filter(|at| at.value.contains('/')) {
        return own_stack::read(name, at, files, problems);
    }
    let (wanted, span) = at
        .as_ref()
        .map_or((name.value, &name.span), |at| (at.value, &at.span));
    let found = assets::stack_template(wanted);
    if found.is_none() {
        let names: Vec<&str> = assets::stack_templates()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let help = did_you_mean(wanted, names.iter().copied()).unwrap_or_else(|| {
            format!(
                "take {}, by the section's name or by `template`; or name a folder of yours, with a `/` in it",
                one_of(&names)
            )
        });
        problems
            .add(
                NO_SUCH_STACK,
                span,
                format!("there is no shipped stack {}", quote(wanted)),
            )
            .says("unknown stack")
            .advise(help);
    }
    found.cloned()
}

fn components(
    template: &StackTemplate,
    fields: &Fields<'_>,
    problems: &mut Problems,
) -> BTreeSet<String> {
    let Some(listed) = fields.texts("components") else {
        return template.usual().map(str::to_owned).collect();
    };
    no_duplicates(&listed.value, "`components`", problems);
    let mut chosen = BTreeSet::new();
    for at in &listed.value {
        if known(template, at, problems) {
            chosen.insert(at.value.to_owned());
        }
    }
    if listed.value.is_empty() {
        problems
            .add(
                BAD_COMPONENT,
                &listed.span,
                "a stack runs at least one component",
            )
            .says("none")
            .advise(format!("{}, or remove the section", offered(template)));
    }
    chosen
}

fn known(template: &StackTemplate, at: &At<&str>, problems: &mut Problems) -> bool {
    if template.components.contains_key(at.value) {
        return true;
    }
    let names = template.components.keys().map(String::as_str);
    problems
        .add(
            BAD_COMPONENT,
            &at.span,
            format!(
                "the stack {} has no component {}",
                template.name,
                quote(at.value)
            ),
        )
        .says("unknown component")
        .advise(did_you_mean(at.value, names).unwrap_or_else(|| offered(template)));
    false
}

fn offered(template: &StackTemplate) -> String {
    let names: Vec<&str> = template.components.keys().map(String::as_str).collect();
    format!("it has {}", names.join(", "))
}

fn images(
    template: &StackTemplate,
    fields: &Fields<'_>,
    stack: &mut Stack,
    problems: &mut Problems,
) {
    for (key, image) in fields.entries("images") {
        if !known(template, &key, problems) {
            continue;
        }
        if !assets::is_pinned(image.value) {
            problems
                .add(
                    BAD_CONTAINER,
                    &image.span,
                    format!("{} does not name one fixed image", quote(image.value)),
                )
                .says("it may be another one tomorrow")
                .advise(
                    "give it a tag other than `latest`, or a digest: ghcr.io/acme/cognitive:1.4.2",
                );
        }
        stack
            .images
            .insert(key.value.to_owned(), image.value.to_owned());
    }
}

/// Where a component is asked for: in the list, or by the stack's name.
struct Place<'a> {
    span: std::ops::Range<usize>,
    /// The secrets that are there, even if nothing says well where they are read from.
    secrets: BTreeSet<&'a str>,
}

impl Place<'_> {
    fn licences(&self, chosen: &[(&String, &Component)], stack: &Stack, problems: &mut Problems) {
        if stack.accept_eula {
            return;
        }
        let licensed: Vec<(&str, &str)> = chosen
            .iter()
            .filter_map(|(name, one)| Some((name.as_str(), one.eula.as_deref()?)))
            .collect();
        let Some((first, _)) = licensed.first() else {
            return;
        };
        let names: Vec<&str> = licensed.iter().map(|(name, _)| *name).collect();
        let links: BTreeSet<&str> = licensed.iter().map(|(_, link)| *link).collect();
        let links: Vec<&str> = links.into_iter().collect();
        problems
            .add(
                LICENCE,
                &self.span,
                format!(
                    "{} may run only if you accept NVIDIA's licence",
                    names.join(", ")
                ),
            )
            .says(format!("has {first}"))
            .advise(format!(
                "read it ({}), then add accept_eula = true; or list `components` without it",
                links.join(" and ")
            ));
    }

    fn needed(&self, chosen: &[(&String, &Component)], problems: &mut Problems) {
        let needed: BTreeSet<&String> = chosen.iter().flat_map(|(_, one)| &one.secrets).collect();
        for secret in needed
            .into_iter()
            .filter(|name| !self.secrets.contains(name.as_str()))
        {
            let needing: Vec<&str> = chosen
                .iter()
                .filter(|(_, one)| one.secrets.contains(secret))
                .map(|(name, _)| name.as_str())
                .collect();
            let needs = if needing.len() == 1 { "needs" } else { "need" };
            let example = secret.to_ascii_lowercase().replace('_', "-");
            problems
                .add(
                    SECRET_NEEDED,
                    &self.span,
                    format!("{} {needs} the secret {secret}", needing.join(", ")),
                )
                .says("without it")
                .advise(format!(
                    "say where it is read from: secrets = {{ {secret} = \"ssm:/labs/{example}\" }}, or \"env:{secret}\", or \"file:PATH\""
                ));
        }
    }

    fn settings(&self, chosen: &[(&String, &Component)], stack: &Stack, problems: &mut Problems) {
        for (name, component) in chosen {
            if component.build.is_none() || stack.images.contains_key(*name) {
                continue;
            }
            let wanted = component.build_args.iter().chain(&component.needs_env);
            let missing: Vec<&str> = wanted
                .filter(|key| {
                    stack
                        .env
                        .get(*key)
                        .is_none_or(|value| value.trim().is_empty())
                })
                .map(String::as_str)
                .collect();
            if missing.is_empty() {
                continue;
            }
            problems
                .add(
                    SETTING_NEEDED,
                    &self.span,
                    format!("{name} is a program of yours, and nothing says which"),
                )
                .says(format!("{name} has no {}", missing.join(", ")))
                .advise(format!(
                    "give its image: images = {{ {name} = \"ghcr.io/acme/{name}:1.0\" }}; or let the host build it from a git repository: env = {{ {} }}",
                    missing
                        .iter()
                        .map(|key| format!("{key} = \"{}\"", example(key)))
                        .collect::<Vec<_>>()
                        .join(", ")
                ));
        }
    }
}

fn example(key: &str) -> &'static str {
    if key.ends_with("_LAUNCH") {
        "my_robot main.launch.py"
    } else {
        "https://github.com/acme/robot.git#v1.0"
    }
}
