//! List prices, with the date they were read.
//!
//! Only us-east-1 is known. Elsewhere its figures are returned and marked as an estimate.

use crate::model::{InstanceType, Region, Usd};

use super::types::instance_type;

/// The day the shipped prices were read.
pub const PRICES_DATE: &str = "2026-07-20";

const PRICED_REGION: &str = "us-east-1";

/// How sure a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// The list price of this region.
    Listed,
    /// The list price of us-east-1, standing in for this region's.
    Estimate,
}

/// A price and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The amount.
    pub usd: Usd,
    /// How sure it is.
    pub basis: Basis,
}

/// The prices of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// Whether these are the region's own.
    pub basis: Basis,
    /// A GiB of gp3 storage for a month.
    pub gp3_gib_month: Usd,
    /// One provisioned operation per second above [`Prices::GP3_FREE_IOPS`], for a month.
    pub gp3_iops_month: Usd,
    /// One MiB/s above [`Prices::GP3_FREE_THROUGHPUT_MIB`], for a month.
    pub gp3_throughput_month: Usd,
    /// A public IPv4 address for an hour: attached or idle, on a running or a stopped instance.
    pub public_ipv4_hour: Usd,
    /// A CloudWatch metric for a month: one name with one set of dimensions.
    pub metric_month: Usd,
    /// A metric that a CloudWatch alarm is over, for a month.
    pub alarm_metric_month: Usd,
    /// A CloudWatch dashboard for a month.
    pub dashboard_month: Usd,
}

impl Prices {
    /// Operations per second that come with every gp3 volume.
    pub const GP3_FREE_IOPS: u32 = 3000;
    /// Throughput in MiB/s that comes with every gp3 volume.
    pub const GP3_FREE_THROUGHPUT_MIB: u32 = 125;

    /// The on-demand price of a type per hour, if it is known.
    pub fn on_demand(&self, name: &InstanceType) -> Option<Price> {
        let usd = instance_type(name)?.on_demand_us_east_1?;
        Some(Price {
            usd,
            basis: self.basis,
        })
    }

    /// A gp3 volume for a month.
    pub fn gp3_month(&self, size_gib: u32, iops: u32, throughput_mib: u32) -> Usd {
        let paid_iops = iops.saturating_sub(Self::GP3_FREE_IOPS);
        let paid_throughput = throughput_mib.saturating_sub(Self::GP3_FREE_THROUGHPUT_MIB);
        self.gp3_gib_month * f64::from(size_gib)
            + self.gp3_iops_month * f64::from(paid_iops)
            + self.gp3_throughput_month * f64::from(paid_throughput)
    }
}

/// The prices of a region.
pub fn prices(region: &Region) -> Prices {
    let known = region.as_str() == PRICED_REGION;
    Prices {
        basis: if known {
            Basis::Listed
        } else {
            Basis::Estimate
        },
        gp3_gib_month: Usd::from_dollars(0.08),
        gp3_iops_month: Usd::from_dollars(0.005),
        gp3_throughput_month: Usd::from_dollars(0.04),
        public_ipv4_hour: Usd::from_dollars(0.005),
        metric_month: Usd::from_dollars(0.30),
        alarm_metric_month: Usd::from_dollars(0.10),
        dashboard_month: Usd::from_dollars(3.00),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_region_is_certain() {
        let type_ = InstanceType::new("g5.xlarge");
        for (region, basis) in [
            ("us-east-1", Basis::Listed),
            ("eu-central-1", Basis::Estimate),
        ] {
            let price = prices(&Region::new(region)).on_demand(&type_);
            assert_eq!(
                price,
                Some(Price {
                    usd: Usd::from_dollars(1.006),
                    basis
                })
            );
        }
        assert_eq!(
            prices(&Region::new("us-east-1")).on_demand(&InstanceType::new("x9.tiny")),
            None
        );
    }

    #[test]
    fn a_volume_pays_for_what_exceeds_the_free_part() {
        let prices = prices(&Region::new("us-east-1"));
        for (size, iops, throughput, dollars) in [
            (200, 3000, 125, 16.0),
            (100, 4000, 125, 13.0),
            (100, 3000, 225, 12.0),
            (0, 0, 0, 0.0),
        ] {
            assert_eq!(
                prices.gp3_month(size, iops, throughput),
                Usd::from_dollars(dollars)
            );
        }
    }

    #[test]
    fn the_date_is_that_of_the_data() {
        assert!(
            include_str!("gpu-types.json").contains(&format!("\"prices_date\": \"{PRICES_DATE}\""))
        );
    }
}
