//! `[access]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::address;
use super::names::{named, no_duplicates};
use crate::model::{NodeName, PortRange, Protocol};
use crate::profile::codes::{
    BAD_CIDR, BAD_KEY_FILE, BAD_PORT, DUPLICATE, MAYBE_PRIVATE_KEY, NO_SSH, UDP_TUNNEL,
};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::text;
use crate::profile::types::{AccessPort, Operator, Source};

const WORDS: [&str; 2] = ["tunnel", "operators"];
const SSH: PortRange = PortRange { from: 22, to: 22 };

pub(super) struct Access {
    pub(super) operators: Vec<Operator>,
    pub(super) keys: Vec<String>,
    pub(super) ports: BTreeMap<NodeName, AccessPort>,
}

pub(super) fn access(fields: Option<&Fields<'_>>, problems: &mut Problems) -> Access {
    let listed = fields.and_then(|fields| fields.texts("operators"));
    let operators = match &listed {
        None => vec![Operator::MyIp],
        Some(listed) => operators(listed, problems),
    };
    let keys = fields
        .map(|fields| keys(fields, problems))
        .unwrap_or_default();
    let ports = match fields.filter(|fields| fields.has("port")) {
        Some(fields) => ports(fields, problems),
        None => default_ports(),
    };
    Access {
        operators,
        keys,
        ports,
    }
}

/// Without a word about ports, the operators may log in.
fn default_ports() -> BTreeMap<NodeName, AccessPort> {
    let ssh = AccessPort {
        ports: SSH,
        protocol: Protocol::Tcp,
        from: Source::Operators,
    };
    NodeName::try_from("ssh")
        .into_iter()
        .map(|name| (name, ssh.clone()))
        .collect()
}

fn operators(listed: &At<Vec<At<&str>>>, problems: &mut Problems) -> Vec<Operator> {
    no_duplicates(&listed.value, "`operators`", problems);
    let mut operators = Vec::new();
    for at in &listed.value {
        if at.value == "my-ip" {
            operators.push(Operator::MyIp);
        } else if let Some(block) = address::block(at, problems) {
            address::warn_if_wide(block, at, "every port for operators is", problems);
            operators.push(Operator::Cidr(block));
        }
    }
    operators
}

fn keys(fields: &Fields<'_>, problems: &mut Problems) -> Vec<String> {
    let Some(listed) = fields.texts("keys") else {
        return Vec::new();
    };
    no_duplicates(&listed.value, "`keys`", problems);
    for at in &listed.value {
        key_file(at, problems);
    }
    listed.value.iter().map(|at| at.value.to_owned()).collect()
}

fn key_file(at: &At<&str>, problems: &mut Problems) {
    let path = at.value.trim();
    if path.starts_with("ssh-") || path.starts_with("ecdsa-") || path.starts_with("sk-") {
        problems
            .add(
                BAD_KEY_FILE,
                &at.span,
                "`keys` names files, not the keys themselves",
            )
            .says("this is a key")
            .advise("put the key into a file and write its path: keys = [\"colleague.pub\"]");
    } else if path.contains("PRIVATE KEY") {
        problems
            .add(
                BAD_KEY_FILE,
                &at.span,
                "a private key does not belong into a profile",
            )
            .says("a private key")
            .advise("write the path of its public key, and replace this key: it may have been seen")
            .conceal(&at.span);
    } else if path.is_empty() || path.chars().any(char::is_control) {
        problems
            .add(BAD_KEY_FILE, &at.span, "`keys` names files of public keys")
            .says("not a path")
            .advise("for example: keys = [\"~/.ssh/id_ed25519.pub\"]");
    } else if !std::path::Path::new(path)
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("pub"))
    {
        problems
            .add(
                MAYBE_PRIVATE_KEY,
                &at.span,
                format!("{} does not look like a public key", quote(path)),
            )
            .says("does not end in .pub")
            .advise(format!(
                "the public key is usually {}",
                quote(&format!("{path}.pub"))
            ));
    }
}

fn ports(fields: &Fields<'_>, problems: &mut Problems) -> BTreeMap<NodeName, AccessPort> {
    let mut ports = BTreeMap::new();
    let mut taken: BTreeMap<(Protocol, PortRange), (NodeName, Range<usize>)> = BTreeMap::new();
    let mut ssh_is_open = false;
    // What could not be read may have been the rule for SSH.
    let mut unread = false;
    for (name, at, inner) in named(fields, "port", problems) {
        let Some((port, span)) = port(&inner, &at, problems) else {
            unread = true;
            continue;
        };
        unread |= inner
            .text("from")
            .is_some_and(|from| !WORDS.contains(&from.value));
        let key = (port.protocol, port.ports);
        if let Some((other, first)) = taken.get(&key) {
            problems
                .add(
                    DUPLICATE,
                    &span,
                    format!("port {}/{} is open already", port.ports, port.protocol),
                )
                .says("again here")
                .see(first, format!("first as `{other}`"))
                .advise("give one of them all the sources");
        }
        taken.entry(key).or_insert((name.clone(), span));
        let has_22 =
            port.protocol == Protocol::Tcp && (port.ports.from..=port.ports.to).contains(&22);
        ssh_is_open |= has_22 && port.from != Source::Tunnel;
        ports.insert(name, port);
    }
    if !unread
        && !ssh_is_open
        && let Some((first, _)) = fields.named("port").first()
    {
        problems
            .add(
                NO_SSH,
                &first.span,
                "ports are listed, but none lets SSH in",
            )
            .says("the list begins here")
            .advise("add [access.port.ssh] with port = 22 and from = \"operators\"");
    }
    ports
}

fn port(
    fields: &Fields<'_>,
    name: &At<&str>,
    problems: &mut Problems,
) -> Option<(AccessPort, Range<usize>)> {
    let from = source(fields, name, problems);
    let protocol = match fields.text("protocol") {
        Some(at) if at.value == "udp" => Protocol::Udp,
        _ => Protocol::Tcp,
    };
    let span = fields.span_of("port")?;
    let ports = if let Some(at) = fields.text("port") {
        let ports = text::ports(at.value);
        if ports.is_none() {
            let message = format!("{} is not a port or a range of ports", quote(at.value));
            problems
                .add(BAD_PORT, &at.span, message)
                .says("not 1 to 65535")
                .advise("a range is written `\"7400-7500\"`");
        }
        ports?
    } else {
        let port = u16::try_from(number(fields)?).ok()?;
        PortRange {
            from: port,
            to: port,
        }
    };
    if from == Source::Tunnel && protocol == Protocol::Udp {
        problems
            .add(
                UDP_TUNNEL,
                &span,
                "a UDP port cannot be reached through a tunnel",
            )
            .says("SSH carries TCP only")
            .advise("add from = \"operators\", or leave the port out");
    }
    Some((
        AccessPort {
            ports,
            protocol,
            from,
        },
        span,
    ))
}

/// The port as a number in range.
fn number(fields: &Fields<'_>) -> Option<u32> {
    fields
        .whole("port")
        .map(|at| at.value)
        .filter(|port| (1..=65535).contains(port))
}

fn source(fields: &Fields<'_>, name: &At<&str>, problems: &mut Problems) -> Source {
    if let Some(listed) = fields.texts("from") {
        no_duplicates(&listed.value, "`from`", problems);
        if listed.value.is_empty() {
            problems
                .add(
                    BAD_CIDR,
                    &listed.span,
                    "`from` must list at least one address block",
                )
                .says("empty")
                .advise("from = \"tunnel\" keeps the port closed");
        }
        let mut blocks = Vec::new();
        for at in &listed.value {
            if let Some(block) = address::block(at, problems) {
                let what = format!("port {} is", quote(name.value));
                address::warn_if_wide(block, at, &what, problems);
                blocks.push(block);
            }
        }
        return Source::Cidrs(blocks);
    }
    match fields.text("from") {
        Some(at) if at.value == "operators" => Source::Operators,
        _ => Source::Tunnel,
    }
}
