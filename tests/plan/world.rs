//! Labs from profile texts, and worlds in which a lab has been applied.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use roboinfra::inventory::{
    Inventory, Owner, Seen, SeenAddress, SeenAlarm, SeenAssociation, SeenDashboard, SeenGateway,
    SeenGroup, SeenInstance, SeenKeyPair, SeenPlacementGroup, SeenProfile, SeenRole, SeenRoute,
    SeenRouteTable, SeenSubnet, SeenVolume, SeenVpc, Sighting,
};
use roboinfra::lab::{self, Facts, Lab, image_key, wants};
use roboinfra::model::{
    AccountId, Address, AlarmActions, CloudId, ImageId, InstanceState, LabId, PinnedImage, Ref,
    Region, Spec, TAG_KEEP, Tags, Zone,
};
use roboinfra::plan::{self, Input, Mode, Plan, spec_digest};
use roboinfra::profile;
use roboinfra::state::{LabEntry, Lockfile, Recorded};

/// A lab with one node, an Elastic IP and a kept data volume, in one zone.
pub(crate) const TWIN: &str = r#"
version = 1
[lab]
name = "twin"
region = "us-east-1"
[network]
zones = ["us-east-1a"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
types = ["g5.2xlarge", "g6.2xlarge"]
elastic_ip = true
volume.data = { size_gib = 500, mount = "/data", keep = true }
"#;

/// The moment at which everything in these tests was seen.
pub(crate) fn moment() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().expect("a timestamp")
}

/// The lab that a profile asks for, with every look-up answered.
pub(crate) fn lab_of(text: &str) -> Lab {
    let parsed = profile::parse(text);
    let profile = parsed
        .profile
        .unwrap_or_else(|| unreachable!("a valid profile: {:?}", parsed.problems));
    let wants = wants(&profile);
    let zones: Vec<Zone> = ["a", "b", "c"]
        .iter()
        .map(|z| Zone::new(format!("{}{z}", profile.region)))
        .collect();
    let image = |name: &str, architecture: &str| PinnedImage {
        id: ImageId::new(format!("ami-{name}")),
        root_device: "/dev/sda1".to_owned(),
        architecture: architecture.to_owned(),
        root_gib: 8,
        name: name.to_owned(),
    };
    let facts = Facts {
        lab_id: LabId::new("lab1"),
        my_ip: Some("198.51.100.9/32".parse().expect("a block")),
        zones: wants
            .types
            .iter()
            .map(|t| (t.clone(), zones.clone()))
            .collect(),
        images: wants
            .images
            .iter()
            .map(|(i, a)| (image_key(i, a), image(&i.0, a)))
            .collect(),
        subnets: wants
            .subnets
            .iter()
            .map(|s| (s.clone(), zones[0].clone()))
            .collect(),
        public_keys: vec!["ssh-ed25519 AAAAC3Nza".to_owned()],
    };
    lab::build(&profile, &facts).expect("the lab can be built")
}

/// The id under which these tests know what stands at an address.
pub(crate) fn id_of(address: &str) -> CloudId {
    CloudId::new(format!("id-{address}"))
}

fn id(reference: &Ref) -> CloudId {
    match reference {
        Ref::Managed(address) => id_of(address.as_str()),
        Ref::Existing(id) => id.clone(),
    }
}

/// The world in which `lab` has just been applied.
pub(crate) fn applied(lab: &Lab) -> Inventory {
    let mut world = Inventory::empty(moment());
    for (address, resource) in &lab.resources {
        world.sightings.push(sighting(lab, address, &resource.spec));
    }
    world
}

/// One resource as it looks right after it was made.
pub(crate) fn sighting(lab: &Lab, address: &Address, spec: &Spec) -> Sighting {
    let mut tags: Tags = lab.tags_for(address, "run1");
    let mut id_here = id_of(address.as_str());
    let seen = seen(spec, &mut id_here, &mut tags);
    let owner = Owner::Lab {
        name: lab.name.to_string(),
        id: lab.id.clone(),
        address: Some(address.clone()),
        run: Some("run1".to_owned()),
    };
    Sighting {
        id: id_here,
        owner,
        tags,
        created: Some(moment()),
        seen,
    }
}

fn seen(spec: &Spec, own: &mut CloudId, tags: &mut Tags) -> Seen {
    match spec {
        Spec::Vpc(s) => Seen::Vpc(SeenVpc {
            cidr: Some(s.cidr),
            dns_hostnames: Some(true),
        }),
        Spec::Subnet(s) => Seen::Subnet(SeenSubnet {
            vpc: Some(id(&s.vpc)),
            zone: Some(s.zone.clone()),
            cidr: Some(s.cidr),
        }),
        Spec::InternetGateway(s) => Seen::InternetGateway(SeenGateway {
            vpc: Some(id(&s.vpc)),
        }),
        Spec::RouteTable(s) => Seen::RouteTable(SeenRouteTable {
            vpc: Some(id(&s.vpc)),
        }),
        Spec::Route(s) => Seen::Route(SeenRoute {
            table: id(&s.table),
            destination: s.destination,
            gateway: Some(id(&s.gateway)),
            blackhole: false,
        }),
        Spec::RouteTableAssociation(s) => Seen::RouteTableAssociation(SeenAssociation {
            table: id(&s.table),
            subnet: id(&s.subnet),
        }),
        Spec::SecurityGroup(s) => Seen::SecurityGroup(SeenGroup {
            vpc: Some(id(&s.vpc)),
            name: s.name.clone(),
            description: Some(s.description.clone()),
            rules: s.rules.clone(),
            tagged_rules: s.rules.clone(),
            other_rules: BTreeSet::new(),
        }),
        Spec::KeyPair(s) => Seen::KeyPair(SeenKeyPair {
            name: s.name.clone(),
            public_key: Some(s.public_key.clone()),
        }),
        Spec::Role(s) => Seen::Role(SeenRole {
            policies: Some(s.policies.clone()),
        }),
        Spec::InstanceProfile(s) => Seen::InstanceProfile(SeenProfile {
            role: Some(Some(id(&s.role).to_string())),
        }),
        Spec::PlacementGroup(_) => Seen::PlacementGroup(SeenPlacementGroup {
            strategy: Some("cluster".to_owned()),
        }),
        Spec::Instance(s) => Seen::Instance(machine(s)),
        Spec::Volume(s) => {
            if s.keep {
                tags.insert(TAG_KEEP.to_owned(), "true".to_owned());
            }
            let node = id(&s.node);
            Seen::Volume(SeenVolume {
                zone: Some(Zone::new("us-east-1a")),
                size_gib: Some(s.size_gib),
                iops: Some(s.iops),
                throughput_mib: Some(s.throughput_mib),
                encrypted: Some(true),
                attached: Some((node, s.device.clone())),
                dies_with_instance: false,
            })
        }
        Spec::Alarm(s) => Seen::Alarm(SeenAlarm {
            arn: format!("arn:aws:cloudwatch:us-east-1:123456789012:alarm:{}", s.name),
            instance: Some(id(&s.node)),
            settings: s.settings(),
            actions: AlarmActions::default(),
        }),
        Spec::Dashboard(s) => Seen::Dashboard(SeenDashboard {
            body: Some(s.body.clone()),
        }),
        Spec::ElasticIp(s) => {
            *own = CloudId::new(format!("{own}"));
            Seen::ElasticIp(SeenAddress {
                public_ip: Some("192.0.2.5".to_owned()),
                instance: Some(id(&s.node)),
                association: Some(CloudId::new("eipassoc-1")),
            })
        }
    }
}

fn machine(spec: &roboinfra::model::InstanceSpec) -> SeenInstance {
    let rung = &spec.launch.ladder[0];
    SeenInstance {
        state: InstanceState::Running,
        state_reason: None,
        instance_type: rung.instance_type.clone(),
        zone: Some(rung.zone.clone()),
        image: Some(spec.launch.image.id.clone()),
        subnet: Some(id(&rung.subnet)),
        key: spec.launch.key.as_ref().map(|key| id(key).to_string()),
        security_groups: Some(spec.launch.security_groups.iter().map(id).collect()),
        instance_profile: spec
            .launch
            .instance_profile
            .as_ref()
            .map(|profile| id(profile).to_string()),
        market: rung.market,
        spot_request: None,
        launched: Some(moment()),
        public_ip: Some("192.0.2.5".to_owned()),
        private_ip: Some("10.0.0.10".to_owned()),
        launch_index: spec.index,
        imds_v2_required: Some(true),
        imds_hop_limit: Some(2),
        root_volume: None,
        volumes: BTreeSet::new(),
        placement_group: None,
        vcpus: Some(8),
    }
}

/// The lockfile in which `lab` has just been applied.
pub(crate) fn recorded(lab: &Lab) -> Lockfile {
    let mut lock = Lockfile::new(LabEntry {
        name: lab.name.clone(),
        id: lab.id.clone(),
        account: AccountId::new("123456789012"),
        region: Region::new("us-east-1"),
        endpoint: "sandbox".to_owned(),
    });
    for (address, resource) in &lab.resources {
        let record = Recorded {
            kind: resource.spec.kind(),
            id: id_of(address.as_str()),
            digest: spec_digest(&resource.spec),
            created: Some(moment()),
            zone: None,
            instance_type: None,
            market: None,
            keep: false,
        };
        lock.resources.insert(address.clone(), record);
    }
    lock
}

/// Plans, and has the plan checked by the code that did not build it.
pub(crate) fn planned(mode: Mode, lab: &Lab, lock: Option<&Lockfile>, world: &Inventory) -> Plan {
    planned_for(mode, lab, lock, world, &[])
}

/// The same for some targets.
pub(crate) fn planned_for(
    mode: Mode,
    lab: &Lab,
    lock: Option<&Lockfile>,
    world: &Inventory,
    targets: &[&str],
) -> Plan {
    let targets: BTreeSet<Address> = targets.iter().map(|target| Address::new(*target)).collect();
    let plan = plan::build(&Input {
        mode,
        lab,
        recorded: lock,
        observed: world,
        targets: &targets,
    });
    assert_eq!(plan::check(&plan), [], "the plan is sound");
    plan
}

/// Each change as `address: action reason`, no-ops left out.
pub(crate) fn told(plan: &Plan) -> Vec<String> {
    let changes = plan
        .changes
        .iter()
        .filter(|change| change.action != roboinfra::model::Action::NoOp);
    changes
        .map(|change| format!("{} {} {:?}", change.action, change.address, change.reason))
        .collect()
}

/// The operations of a plan by the address they are for.
pub(crate) fn ops(plan: &Plan) -> BTreeMap<String, Vec<&'static str>> {
    let mut ops: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for step in &plan.steps {
        ops.entry(step.address.to_string())
            .or_default()
            .push(step.op.name());
    }
    ops
}
