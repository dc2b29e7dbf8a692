//! A resource in a few words.

use crate::inventory::{Seen, Sighting};
use crate::model::Spec;

/// What a desired resource is.
pub(super) fn of_spec(spec: &Spec) -> String {
    match spec {
        Spec::Vpc(s) => s.cidr.to_string(),
        Spec::Subnet(s) => s.cidr.to_string(),
        Spec::InternetGateway(_) | Spec::RouteTable(_) | Spec::RouteTableAssociation(_) => {
            String::new()
        }
        Spec::Route(s) => format!("{} to the internet", s.destination),
        Spec::SecurityGroup(s) => match s.rules.len() {
            0 => "nothing open".to_owned(),
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        },
        Spec::KeyPair(s) if s.public_key.is_empty() => "ed25519, made at apply".to_owned(),
        Spec::KeyPair(s) => s
            .public_key
            .split(' ')
            .next()
            .unwrap_or_default()
            .trim_start_matches("ssh-")
            .to_owned(),
        Spec::Role(s) => {
            let names = s.policies.iter().filter_map(|arn| arn.rsplit('/').next());
            names.collect::<Vec<_>>().join(", ")
        }
        Spec::InstanceProfile(s) => s.name.clone(),
        Spec::PlacementGroup(_) => "cluster".to_owned(),
        Spec::Instance(s) => {
            let first = s.launch.ladder.first();
            let what = first
                .map(|rung| format!("{} {}", rung.instance_type, rung.market))
                .unwrap_or_default();
            format!(
                "{what}, {}, {} GiB",
                s.launch.image_ref.0, s.launch.root.size_gib
            )
        }
        Spec::Volume(s) => format!(
            "{} GiB gp3{}",
            s.size_gib,
            if s.keep { ", kept" } else { "" }
        ),
        Spec::ElasticIp(_) => String::new(),
        Spec::Alarm(s) => format!("{} {}", s.metric.name(), s.bound),
        Spec::Dashboard(s) => s.name.clone(),
    }
}

/// What a seen resource is.
pub(super) fn of_seen(sighting: &Sighting) -> String {
    match &sighting.seen {
        Seen::Vpc(s) => s.cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
        Seen::Subnet(s) => s.cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
        Seen::Route(s) => s.destination.to_string(),
        Seen::SecurityGroup(s) => s.name.clone(),
        Seen::Instance(s) => format!("{} {}, {}", s.instance_type, s.market, s.state),
        Seen::Volume(s) => s
            .size_gib
            .map(|size| format!("{size} GiB"))
            .unwrap_or_default(),
        Seen::ElasticIp(s) => s.public_ip.clone().unwrap_or_default(),
        Seen::Alarm(s) => s.settings.get("threshold").cloned().unwrap_or_default(),
        Seen::Dashboard(_) => sighting.id.to_string(),
        Seen::InternetGateway(_)
        | Seen::RouteTable(_)
        | Seen::RouteTableAssociation(_)
        | Seen::KeyPair(_)
        | Seen::Role(_)
        | Seen::InstanceProfile(_)
        | Seen::PlacementGroup(_) => String::new(),
    }
}
