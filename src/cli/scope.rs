//! What one reading of the cloud must cover.

use std::collections::BTreeSet;

use super::session::Session;
use crate::lab;
use crate::model::{CloudId, Kind, LabId};
use crate::port::Scope;
use crate::state::Lockfile;

/// What one reading must cover: the lab's tags, and by name what has no filter by tag.
pub(super) fn scope(session: &Session, recorded: Option<&Lockfile>, lab_id: &LabId) -> Scope {
    let profile = &session.profile;
    let remembered = |kind| {
        let of_kind = recorded
            .into_iter()
            .flat_map(|lock| lock.resources.values());
        of_kind
            .filter(move |recorded| recorded.kind == kind)
            .map(|recorded| recorded.id.to_string())
    };
    let mut roles = BTreeSet::from([lab::role_name(&profile.name, lab_id)]);
    roles.extend(remembered(Kind::Role));
    let mut instance_profiles = BTreeSet::from([lab::instance_profile_name(&profile.name, lab_id)]);
    instance_profiles.extend(remembered(Kind::InstanceProfile));
    let existing = profile.network.existing.as_ref();
    Scope {
        lab: Some(profile.name.clone()),
        roles,
        instance_profiles,
        placement_groups: profile.nodes.values().any(|node| node.placement_group)
            || remembered(Kind::PlacementGroup).next().is_some(),
        watch: [Kind::Alarm, Kind::Dashboard]
            .into_iter()
            .any(|kind| remembered(kind).next().is_some())
            .then(|| lab::watch_names(profile, lab_id))
            .or_else(|| lab::asked_watch(profile, lab_id)),
        vpc: existing.map(|network| network.vpc.clone()),
        own_vpc: remembered(Kind::Vpc).next().map(CloudId::new),
        subnets: existing
            .map(|network| network.subnets.iter().cloned().collect())
            .unwrap_or_default(),
    }
}
