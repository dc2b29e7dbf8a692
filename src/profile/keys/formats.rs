//! What the texts of a profile stand for.

use crate::assets;
use crate::catalog;
use crate::profile::shape::Format;

const fn format(what: &'static str, pattern: &'static str) -> Format {
    Format {
        what,
        pattern: Some(pattern),
        words: None,
    }
}

impl Format {
    const fn with(self, words: fn() -> Vec<&'static str>) -> Self {
        Self {
            words: Some(words),
            ..self
        }
    }
}

fn regions() -> Vec<&'static str> {
    catalog::regions().to_vec()
}

fn types() -> Vec<&'static str> {
    catalog::all_types()
        .map(|facts| facts.name.as_str())
        .collect()
}

fn images() -> Vec<&'static str> {
    catalog::images().iter().map(|image| image.name).collect()
}

fn drivers() -> Vec<&'static str> {
    catalog::drivers()
        .iter()
        .map(|driver| driver.name)
        .collect()
}

fn steps() -> Vec<&'static str> {
    super::steps::step_names()
}

fn stacks() -> Vec<&'static str> {
    assets::stack_templates()
        .iter()
        .map(|stack| stack.name.as_str())
        .collect()
}

const fn free(what: &'static str) -> Format {
    Format {
        what,
        pattern: None,
        words: None,
    }
}

pub(super) const LAB_NAME: Format = format("a name", "^[a-z][a-z0-9-]{1,30}$");
pub(in crate::profile) const NAME: Format = format("a name", "^[a-z][a-z0-9-]{0,30}$");
pub(super) const REGION: Format = free("a region").with(regions);
pub(super) const ZONE: Format = format("a zone", "^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$");
pub(super) const CIDR4: Format = format("an IPv4 block", "^[0-9.]+/[0-9]+$");
pub(super) const CIDR: Format = format("an address block", "^[0-9a-fA-F.:]+/[0-9]+$");
pub(super) const OPERATOR: Format = format(
    "`my-ip` or an address block",
    "^(my-ip|[0-9a-fA-F.:]+/[0-9]+)$",
);
pub(super) const PORTS: Format = format("a port or a range of ports", "^[0-9]+(-[0-9]+)?$");
pub(super) const VPC: Format = format("the id of a VPC", "^vpc-[0-9a-f]{8,17}$");
pub(super) const SUBNET: Format = format("the id of a subnet", "^subnet-[0-9a-f]{8,17}$");
pub(super) const KEY_FILE: Format = free("the path of a public key");
pub(super) const TYPE: Format =
    format("an instance type", "^[a-z][a-z0-9-]*\\.[a-z0-9-]+$").with(types);
pub(super) const IMAGE: Format =
    format("the name of an image", "^(ami-[0-9a-f]{8,17}|ssm:/.+)$").with(images);
pub(super) const MOUNT: Format = format("an absolute path", "^/[A-Za-z0-9._/-]+$");
pub(super) const STEP: Format = format("a bootstrap step", "^[a-z][a-z0-9-]{0,30}$").with(steps);
pub(super) const STEP_FILE: Format = free("the path of a step");
pub(super) const DRIVER: Format =
    format("a driver branch", "^[0-9]{3}(-server)?(-open)?$").with(drivers);
pub(super) const PROFILE_NAME: Format = format(
    "the name of an instance profile",
    "^[A-Za-z0-9+=,.@_-]{1,128}$",
);
pub(super) const TAG: Format = free("a text");
pub(super) const SCRIPT: Format = free("a shell script");
pub(super) const VARIABLE: Format = free("a text");
pub(super) const STACK_NAME: Format = format("a shipped stack or a folder", "/").with(stacks);
pub(super) const COMPONENT: Format = free("a component of the stack");
pub(super) const CONTAINER: Format = free("a text");
pub(super) const SECRET: Format = format(
    "where the secret is read from",
    "^(ssm:.+|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
);
pub(super) const NAMESPACE: Format = format("a CloudWatch namespace", "^[A-Za-z0-9._/#:-]{1,255}$");
pub(super) const DURATION: Format = format("a duration", "^([0-9]+[smhd])+$");
pub(super) const TIMEZONE: Format =
    format("an IANA time zone", "^(UTC|[A-Za-z]+(/[A-Za-z0-9_+-]+)+)$");
pub(super) const TIME: Format = format("a time of the week", "^[A-Za-z,-]+ [0-9]{2}:[0-9]{2}$");
pub(super) const PREFIX: Format = format("the start of a key", "^[A-Za-z0-9!_.*'()/-]{1,200}$");
pub(super) const BUCKET: Format = format(
    "the name of an S3 bucket",
    "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
);
pub(super) const ADDRESS: Format = format(
    "the address of a node",
    "^node\\.[a-z][a-z0-9-]{0,30}(\\.[0-9]+)?$",
);
pub(super) const HOST: Format = format("a host name or address", "^[A-Za-z0-9.:-]+$");
pub(super) const USER: Format = format("a user name", "^[a-z_][a-z0-9_-]{0,31}$");
