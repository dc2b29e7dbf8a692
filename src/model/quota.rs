//! Markets, and the quota that a launch counts against.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How capacity is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// Billed by the second at the list price.
    OnDemand,
    /// Spare capacity at the spot price; may be interrupted.
    Spot,
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        })
    }
}

/// The class of instance types that share one vCPU quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageClass {
    /// G and VT types.
    G,
    /// P types but P5 on the spot market.
    P,
    /// P5 types; they share P's quota on demand and have their own on the spot market.
    P5,
    /// Everything else that roboinfra may launch: A, C, D, H, I, M, R, T, Z.
    Standard,
}

impl UsageClass {
    /// The class of an instance type, by its family's name.
    pub fn of(instance_type: &str) -> Self {
        let family = instance_type.split('.').next().unwrap_or_default();
        if family.starts_with("p5") {
            Self::P5
        } else if family.starts_with('p') {
            Self::P
        } else if family.starts_with('g') || family.starts_with("vt") {
            Self::G
        } else {
            Self::Standard
        }
    }
}

/// A service quota: service code and quota code, for example `ec2` `L-DB2E81BA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct QuotaCode {
    /// The service's code in Service Quotas.
    pub service: &'static str,
    /// The quota's code.
    pub code: &'static str,
    /// What the quota is called, as the console shows it.
    pub name: &'static str,
    /// What AWS gives a new account.
    pub default: u32,
}

impl QuotaCode {
    /// Elastic IPs per region.
    pub const ELASTIC_IPS: Self = Self {
        service: "ec2",
        code: "L-0263D0A3",
        name: "EC2-VPC Elastic IPs",
        default: 5,
    };
    /// VPCs per region.
    pub const VPCS: Self = Self {
        service: "vpc",
        code: "L-F678F1CE",
        name: "VPCs per Region",
        default: 5,
    };

    /// The vCPU quota that running instances of `class` count against when bought on `market`.
    pub fn vcpus(class: UsageClass, market: Market) -> Self {
        let (code, name, default) = match (class, market) {
            (UsageClass::G, Market::OnDemand) => {
                ("L-DB2E81BA", "Running On-Demand G and VT instances", 0)
            }
            (UsageClass::G, Market::Spot) => {
                ("L-3819A6DF", "All G and VT Spot Instance Requests", 0)
            }
            (UsageClass::P | UsageClass::P5, Market::OnDemand) => {
                ("L-417A185B", "Running On-Demand P instances", 0)
            }
            (UsageClass::P, Market::Spot) => {
                ("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", 0)
            }
            (UsageClass::P5, Market::Spot) => ("L-C4BD4855", "All P5 Spot Instance Requests", 0),
            (UsageClass::Standard, Market::OnDemand) => {
                ("L-1216C47A", "Running On-Demand Standard instances", 5)
            }
            (UsageClass::Standard, Market::Spot) => {
                ("L-34B43A08", "All Standard Spot Instance Requests", 5)
            }
        };
        Self {
            service: "ec2",
            code,
            name,
            default,
        }
    }
}
