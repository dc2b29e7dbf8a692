//! The instance types of a node.

use super::names::no_duplicates;
use crate::catalog::{self, TypeFacts};
use crate::model::{InstanceType, Region};
use crate::profile::codes::{
    BAD_TYPE, MISSING_KEY, MIXED_ARCHITECTURES, NOT_OFFERED, RETIRED_TYPE, UNKNOWN_TYPE,
};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::suggest::nearest;

/// A node's types with what is known about each.
pub(super) struct Types {
    pub(super) names: Vec<InstanceType>,
    pub(super) known: Vec<&'static TypeFacts>,
}

impl Types {
    /// The architecture, where any type is known.
    pub(super) fn architecture(&self) -> Option<&'static str> {
        self.known.first().map(|facts| facts.architecture.as_str())
    }

    /// Whether every type is known and has no GPU.
    pub(super) fn have_no_gpu(&self) -> bool {
        !self.names.is_empty()
            && self.known.len() == self.names.len()
            && self.known.iter().all(|facts| facts.gpu.is_none())
    }
}

pub(super) fn types(
    fields: &Fields<'_>,
    region: Option<&Region>,
    problems: &mut Problems,
) -> Option<Types> {
    let listed = fields.texts("types")?;
    no_duplicates(&listed.value, "`types`", problems);
    if listed.value.is_empty() {
        problems
            .add(
                MISSING_KEY,
                &listed.span,
                "`types` must list at least one instance type",
            )
            .says("empty")
            .advise("for example: types = [\"g5.2xlarge\", \"g6.2xlarge\"]");
    }
    let mut types = Types {
        names: Vec::new(),
        known: Vec::new(),
    };
    let mut first: Option<(&At<&str>, &'static TypeFacts)> = None;
    for at in &listed.value {
        let name = InstanceType::new(at.value);
        if let Some(facts) = one(at, &name, problems) {
            match first {
                None => first = Some((at, facts)),
                Some((other, other_facts)) if other_facts.architecture != facts.architecture => {
                    mixed(at, facts, other, other_facts, problems);
                }
                Some(_) => {}
            }
            types.known.push(facts);
        }
        types.names.push(name);
    }
    if let Some(region) = region {
        offered(&listed, &types, region, problems);
    }
    Some(types)
}

/// The facts about one type; what is wrong with it otherwise.
fn one(at: &At<&str>, name: &InstanceType, problems: &mut Problems) -> Option<&'static TypeFacts> {
    if let Some(facts) = catalog::instance_type(name) {
        return Some(facts);
    }
    if let Some(reason) = catalog::retired(name) {
        problems
            .add(
                RETIRED_TYPE,
                &at.span,
                format!("{} cannot be launched any more", quote(at.value)),
            )
            .says("retired by AWS")
            .advise(reason);
        return None;
    }
    let near = nearest(
        at.value,
        catalog::all_types().map(|facts| facts.name.as_str()),
    )
    .map(|near| format!("did you mean `{near}`?"));
    if is_well_formed(at.value) {
        problems
            .add(
                UNKNOWN_TYPE,
                &at.span,
                format!("{} is not in the catalogue", quote(at.value)),
            )
            .says("its price is not known")
            .advise(near.unwrap_or_else(|| {
                "AWS decides whether it exists when the plan is made".to_owned()
            }));
    } else {
        problems
            .add(
                BAD_TYPE,
                &at.span,
                format!("{} is not an instance type", quote(at.value)),
            )
            .says("not an instance type")
            .advise(near.unwrap_or_else(|| "a type is written like `g5.2xlarge`".to_owned()));
    }
    None
}

/// Whether a text is a family and a size as EC2 names them.
fn is_well_formed(text: &str) -> bool {
    let Some((family, size)) = text.split_once('.') else {
        return false;
    };
    let family_is = family.starts_with(|c: char| c.is_ascii_lowercase())
        && family.len() <= 20
        && family
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && family.bytes().any(|b| b.is_ascii_digit());
    let digits = |text: &str| text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    let size_is = matches!(
        size,
        "nano" | "micro" | "small" | "medium" | "large" | "metal"
    ) || size.strip_suffix("xlarge").is_some_and(digits)
        || size
            .strip_prefix("metal-")
            .and_then(|size| size.strip_suffix("xl"))
            .is_some_and(|size| !size.is_empty() && digits(size));
    family_is && size_is
}

fn mixed(
    at: &At<&str>,
    facts: &TypeFacts,
    other: &At<&str>,
    other_facts: &TypeFacts,
    problems: &mut Problems,
) {
    problems
        .add(
            MIXED_ARCHITECTURES,
            &at.span,
            format!(
                "{} and {} cannot run the same image",
                facts.name, other_facts.name
            ),
        )
        .says(facts.architecture.clone())
        .see(&other.span, other_facts.architecture.clone())
        .advise("make a node of its own for each architecture");
}

/// Warns where the region offered none of the types when the catalogue was made.
fn offered(listed: &At<Vec<At<&str>>>, types: &Types, region: &Region, problems: &mut Problems) {
    let all_known = !types.known.is_empty() && types.known.len() == types.names.len();
    let offered = |facts: &&TypeFacts| {
        catalog::zones(region, &facts.name).is_none_or(|zones| !zones.is_empty())
    };
    if all_known && !types.known.iter().any(offered) {
        let elsewhere: Vec<&str> = types
            .known
            .iter()
            .flat_map(|facts| facts.regions.keys())
            .map(Region::as_str)
            .take(3)
            .collect();
        problems
            .add(
                NOT_OFFERED,
                &listed.span,
                format!("{region} does not offer these types"),
            )
            .says(format!("not offered there on {}", catalog::PRICES_DATE))
            .advise(format!(
                "they are offered in {}, among others",
                elsewhere.join(", ")
            ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_type() {
        for good in [
            "g7.48xlarge",
            "m8g.metal-24xl",
            "u-6tb1.56xlarge",
            "c5.xlarge",
            "t4g.nano",
        ] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "g5",
            "g5.xlarg",
            "G5.xlarge",
            "g5.2Xlarge",
            "g5.",
            ".xlarge",
            "gpu.large",
            "g5.xlarge ",
            "g5 .large",
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
