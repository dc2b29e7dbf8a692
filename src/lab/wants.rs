//! What must be looked up before the lab can be built.

use std::collections::BTreeSet;

use crate::catalog;
use crate::model::{CloudId, ImageRef, InstanceType};
use crate::profile::{Operator, Profile, Source};

/// The look-ups that a profile calls for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wants {
    /// Whether some rule is for `my-ip`.
    pub my_ip: bool,
    /// Types whose zones matter.
    pub types: BTreeSet<InstanceType>,
    /// Images, with the architecture they are needed for.
    pub images: BTreeSet<(ImageRef, String)>,
    /// Existing subnets.
    pub subnets: BTreeSet<CloudId>,
}

/// Lists the look-ups that `profile` calls for.
pub fn wants(profile: &Profile) -> Wants {
    let opens_to_operators = profile
        .ports
        .values()
        .any(|port| port.from == Source::Operators);
    let nodes = || profile.nodes.values().filter(|node| node.count > 0);
    Wants {
        my_ip: opens_to_operators && profile.operators.contains(&Operator::MyIp),
        types: nodes()
            .flat_map(|node| node.types.iter().cloned())
            .collect(),
        images: nodes()
            .filter_map(|node| {
                let first = node.types.first()?;
                Some((node.image.clone(), architecture(first).to_owned()))
            })
            .collect(),
        subnets: profile
            .network
            .existing
            .iter()
            .flat_map(|network| network.subnets.iter().cloned())
            .collect(),
    }
}

/// The architecture of a type; unknown types are taken for x86.
pub(super) fn architecture(instance_type: &InstanceType) -> &'static str {
    catalog::instance_type(instance_type).map_or("x86_64", |facts| facts.architecture.as_str())
}

/// The name under which an image is pinned.
pub fn image_key(image: &ImageRef, architecture: &str) -> String {
    format!("{}/{architecture}", image.0)
}
