//! Scenarios: read the same way twice, refused in words, and carried out without a fall.

use std::sync::Arc;

use roboinfra::sandbox::{Options, Sandbox, Scenario};

use super::requests::{ask, clock};
use super::watch::bounded;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match bounded(text.len(), || Scenario::parse(text)) {
        Ok(scenario) => {
            assert_eq!(Scenario::parse(text).ok().as_ref(), Some(&scenario));
            carry_out(scenario);
        }
        // Its words quote the file as it is; `ui` cleans what it shows.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn carry_out(scenario: Scenario) {
    let options = Options {
        clock: Arc::new(clock()),
        scenario,
        ..Options::default()
    };
    let sandbox = Sandbox::new(options);
    for request in [
        "Action=CreateVpc&CidrBlock=10.0.0.0/16",
        "Action=DescribeVpcs",
        "Action=RunInstances&ImageId=ami-0&InstanceType=g5.xlarge&MinCount=1&MaxCount=1",
        "Action=DescribeInstances",
    ] {
        ask(&sandbox, "ec2", None, request.as_bytes());
    }
}
