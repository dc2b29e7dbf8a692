//! The machines with their data volumes and addresses.

use std::sync::Arc;

use super::access::{Access, existing_profile};
use super::collect::{Resources, add};
use super::network::{Networking, offering};
use super::types::{Facts, LabProblem};
use super::wants::{architecture, image_key};
use crate::model::{
    Address, ElasticIpSpec, InstanceSpec, LaunchSpec, NodeName, PlacementGroupSpec, Ref, Rung,
    Spec, SpotOptions, VolumeSpec,
};
use crate::profile::{Node, Profile};

pub(super) fn nodes(
    profile: &Profile,
    facts: &Facts,
    networking: &Networking,
    access: &Access,
    resources: &mut Resources,
) -> Result<(), LabProblem> {
    for (name, node) in profile.nodes.iter().filter(|(_, node)| node.count > 0) {
        let launch = Arc::new(launch(
            profile,
            facts,
            networking,
            access,
            (name, node),
            resources,
        )?);
        let routes = launch
            .ladder
            .iter()
            .filter_map(|rung| networking.routes.get(&rung.zone))
            .flatten();
        let routes: std::collections::BTreeSet<Address> = routes.cloned().collect();
        for index in 0..node.count {
            let address = Address::of(&["node", name.as_str()]).child(index);
            let spec = InstanceSpec {
                group: name.clone(),
                index,
                launch: Arc::clone(&launch),
                prevent_destroy: node.prevent_destroy,
            };
            let machine = add(resources, &address, Spec::Instance(spec));
            let resource = resources.get_mut(&address).expect("it was just added");
            resource.after.extend(routes.iter().cloned());
            belongings(resources, name, node, index, &machine);
        }
    }
    Ok(())
}

/// What stands beside one machine.
fn belongings(resources: &mut Resources, name: &NodeName, node: &Node, index: u32, machine: &Ref) {
    for (position, (volume_name, volume)) in node.volumes.iter().enumerate() {
        let address = Address::of(&["volume", name.as_str()])
            .child(index)
            .child(volume_name);
        let spec = VolumeSpec {
            node: machine.clone(),
            device: device(position),
            size_gib: volume.size_gib,
            iops: volume.iops,
            throughput_mib: volume.throughput_mib,
            keep: volume.keep,
        };
        add(resources, &address, Spec::Volume(spec));
    }
    if node.elastic_ip {
        let address = Address::of(&["elastic-ip", name.as_str()]).child(index);
        add(
            resources,
            &address,
            Spec::ElasticIp(ElasticIpSpec {
                node: machine.clone(),
            }),
        );
    }
}

/// EC2 recommends `/dev/sdf` to `/dev/sdp` for data volumes; validation allows no more than these eleven.
fn device(position: usize) -> String {
    let letter = (b'f'..=b'p').nth(position).unwrap_or(b'p');
    format!("/dev/sd{}", char::from(letter))
}

fn launch(
    profile: &Profile,
    facts: &Facts,
    networking: &Networking,
    access: &Access,
    (name, node): (&NodeName, &Node),
    resources: &mut Resources,
) -> Result<LaunchSpec, LabProblem> {
    let ladder = ladder(profile, facts, networking, name, node)?;
    let key = image_key(
        &node.image,
        node.types.first().map_or("x86_64", architecture),
    );
    let image = facts
        .images
        .get(&key)
        .cloned()
        .ok_or_else(|| LabProblem::Unknown(format!("image {}", node.image.0)))?;
    if node.root.size_gib < image.root_gib {
        return Err(LabProblem::RootTooSmall {
            node: name.clone(),
            size_gib: node.root.size_gib,
            needs_gib: image.root_gib,
            image: node.image.0.clone(),
        });
    }
    let placement_group = node.placement_group.then(|| {
        let spec = PlacementGroupSpec {
            name: format!("roboinfra-{}-{}-{name}", profile.name, facts.lab_id),
        };
        let address = Address::of(&["access", "placement-group", name.as_str()]);
        add(resources, &address, Spec::PlacementGroup(spec))
    });
    let own_profile = || access.profile.clone();
    Ok(LaunchSpec {
        ladder,
        image_ref: node.image.clone(),
        image,
        key: Some(access.key.clone()),
        security_groups: access.groups.get(name).cloned().into_iter().collect(),
        instance_profile: node
            .instance_profile
            .as_deref()
            .map(existing_profile)
            .or_else(own_profile),
        placement_group,
        root: node.root,
        user_data: user_data(&facts.public_keys),
        shutdown: node.shutdown,
        // Only a persistent request can be stopped and started; a machine that ends at shutdown needs none.
        spot: SpotOptions {
            max_price: node.max_price,
            persistent: node.shutdown == crate::model::Shutdown::Stop,
        },
    })
}

/// The choices in the order in which they are tried: zones within a type, types within a market, then markets.
fn ladder(
    profile: &Profile,
    facts: &Facts,
    networking: &Networking,
    name: &NodeName,
    node: &Node,
) -> Result<Vec<Rung>, LabProblem> {
    let mut rungs = Vec::new();
    for market in node.market.markets() {
        for instance_type in &node.types {
            for zone in offering(facts, instance_type)? {
                if let Some(subnet) = networking.subnets.get(zone) {
                    rungs.push(Rung {
                        market: *market,
                        instance_type: instance_type.clone(),
                        zone: zone.clone(),
                        subnet: subnet.clone(),
                    });
                }
            }
        }
    }
    if rungs.is_empty() {
        let (node, types, region) = (name.clone(), node.types.clone(), profile.region.clone());
        return Err(LabProblem::NotOffered {
            node,
            types,
            region,
        });
    }
    Ok(rungs)
}

/// Cloud-init that lets the keys besides the key pair's own log in. Public keys only: every process on the machine
/// can read its user data.
fn user_data(public_keys: &[String]) -> Option<String> {
    let others = public_keys.get(1..).filter(|keys| !keys.is_empty())?;
    let lines: String = others.iter().map(|key| format!("  - {key}\n")).collect();
    Some(format!("#cloud-config\nssh_authorized_keys:\n{lines}"))
}
