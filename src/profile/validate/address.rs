//! Address blocks.

use ipnet::{IpNet, Ipv4Net};

use crate::profile::codes::{BAD_CIDR, WIDE_OPEN};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::At;

/// A block of any family whose host bits are zero.
pub(super) fn block(at: &At<&str>, problems: &mut Problems) -> Option<IpNet> {
    let (message, help) = match at.value.parse::<IpNet>() {
        Ok(block) if block == block.trunc() => return Some(block),
        Ok(block) => (
            format!("{} has bits beyond its prefix", quote(at.value)),
            format!(
                "the block is `{}`; one address is `{}`",
                block.trunc(),
                one(block)
            ),
        ),
        Err(_) => (
            format!("{} is not an address block", quote(at.value)),
            hint(at.value),
        ),
    };
    problems
        .add(BAD_CIDR, &at.span, message)
        .says("not an address block")
        .advise(help);
    None
}

/// The same, IPv4 only.
pub(super) fn block_v4(at: &At<&str>, problems: &mut Problems) -> Option<Ipv4Net> {
    match block(at, problems)? {
        IpNet::V4(block) => Some(block),
        IpNet::V6(_) => {
            problems
                .add(BAD_CIDR, &at.span, "a VPC needs an IPv4 block")
                .says("an IPv6 block")
                .advise("for example: cidr = \"10.0.0.0/16\"");
            None
        }
    }
}

fn one(block: IpNet) -> IpNet {
    IpNet::from(block.addr())
}

fn hint(text: &str) -> String {
    if let Ok(address) = text.parse::<core::net::IpAddr>() {
        return format!("one address is written `{}`", IpNet::from(address));
    }
    "a block is written like `203.0.113.0/24`".to_owned()
}

/// Warns where the internet, or much of it, may come in.
pub(super) fn warn_if_wide(block: IpNet, at: &At<&str>, what: &str, problems: &mut Problems) {
    let (whole, wide) = match block {
        IpNet::V4(block) => (block.prefix_len() == 0, block.prefix_len() < 8),
        IpNet::V6(block) => (block.prefix_len() == 0, block.prefix_len() < 16),
    };
    if whole || wide {
        let who = if whole {
            "the whole internet"
        } else {
            "much of the internet"
        };
        problems
            .add(WIDE_OPEN, &at.span, format!("{what} open to {who}"))
            .says("everyone in here may connect")
            .advise("use `operators` or your own addresses, or reach the port through a tunnel");
    }
}
