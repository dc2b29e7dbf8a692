//! What the hosts of a lab should have: the steps of each with their inputs, and what each must measure up to.

use std::collections::BTreeMap;

use crate::assets::{OrderError, in_order, script, step};
use crate::catalog;
use crate::host::{Expected, Wanted, WantedStep};
use crate::model::{Address, InstanceType};
use crate::profile::{EdgeHost, Node, Platform, Profile};

/// Below this a host is full: images and logs need room to move.
const LEAST_DISK_MIB: u64 = 5 * 1024;

/// The driver branch of a node that names none.
const DRIVER: &str = "580-server";

/// What a node should have. `instance_type` is the type that it really is: a launch may have fallen back.
pub fn wanted_node(
    profile: &Profile,
    address: &Address,
    node: &Node,
    instance_type: &InstanceType,
) -> Result<Wanted, OrderError> {
    let gpu = catalog::instance_type(instance_type).and_then(|facts| facts.gpu.as_ref());
    let mut inputs = shared_inputs(profile);
    inputs.insert("PLATFORM".to_owned(), "ec2".to_owned());
    let driver = node.driver.as_deref().unwrap_or(DRIVER);
    inputs.insert("DRIVER_BRANCH".to_owned(), driver.to_owned());
    if let Some(gpu) = gpu {
        inputs.insert("GPU_COUNT".to_owned(), gpu.count.to_string());
        inputs.insert("GPU_MODEL".to_owned(), gpu.model.clone());
    }
    let has = |name: &str| node.bootstrap.iter().any(|step| step == name);
    let expected = Expected {
        gpus: gpu
            .filter(|gpu| gpu.count > 0 && has("nvidia-driver"))
            .map(|gpu| (gpu.count, gpu.model.clone())),
        driver: has("nvidia-driver"),
        docker: has("docker"),
        containers_see_gpu: has("nvidia-container-toolkit"),
        disk_free_mib: LEAST_DISK_MIB,
    };
    wanted(address, &node.bootstrap, &inputs, expected)
}

/// What an edge host should have.
pub fn wanted_edge(
    profile: &Profile,
    address: &Address,
    host: &EdgeHost,
) -> Result<Wanted, OrderError> {
    let mut inputs = shared_inputs(profile);
    let platform = match host.platform {
        Platform::Jetson => "jetson",
        Platform::Nuc => "nuc",
        Platform::RaspberryPi => "raspberry-pi",
        Platform::Linux => "linux",
    };
    inputs.insert("PLATFORM".to_owned(), platform.to_owned());
    let has = |name: &str| host.bootstrap.iter().any(|step| step == name);
    let expected = Expected {
        docker: has("docker"),
        disk_free_mib: LEAST_DISK_MIB / 2,
        ..Expected::default()
    };
    wanted(address, &host.bootstrap, &inputs, expected)
}

fn shared_inputs(profile: &Profile) -> BTreeMap<String, String> {
    BTreeMap::from([("LAB".to_owned(), profile.name.to_string())])
}

fn wanted(
    address: &Address,
    steps: &[String],
    inputs: &BTreeMap<String, String>,
    expected: Expected,
) -> Result<Wanted, OrderError> {
    // A profile may name steps that do nothing yet; `plan` says so.
    let built: Vec<&String> = steps.iter().filter(|name| step(name).is_some()).collect();
    let steps = in_order(&built)?
        .iter()
        .filter_map(|name| step(name))
        .map(|step| WantedStep {
            script: script(step, inputs),
            secrets: Vec::new(),
        })
        .collect();
    Ok(Wanted {
        address: address.clone(),
        steps,
        expected,
    })
}
