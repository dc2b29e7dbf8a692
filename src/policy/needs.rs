//! What a profile needs.

use std::collections::BTreeSet;

use super::types::Need;
use crate::catalog;
use crate::lab::{is_watched, secret_sources, wants};
use crate::model::SecretSource;
use crate::profile::{MarketChoice, Node, Profile};

/// Every need that a profile has.
pub(super) fn needs(profile: &Profile) -> BTreeSet<Need> {
    let any = |test: fn(&Node) -> bool| nodes(profile).any(test);
    [
        (Need::Always, true),
        (Need::OwnNetwork, profile.network.existing.is_none()),
        (Need::ExistingNetwork, profile.network.existing.is_some()),
        (Need::OwnRole, any(|node| node.instance_profile.is_none())),
        (
            Need::ExistingProfile,
            any(|node| node.instance_profile.is_some()),
        ),
        (Need::ImageParameter, !parameters(profile).is_empty()),
        (Need::StackSecret, !secrets(profile).is_empty()),
        (Need::DataVolume, any(|node| !node.volumes.is_empty())),
        (
            Need::DataVolumeThatGoes,
            any(|node| node.volumes.values().any(|volume| !volume.keep)),
        ),
        (Need::ElasticIp, any(|node| node.elastic_ip)),
        (Need::PlacementGroup, any(|node| node.placement_group)),
        (Need::Metrics, profile.metrics.is_some()),
        (Need::Watch, is_watched(profile)),
        (Need::SharedState, profile.state.is_some()),
        (
            Need::Spot,
            any(|node| node.market != MarketChoice::OnDemand),
        ),
    ]
    .into_iter()
    .filter_map(|(need, has)| has.then_some(need))
    .collect()
}

/// The groups that have a machine.
pub(super) fn nodes(profile: &Profile) -> impl Iterator<Item = &Node> {
    profile.nodes.values().filter(|node| node.count > 0)
}

/// The SSM parameters with secrets of stacks.
pub(super) fn secrets(profile: &Profile) -> BTreeSet<String> {
    secret_sources(profile)
        .into_keys()
        .filter_map(|source| match source {
            SecretSource::Ssm(path) => Some(path),
            SecretSource::Env(_) | SecretSource::File(_) => None,
        })
        .collect()
}

/// The SSM parameters behind the images.
pub(super) fn parameters(profile: &Profile) -> BTreeSet<String> {
    wants(profile)
        .images
        .iter()
        .filter_map(|(image, architecture)| match image.0.strip_prefix("ssm:") {
            Some(path) => Some(path.to_owned()),
            None => catalog::image(&image.0)?
                .parameter(architecture)
                .map(str::to_owned),
        })
        .collect()
}
