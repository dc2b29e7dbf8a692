//! What a region has: zones, instance types, offerings, spot prices, account attributes.

use crate::catalog;
use crate::model::{InstanceType, Region, Usd};

use super::super::context::Ctx;
use super::super::scenario::matches;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::listing::Filters;

use crate::catalog::TypeFacts;

/// The zones of a region. us-east-1 has one that offers none of the GPU types, as it does in reality.
pub(super) fn zones_of(region: &str) -> Vec<String> {
    let mut zones: Vec<String> =
        catalog::zones(&Region::new(region), &InstanceType::new("t3.micro"))
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
    if region == "us-east-1" {
        zones.push("us-east-1e".to_owned());
    }
    zones.sort();
    zones.dedup();
    zones
}

/// The id of a zone, for example `use1-az1`: the same for every account (RAM User Guide, "AZ IDs").
pub(super) fn zone_id(region: &str, zone: &str) -> String {
    let mut parts = region.split('-');
    let place = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let short: String = rest
        .iter()
        .map(|part| match *part {
            "northeast" => "ne",
            "northwest" => "nw",
            "southeast" => "se",
            "southwest" => "sw",
            other => &other[..other.len().min(1)],
        })
        .collect();
    let letter = zone.bytes().last().unwrap_or(b'a');
    format!("{place}{short}-az{}", letter.saturating_sub(b'a') + 1)
}

/// What the catalogue knows of a type that can still be launched.
pub(super) fn facts(name: &str) -> Option<&'static TypeFacts> {
    let name = InstanceType::new(name);
    catalog::instance_type(&name).filter(|_| catalog::retired(&name).is_none())
}

/// Whether a zone offers a type.
pub(super) fn offers(region: &str, zone: &str, name: &str) -> bool {
    catalog::zones(&Region::new(region), &InstanceType::new(name))
        .is_some_and(|zones| zones.iter().any(|it| it.as_str() == zone))
}

pub(super) fn regions(_ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let asked = p.texts("RegionName");
    if let Some(unknown) = asked.iter().find(|name| !catalog::regions().contains(name)) {
        return Err(ApiError::invalid(format!(
            "Invalid region names specified: [{unknown}]"
        )));
    }
    let filters = Filters::read(p, &["endpoint", "opt-in-status", "region-name"])?;
    let regions = catalog::regions().iter().filter(|name| {
        (asked.is_empty() || asked.contains(name))
            && filters.all(None, |filter| {
                vec![match filter {
                    "endpoint" => format!("ec2.{name}.amazonaws.com"),
                    "opt-in-status" => "opt-in-not-required".to_owned(),
                    _ => (**name).to_owned(),
                }]
            })
    });
    x.items("regionInfo", regions, |x, name| {
        x.el("regionName", name)
            .el("regionEndpoint", format!("ec2.{name}.amazonaws.com"))
            .el("optInStatus", "opt-in-not-required");
    });
    Ok(())
}

pub(super) fn zones(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let all = zones_of(ctx.region);
    let asked = p.texts("ZoneName");
    if let Some(unknown) = asked
        .iter()
        .find(|name| !all.iter().any(|zone| zone == **name))
    {
        return Err(ApiError::invalid(format!(
            "Invalid availability zone: [{unknown}]"
        )));
    }
    let filters = Filters::read(
        p,
        &[
            "group-name",
            "opt-in-status",
            "region-name",
            "state",
            "zone-id",
            "zone-name",
            "zone-type",
        ],
    )?;
    let region = ctx.region;
    let rows = all.iter().filter(|zone| {
        (asked.is_empty() || asked.contains(&zone.as_str()))
            && filters.all(None, |filter| {
                vec![match filter {
                    "group-name" | "region-name" => region.to_owned(),
                    "opt-in-status" => "opt-in-not-required".to_owned(),
                    "state" => "available".to_owned(),
                    "zone-id" => zone_id(region, zone),
                    "zone-type" => "availability-zone".to_owned(),
                    _ => (*zone).clone(),
                }]
            })
    });
    x.items("availabilityZoneInfo", rows, |x, zone| {
        x.el("zoneName", zone)
            .el("zoneId", zone_id(region, zone))
            .el("zoneState", "available")
            .el("zoneType", "availability-zone")
            .el("regionName", region)
            .el("groupName", region)
            .el("optInStatus", "opt-in-not-required")
            .el("networkBorderGroup", region);
        x.wrap("messageSet", |_| {});
    });
    Ok(())
}

/// The types that exist in the region, by name.
fn types_here(region: &str) -> impl Iterator<Item = &'static TypeFacts> {
    let region = Region::new(region);
    catalog::all_types().filter(move |facts| {
        catalog::retired(&facts.name).is_none()
            && catalog::zones(&region, &facts.name).is_some_and(|zones| !zones.is_empty())
    })
}

/// API Reference, DescribeInstanceTypes: an unknown type is `InvalidInstanceType`.
pub(super) fn types(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let asked = p.texts("InstanceType");
    let unknown: Vec<&str> = asked
        .iter()
        .copied()
        .filter(|name| !types_here(ctx.region).any(|facts| facts.name.as_str() == *name))
        .collect();
    if !unknown.is_empty() {
        return Err(ApiError::new(
            "InvalidInstanceType",
            format!(
                "The following supplied instance types do not exist: [{}]",
                unknown.join(", ")
            ),
        ));
    }
    let filters = Filters::read(
        p,
        &[
            "current-generation",
            "instance-type",
            "processor-info.supported-architecture",
            "supported-usage-class",
            "vcpu-info.default-vcpus",
        ],
    )?;
    let (size, after) = super::listing::page(p, (5, 100))?;
    if !asked.is_empty() && p.text("MaxResults").is_some() {
        return Err(ApiError::combination(
            "MaxResults cannot be used with InstanceTypes",
        ));
    }
    let mut rows: Vec<&TypeFacts> = types_here(ctx.region)
        .filter(|facts| {
            facts.name.as_str() > after.as_str()
                && (asked.is_empty() || asked.contains(&facts.name.as_str()))
                && filters.all(None, |filter| match filter {
                    "current-generation" => vec!["true".to_owned()],
                    "processor-info.supported-architecture" => vec![facts.architecture.clone()],
                    "supported-usage-class" => vec!["on-demand".to_owned(), "spot".to_owned()],
                    "vcpu-info.default-vcpus" => vec![facts.vcpus.to_string()],
                    _ => vec![facts.name.to_string()],
                })
        })
        .take(size.saturating_add(1))
        .collect();
    let more = rows.len() > size;
    rows.truncate(size);
    if more && let Some(last) = rows.last() {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::STANDARD.encode(last.name.as_str());
        x.el("nextToken", token);
    }
    x.items("instanceTypeSet", rows, write_type);
    Ok(())
}

fn write_type(x: &mut Xml, facts: &TypeFacts) {
    x.el("instanceType", &facts.name)
        .el("currentGeneration", true)
        .el("freeTierEligible", facts.name.as_str() == "t3.micro")
        .el(
            "bareMetal",
            facts.name.as_str().rsplit('.').next() == Some("metal"),
        )
        .el("hypervisor", "nitro")
        .el("hibernationSupported", false);
    x.wrap("supportedUsageClasses", |x| {
        x.el("item", "on-demand").el("item", "spot");
    });
    x.wrap("processorInfo", |x| {
        x.wrap("supportedArchitectures", |x| {
            x.el("item", &facts.architecture);
        });
    });
    x.wrap("vCpuInfo", |x| {
        x.el("defaultVCpus", facts.vcpus);
    });
    x.wrap("memoryInfo", |x| {
        x.el("sizeInMiB", u64::from(facts.ram_gib) * 1024);
    });
    if let Some(gpu) = &facts.gpu {
        x.wrap("gpuInfo", |x| {
            x.items("gpus", [gpu], |x, gpu| {
                x.el("name", &gpu.model)
                    .el("manufacturer", "NVIDIA")
                    .el("count", gpu.count)
                    .wrap("memoryInfo", |x| {
                        x.el("sizeInMiB", gpu.memory_mib);
                    });
            });
            x.el("totalGpuMemoryInMiB", gpu.memory_mib * gpu.count.max(1));
        });
    }
    x.wrap("ebsInfo", |x| {
        x.el("ebsOptimizedSupport", "default")
            .el("encryptionSupport", "supported")
            .el("nvmeSupport", "required");
    });
}

/// API Reference, DescribeInstanceTypeOfferings: by region unless asked by zone.
pub(super) fn offerings(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let by = p.text("LocationType").unwrap_or("region");
    let filters = Filters::read(p, &["instance-type", "location"])?;
    let (size, after) = super::listing::page(p, (5, 1000))?;
    let mut rows: Vec<(String, String)> = Vec::new();
    for facts in types_here(ctx.region) {
        let places: Vec<String> = match by {
            "region" => vec![ctx.region.to_owned()],
            "availability-zone" | "availability-zone-id" => {
                catalog::zones(&Region::new(ctx.region), &facts.name)
                    .unwrap_or_default()
                    .iter()
                    .map(|zone| {
                        if by == "availability-zone" {
                            zone.to_string()
                        } else {
                            zone_id(ctx.region, zone.as_str())
                        }
                    })
                    .collect()
            }
            other => {
                return Err(ApiError::invalid(format!(
                    "Value ({other}) for parameter locationType is invalid."
                )));
            }
        };
        for place in places {
            let fits = filters.all(None, |filter| {
                vec![if filter == "location" {
                    place.clone()
                } else {
                    facts.name.to_string()
                }]
            });
            if fits {
                rows.push((facts.name.to_string(), place));
            }
        }
    }
    let start = after.parse::<usize>().unwrap_or(0);
    let end = start.saturating_add(size).min(rows.len());
    if end < rows.len() {
        use base64::Engine as _;
        let token = base64::engine::general_purpose::STANDARD.encode(end.to_string());
        x.el("nextToken", token);
    }
    x.items(
        "instanceTypeOfferingSet",
        rows.get(start..end).unwrap_or_default(),
        |x, (name, place)| {
            x.el("instanceType", name)
                .el("locationType", by)
                .el("location", place);
        },
    );
    Ok(())
}

/// The share of the on-demand price that the sandbox asks on the spot market: a plausible figure that differs by
/// zone, so that choosing the cheapest zone can be rehearsed.
fn spot_share(zone: &str) -> f64 {
    let letter = zone.bytes().last().unwrap_or(b'a');
    0.38 + 0.015 * f64::from(letter.saturating_sub(b'a'))
}

/// What a type costs on the spot market in a zone.
pub(super) fn spot_price(region: &str, zone: &str, name: &str) -> Option<Usd> {
    let price = catalog::prices(&Region::new(region)).on_demand(&InstanceType::new(name))?;
    Some(price.usd * spot_share(zone))
}

/// API Reference, DescribeSpotPriceHistory: the newest price first.
pub(super) fn spot_prices(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let asked = p.texts("InstanceType");
    let zone = p.text("AvailabilityZone");
    let product = p.texts("ProductDescription");
    let filters = Filters::read(
        p,
        &["availability-zone", "instance-type", "product-description"],
    )?;
    let linux = "Linux/UNIX";
    let rows = types_here(ctx.region).flat_map(|facts| {
        catalog::zones(&Region::new(ctx.region), &facts.name)
            .unwrap_or_default()
            .into_iter()
            .map(move |zone| (facts, zone.to_string()))
    });
    let rows = rows.filter(|(facts, place)| {
        (asked.is_empty() || asked.contains(&facts.name.as_str()))
            && zone.is_none_or(|zone| zone == place)
            && (product.is_empty() || product.iter().any(|it| matches(it, linux)))
            && filters.all(None, |filter| {
                vec![match filter {
                    "availability-zone" => place.clone(),
                    "instance-type" => facts.name.to_string(),
                    _ => linux.to_owned(),
                }]
            })
    });
    let (region, now) = (ctx.region, ctx.now);
    x.items("spotPriceHistorySet", rows, |x, (facts, place)| {
        let price = spot_price(region, &place, facts.name.as_str()).unwrap_or_default();
        x.el("instanceType", &facts.name)
            .el("productDescription", linux)
            .el("spotPrice", format!("{:.6}", price.dollars()))
            .time("timestamp", now)
            .el("availabilityZone", &place)
            .el("availabilityZoneId", zone_id(region, &place));
    });
    Ok(())
}

/// API Reference, DescribeAccountAttributes.
pub(super) fn account_attributes(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let asked = p.texts("AttributeName");
    let addresses = super::super::quotas::applied(ctx, &crate::model::QuotaCode::ELASTIC_IPS);
    let rows = [
        ("supported-platforms", "VPC".to_owned()),
        ("default-vpc", "none".to_owned()),
        ("max-instances", "20".to_owned()),
        ("vpc-max-elastic-ips", addresses.to_string()),
        ("max-elastic-ips", addresses.to_string()),
        ("vpc-max-security-groups-per-interface", "5".to_owned()),
    ];
    if let Some(unknown) = asked
        .iter()
        .find(|asked| !rows.iter().any(|(name, _)| name == *asked))
    {
        return Err(ApiError::invalid(format!(
            "Value ({unknown}) for parameter attributeName is invalid. Unknown attribute name."
        )));
    }
    let rows = rows
        .into_iter()
        .filter(|(name, _)| asked.is_empty() || asked.contains(name));
    x.items("accountAttributeSet", rows, |x, (name, value)| {
        x.el("attributeName", name)
            .items("attributeValueSet", [value], |x, value| {
                x.el("attributeValue", value);
            });
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_ids() {
        for (region, zone, id) in [
            ("us-east-1", "us-east-1a", "use1-az1"),
            ("eu-central-1", "eu-central-1c", "euc1-az3"),
            ("ap-northeast-2", "ap-northeast-2b", "apne2-az2"),
            ("us-gov-west-1", "us-gov-west-1a", "usgw1-az1"),
        ] {
            assert_eq!(zone_id(region, zone), id);
        }
        assert!(zones_of("us-east-1").contains(&"us-east-1e".to_owned()));
        assert!(!offers("us-east-1", "us-east-1e", "g5.xlarge"));
    }
}
