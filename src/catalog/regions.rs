//! The regions of AWS and the partitions they belong to.

/// A separate AWS with its own accounts, endpoints and ARNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// The regions in mainland China.
    China,
    /// The regions for the US government.
    UsGov,
}

impl Partition {
    /// The word in ARNs, for example `aws-cn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::UsGov => "aws-us-gov",
        }
    }
}

const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Every region, by name.
pub fn regions() -> &'static [&'static str] {
    REGIONS
}

/// The partition that a region belongs to, by its name.
pub fn partition(region: &crate::model::Region) -> Partition {
    let name = region.as_str();
    if name.starts_with("cn-") {
        Partition::China
    } else if name.starts_with("us-gov-") {
        Partition::UsGov
    } else {
        Partition::Aws
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Region;

    #[test]
    fn in_order_and_in_their_partition() {
        assert!(regions().is_sorted());
        assert_eq!(
            partition(&Region::new("us-gov-west-1")).as_str(),
            "aws-us-gov"
        );
        assert_eq!(partition(&Region::new("cn-north-1")).as_str(), "aws-cn");
        assert_eq!(partition(&Region::new("us-east-1")).as_str(), "aws");
    }
}
