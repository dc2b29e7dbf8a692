//! What to remember of something that was seen and not made: after a crash, after a loss of the lockfile. Pure.
//!
//! Does not own what it is to be: the digest is empty until somebody has compared it with the profile.

use crate::inventory::{Seen, Sighting};
use crate::model::{TAG_KEEP, Zone};
use crate::state::Recorded;

/// All that a sighting tells of what a lockfile holds.
pub(super) fn remembered(sighting: &Sighting) -> Recorded {
    let instance = sighting.instance();
    Recorded {
        kind: sighting.seen.kind(),
        id: sighting.id.clone(),
        digest: String::new(),
        created: sighting.created,
        zone: zone(&sighting.seen),
        instance_type: instance.map(|instance| instance.instance_type.clone()),
        market: instance.map(|instance| instance.market),
        keep: matches!(sighting.seen, Seen::Volume(_))
            && sighting.tags.get(TAG_KEEP).map(String::as_str) == Some("true"),
    }
}

fn zone(seen: &Seen) -> Option<Zone> {
    match seen {
        Seen::Instance(seen) => seen.zone.clone(),
        Seen::Volume(seen) => seen.zone.clone(),
        Seen::Subnet(seen) => seen.zone.clone(),
        Seen::Vpc(_)
        | Seen::InternetGateway(_)
        | Seen::RouteTable(_)
        | Seen::Route(_)
        | Seen::RouteTableAssociation(_)
        | Seen::SecurityGroup(_)
        | Seen::KeyPair(_)
        | Seen::Role(_)
        | Seen::InstanceProfile(_)
        | Seen::PlacementGroup(_)
        | Seen::ElasticIp(_)
        | Seen::Alarm(_)
        | Seen::Dashboard(_) => None,
    }
}
