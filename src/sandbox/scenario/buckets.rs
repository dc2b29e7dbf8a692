//! The documented request rates of EC2 (EC2 Developer Guide, ec2-api-throttling): one bucket for each action in a
//! region. Resource rate limiting (tokens for each instance of a launch) is not part of it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::call::is_read;

/// Size and refill for each second.
fn limits(action: &str, unfiltered: bool) -> (f64, f64) {
    match action {
        "RunInstances" | "StartInstances" => (5.0, 2.0),
        "TerminateInstances"
        | "CreateSnapshot"
        | "DeleteSnapshot"
        | "CreateVolume"
        | "DeleteVolume"
        | "DeregisterImage"
        | "ModifyInstanceMetadataOptions" => (100.0, 5.0),
        "CreateTags" | "DeleteTags" => (100.0, 10.0),
        // "Unfiltered and unpaginated non-mutating actions".
        "DescribeInstances"
        | "DescribeInstanceStatus"
        | "DescribeNetworkInterfaces"
        | "DescribeSecurityGroups"
        | "DescribeSnapshots"
        | "DescribeSpotInstanceRequests"
        | "DescribeVolumes"
            if unfiltered =>
        {
            (50.0, 10.0)
        }
        other if is_read(other) => (100.0, 20.0),
        _ => (50.0, 5.0),
    }
}

/// The buckets: what is left in each and when that was so.
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<(String, String), (f64, Timestamp)>);

impl Buckets {
    /// Takes one request out of a bucket; false if it is empty.
    pub(crate) fn take(
        &mut self,
        region: &str,
        action: &str,
        unfiltered: bool,
        now: Timestamp,
    ) -> bool {
        let (size, refill) = limits(action, unfiltered);
        let key = (region.to_owned(), action.to_owned());
        let (left, at) = self.0.entry(key).or_insert((size, now));
        let passed = now.duration_since(*at).as_secs_f64().max(0.0);
        *left = (*left + passed * refill).min(size);
        *at = now;
        let allowed = *left >= 1.0;
        if allowed {
            *left -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_of_five_refills_by_two_a_second() {
        let mut buckets = Buckets::default();
        let start = Timestamp::UNIX_EPOCH;
        let allowed = |buckets: &mut Buckets, at: Timestamp| {
            (0..9)
                .filter(|_| buckets.take("us-east-1", "RunInstances", false, at))
                .count()
        };
        assert_eq!(allowed(&mut buckets, start), 5);
        let later = start + Duration::from_secs(1);
        assert_eq!(allowed(&mut buckets, later), 2);
        assert_eq!(allowed(&mut buckets, later + Duration::from_mins(1)), 5);
    }
}
