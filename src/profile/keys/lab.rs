//! `[lab]`, `[network]` and `[access]`.

use super::formats::{
    CIDR, CIDR4, KEY_FILE, LAB_NAME, OPERATOR, PORTS, REGION, SUBNET, TAG, VPC, ZONE,
};
use crate::profile::shape::{Section, Shape, key};

pub(super) static LAB: Section = Section {
    path: "lab",
    doc: "What the lab is called and where it runs.",
    keys: &[
        key(
            "name",
            Shape::Text(LAB_NAME),
            "\"digital-twin\"",
            "The lab's name: a small letter, then small letters, digits and hyphens, 2 to 31 in all. \
             It is in the tags and names of everything the lab is made of; a renamed lab is another lab.",
        )
        .required(),
        key("region", Shape::Text(REGION), "\"us-east-1\"", "The AWS region.").required(),
        key(
            "tags",
            Shape::Map(TAG),
            "{ project = \"warehouse\" }",
            "Tags to put on everything that can carry tags; at most 45. Keys that begin with `aws:` or \
             `roboinfra:` are taken.",
        )
        .default("{}"),
    ],
};

pub(super) static NETWORK: Section = Section {
    path: "network",
    doc: "The network: a new one, or one that exists and is never changed or deleted.",
    keys: &[
        key(
            "cidr",
            Shape::Text(CIDR4),
            "\"10.0.0.0/16\"",
            "The address block of the new VPC: private, /16 to /24.",
        )
        .default("\"10.0.0.0/16\""),
        key(
            "zones",
            Shape::Either(&[Shape::Words(&["auto"]), Shape::List(&Shape::Text(ZONE))]),
            "[\"us-east-1a\", \"us-east-1b\"]",
            "The zones that get a subnet. `auto` is every zone that offers one of the node types.",
        )
        .default("\"auto\"")
        .aka(&["availability_zones", "azs"]),
        key(
            "vpc",
            Shape::Text(VPC),
            "\"vpc-0123456789abcdef0\"",
            "An existing VPC to use instead of a new one; with `subnets`.",
        )
        .aka(&["vpc_id"]),
        key(
            "subnets",
            Shape::List(&Shape::Text(SUBNET)),
            "[\"subnet-0123456789abcdef0\"]",
            "The subnets of the existing VPC to use.",
        )
        .aka(&["subnet_ids"]),
    ],
};

pub(super) static ACCESS: Section = Section {
    path: "access",
    doc: "Who may reach the lab. What is not listed is closed.",
    keys: &[
        key(
            "operators",
            Shape::List(&Shape::Text(OPERATOR)),
            "[\"my-ip\", \"203.0.113.0/24\"]",
            "Where the lab's people are: address blocks, or `my-ip`, which is looked up once, pinned in \
             the lockfile, and changed only on request.",
        )
        .default("[\"my-ip\"]"),
        key(
            "keys",
            Shape::List(&Shape::Text(KEY_FILE)),
            "[\"~/.ssh/id_ed25519.pub\"]",
            "Files of public keys that may log in. Without any, a key is made for the lab.",
        )
        .default("[]")
        .aka(&["ssh_keys", "public_keys"]),
        key(
            "port",
            Shape::Named(&PORT),
            "",
            "Ports, by name. Without any, port 22 is open to the operators.",
        )
        .aka(&["ports"]),
    ],
};

static PORT: Section = Section {
    path: "access.port.*",
    doc: "A port of every node, and who may connect to it.",
    keys: &[
        key(
            "port",
            Shape::Either(&[Shape::Whole(1, 65535), Shape::Text(PORTS)]),
            "8765",
            "The port, or a range such as `\"7400-7500\"`.",
        )
        .required()
        .aka(&["ports", "range"]),
        key("protocol", Shape::Words(&["tcp", "udp"]), "\"udp\"", "The protocol.").default("\"tcp\""),
        key(
            "from",
            Shape::Either(&[Shape::Words(&["tunnel", "operators"]), Shape::List(&Shape::Text(CIDR))]),
            "\"operators\"",
            "Who may connect: `operators`, a list of address blocks, or `tunnel`: the port stays closed \
             and is reached through SSH.",
        )
        .default("\"tunnel\"")
        .aka(&["source", "sources", "cidr"]),
    ],
};
