//! Resource ids: what each prefix names, what a well-formed id is, and where new ones come from.

/// A kind of EC2 resource, as tags and errors name it.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The id's prefix, without the hyphen.
    pub(crate) prefix: &'static str,
    /// The spelling in tag specifications (API Reference, TagSpecification).
    pub(crate) resource_type: &'static str,
    /// The code for an id that names nothing (errors-overview, "Client error codes").
    pub(crate) not_found: &'static str,
    /// The code for a text that is no such id.
    pub(crate) malformed: &'static str,
    /// The noun in messages.
    pub(crate) noun: &'static str,
}

const fn kind(
    prefix: &'static str,
    resource_type: &'static str,
    not_found: &'static str,
    malformed: &'static str,
    noun: &'static str,
) -> Kind {
    Kind {
        prefix,
        resource_type,
        not_found,
        malformed,
        noun,
    }
}

/// Every kind. Codes: EC2 API Reference, errors-overview, "Client error codes".
const KINDS: &[Kind] = &[
    kind(
        "vpc",
        "vpc",
        "InvalidVpcID.NotFound",
        "InvalidVpcId.Malformed",
        "vpc ID",
    ),
    kind(
        "subnet",
        "subnet",
        "InvalidSubnetID.NotFound",
        "InvalidSubnetID.Malformed",
        "subnet ID",
    ),
    kind(
        "igw",
        "internet-gateway",
        "InvalidInternetGatewayID.NotFound",
        "InvalidInternetGatewayId.Malformed",
        "internetGateway ID",
    ),
    kind(
        "rtb",
        "route-table",
        "InvalidRouteTableID.NotFound",
        "InvalidRouteTableId.Malformed",
        "routeTable ID",
    ),
    kind(
        "rtbassoc",
        "",
        "InvalidAssociationID.NotFound",
        "InvalidAssociationID.Malformed",
        "association ID",
    ),
    kind(
        "eipassoc",
        "",
        "InvalidAssociationID.NotFound",
        "InvalidAssociationID.Malformed",
        "association ID",
    ),
    kind(
        "sg",
        "security-group",
        "InvalidGroup.NotFound",
        "InvalidGroupId.Malformed",
        "security group",
    ),
    kind(
        "sgr",
        "security-group-rule",
        "InvalidSecurityGroupRuleId.NotFound",
        "InvalidSecurityGroupRuleId.Malformed",
        "security group rule",
    ),
    kind(
        "key",
        "key-pair",
        "InvalidKeyPair.NotFound",
        "InvalidKeyPair.Format",
        "key pair",
    ),
    kind(
        "i",
        "instance",
        "InvalidInstanceID.NotFound",
        "InvalidInstanceID.Malformed",
        "instance ID",
    ),
    kind(
        "vol",
        "volume",
        "InvalidVolume.NotFound",
        "InvalidVolumeID.Malformed",
        "volume",
    ),
    kind(
        "eni",
        "network-interface",
        "InvalidNetworkInterfaceID.NotFound",
        "InvalidNetworkInterfaceId.Malformed",
        "networkInterface ID",
    ),
    kind(
        "eipalloc",
        "elastic-ip",
        "InvalidAllocationID.NotFound",
        "InvalidAllocationID.Malformed",
        "allocation ID",
    ),
    kind(
        "snap",
        "snapshot",
        "InvalidSnapshot.NotFound",
        "InvalidSnapshotID.Malformed",
        "snapshot",
    ),
    kind(
        "ami",
        "image",
        "InvalidAMIID.NotFound",
        "InvalidAMIID.Malformed",
        "image id",
    ),
    kind(
        "lt",
        "launch-template",
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateId.Malformed",
        "launch template ID",
    ),
    kind(
        "sir",
        "spot-instances-request",
        "InvalidSpotInstanceRequestID.NotFound",
        "InvalidSpotInstanceRequestID.Malformed",
        "spot instance request ID",
    ),
    kind(
        "pg",
        "placement-group",
        "InvalidPlacementGroup.Unknown",
        "InvalidPlacementGroup.Unknown",
        "placement group",
    ),
    kind(
        "fleet",
        "fleet",
        "InvalidFleetId.NotFound",
        "InvalidFleetId.Malformed",
        "fleet ID",
    ),
];

/// The kind of the thing that an id names.
pub(crate) fn kind_of(id: &str) -> Option<&'static Kind> {
    let prefix = id.split_once('-')?.0;
    KINDS.iter().find(|kind| kind.prefix == prefix)
}

impl Kind {
    /// The kind with this prefix, which is one of the sandbox's own.
    pub(crate) fn of(prefix: &str) -> &'static Self {
        KINDS
            .iter()
            .find(|kind| kind.prefix == prefix)
            .expect("the table has every prefix that the sandbox uses")
    }

    /// Whether a text has the form of an id of this kind: the prefix, then 8 or 17 hexadecimal digits
    /// (EC2 User Guide, resource-ids).
    pub(crate) fn is_well_formed(&self, id: &str) -> bool {
        id.strip_prefix(self.prefix)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|hex| {
                matches!(hex.len(), 8 | 17)
                    && hex
                        .bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
    }
}

/// New ids from a seed and a count: the same seed gives the same ids in the same order.
#[derive(Debug, Clone)]
pub(crate) struct IdSource {
    seed: u64,
    /// How many were given; part of the log, so that a reopened world never gives one twice.
    pub(crate) given: u64,
}

impl IdSource {
    /// A source that gave `given` before.
    pub(crate) fn new(seed: u64, given: u64) -> Self {
        Self { seed, given }
    }

    /// A new id, for example `vpc-0a1b2c3d4e5f60718`.
    pub(crate) fn fresh(&mut self, prefix: &str) -> String {
        let number = self.number();
        format!("{prefix}-0{number:016x}")
    }

    /// A number that no other call gets.
    pub(crate) fn number(&mut self) -> u64 {
        self.given += 1;
        mix(self.seed ^ mix(self.given))
    }
}

/// The SplitMix64 finaliser: a bijection, so different counts give different ids.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_well_formed_and_repeat_with_their_seed() {
        let mut one = IdSource::new(7, 0);
        let mut two = IdSource::new(7, 0);
        let id = one.fresh("i");
        assert_eq!(id, two.fresh("i"));
        assert_ne!(one.fresh("i"), id);
        assert!(Kind::of("i").is_well_formed(&id), "{id}");
        assert!(Kind::of("i").is_well_formed("i-12345678"));
        for bad in ["i-123", "vol-12345678", "i-1234567Z", "12345678"] {
            assert!(!Kind::of("i").is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_not_mistaken_for_a_shorter_one() {
        assert_eq!(kind_of("sgr-12345678").map(|k| k.prefix), Some("sgr"));
        assert_eq!(kind_of("igw-12345678").map(|k| k.prefix), Some("igw"));
        assert!(kind_of("nothing").is_none());
    }
}
