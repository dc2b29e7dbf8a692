//! Where moto deviates from AWS. A scenario asks here before it asserts; every entry cites what AWS documents.

use super::bench::Cloud;

/// A behaviour that a target may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// A security group in use cannot be deleted. EC2 API Reference, DeleteSecurityGroup: "If you attempt to delete a
    /// security group that is associated with an instance ... the operation fails with DependencyViolation". moto
    /// deletes it.
    GroupInUseStays,
    /// A spot instance has a request. EC2 User Guide, "How Spot Instances work". moto starts a spot instance without
    /// a spot instance request, so there is nothing to cancel.
    SpotHasRequest,
}

/// Whether `cloud` shows `behaviour`.
pub(crate) fn shows(cloud: Cloud, behaviour: Behaviour) -> bool {
    match (cloud, behaviour) {
        (Cloud::Sandbox | Cloud::Served, _) => true,
        (Cloud::Moto, Behaviour::GroupInUseStays | Behaviour::SpotHasRequest) => false,
    }
}
