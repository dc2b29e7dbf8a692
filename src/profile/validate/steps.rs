//! `bootstrap`: the steps of a node or an edge host.

use super::names::no_duplicates;
use super::own_step::Steps;
use crate::assets::{self, in_order};
use crate::catalog;
use crate::model::{ImageRef, NodeName};
use crate::profile::codes::{BAD_STEP, STEP_MISFIT};
use crate::profile::keys::step_names;
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::Fields;
use crate::profile::suggest::did_you_mean;
use crate::profile::types::find_step;

/// The steps of a node or an edge host; `default` where it lists none.
pub(super) fn bootstrap(
    fields: &Fields<'_>,
    default: &[&str],
    own: &Steps,
    problems: &mut Problems,
) -> Vec<String> {
    let Some(listed) = fields.texts("bootstrap") else {
        return default.iter().map(|&step| step.to_owned()).collect();
    };
    no_duplicates(&listed.value, "`bootstrap`", problems);
    let mut names = step_names();
    names.extend(
        own.keys()
            .map(NodeName::as_str)
            .filter(|name| !names.contains(name))
            .collect::<Vec<_>>(),
    );
    for at in listed.value.iter().filter(|at| !names.contains(&at.value)) {
        let help = did_you_mean(at.value, names.iter().copied())
            .unwrap_or_else(|| format!("the steps are {}", names.join(", ")));
        problems
            .add(
                BAD_STEP,
                &at.span,
                format!("there is no bootstrap step {}", quote(at.value)),
            )
            .says("unknown step")
            .advise(help);
    }
    let names = listed.value.iter().map(|at| at.value.to_owned()).collect();
    with_needs(names, own)
}

/// What a step of the user's own needs is as good as listed: whoever asks what a host has finds it.
fn with_needs(names: Vec<String>, own: &Steps) -> Vec<String> {
    let is_own = |name: &String| assets::step(name).is_none();
    if !names.iter().any(is_own) {
        return names;
    }
    match in_order(&names, &|name| find_step(own, name)) {
        Ok(steps) => steps.iter().map(|step| step.header.name.clone()).collect(),
        Err(_) => names,
    }
}

/// Reports steps that do not run on the system of the image, where that is known.
pub(super) fn steps_fit_image(
    fields: &Fields<'_>,
    image: &ImageRef,
    own: &Steps,
    problems: &mut Problems,
) {
    let (Some(image), Some(listed)) = (catalog::image(&image.0), fields.texts("bootstrap")) else {
        return;
    };
    let (id, version) = image.system;
    let is_listed = |name: &str| listed.value.iter().any(|at| at.value == name);
    for at in &listed.value {
        let steps = in_order(&[at.value], &|name| find_step(own, name)).unwrap_or_default();
        let misfit = steps.iter().find(|step| {
            let name = step.header.name.as_str();
            !step.header.supports(id, version) && (name == at.value || !is_listed(name))
        });
        let Some(step) = misfit else {
            continue;
        };
        let who = if step.header.name == at.value {
            at.value.to_owned()
        } else {
            format!("{}, which {} needs,", step.header.name, at.value)
        };
        let problem = problems
            .add(
                STEP_MISFIT,
                &at.span,
                format!("the step {who} does not run on {id} {version}"),
            )
            .says(format!("runs on {}", step.header.systems.join(", ")));
        if let Some(span) = fields.span_of("image") {
            problem.see(&span, format!("this image is {id} {version}"));
        }
        problem.advise("take another image, or leave the step out");
    }
}
