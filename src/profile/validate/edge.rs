//! `[edge.*]`.

use std::collections::BTreeMap;

use super::names::named;
use super::node;
use super::own_step::Steps;
use super::steps::bootstrap;
use crate::model::NodeName;
use crate::profile::codes::BAD_HOST;
use crate::profile::keys::EDGE_STEPS;
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::types::{EdgeHost, Platform};

pub(super) fn edge(
    root: &Fields<'_>,
    steps: &Steps,
    problems: &mut Problems,
) -> BTreeMap<NodeName, EdgeHost> {
    let mut hosts = BTreeMap::new();
    for (name, _, fields) in named(root, "edge", problems) {
        if let Some(host) = host(&fields, steps, problems) {
            hosts.insert(name, host);
        }
    }
    hosts
}

fn host(fields: &Fields<'_>, steps: &Steps, problems: &mut Problems) -> Option<EdgeHost> {
    let bootstrap = bootstrap(fields, EDGE_STEPS, steps, problems);
    let host = fields.text("host");
    let user = fields.text("user");
    if let Some(at) = host.as_ref().filter(|at| !is_host(at.value)) {
        bad(
            at,
            "a host name or address",
            "for example: host = \"192.0.2.10\"",
            problems,
        );
    }
    if let Some(at) = user.as_ref().filter(|at| !is_user(at.value)) {
        bad(
            at,
            "a user name",
            "small letters, digits, _ and -, at most 32",
            problems,
        );
    }
    let platform = match fields.text("platform")?.value {
        "jetson" => Platform::Jetson,
        "nuc" => Platform::Nuc,
        "raspberry-pi" => Platform::RaspberryPi,
        _ => Platform::Linux,
    };
    Some(EdgeHost {
        host: host?.value.to_owned(),
        port: fields
            .whole("port")
            .and_then(|at| u16::try_from(at.value).ok())
            .unwrap_or(22),
        user: user?.value.to_owned(),
        platform,
        bootstrap,
        stack: node::stack(fields),
        power_off: fields.flag("power_off"),
    })
}

fn bad(at: &At<&str>, what: &str, help: &str, problems: &mut Problems) {
    problems
        .add(
            BAD_HOST,
            &at.span,
            format!("{} is not {what}", quote(at.value)),
        )
        .says(format!("not {what}"))
        .advise(help);
}

/// Whether a text is a host name or an address. It reaches the SSH client: it never begins with a hyphen.
fn is_host(text: &str) -> bool {
    if text.parse::<core::net::IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_user(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_users_that_ssh_takes_as_such() {
        for good in [
            "192.0.2.10",
            "2001:db8::1",
            "robot",
            "arm-1.lab.example.org",
        ] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a..b",
            "a_b",
            "robot@host",
            "host:22",
            "-",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
        assert!(
            is_user("robot")
                && is_user("_apt")
                && !is_user("-l")
                && !is_user("Robot")
                && !is_user("")
        );
    }
}
