//! What one launch asks for, read from the parameters and checked against what exists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::catalog::TypeFacts;

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params};
use super::super::world::{Image, MetadataOptions, Subnet, Tags};
use super::launch_checks::{self as checks, Nic};
use super::volumes::{Shape, checked};
use super::{images, placement, tags, templates};

/// The kinds that a launch can tag (API Reference, RunInstances, TagSpecification).
const TAGGABLE: &[&str] = &[
    "instance",
    "volume",
    "network-interface",
    "spot-instances-request",
];

/// A volume that comes with the instance.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) encrypted: bool,
    pub(super) kms_key: Option<String>,
    pub(super) snapshot: Option<String>,
    pub(super) delete_on_termination: bool,
}

/// What is asked on the spot market.
#[derive(Debug, Clone)]
pub(super) struct SpotAsk {
    pub(super) persistent: bool,
    pub(super) interruption: String,
    pub(super) max_price: Option<String>,
}

/// A whole launch.
#[derive(Debug, Clone)]
pub(super) struct LaunchSpec {
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) image: Image,
    pub(super) facts: &'static TypeFacts,
    pub(super) key: Option<String>,
    pub(super) subnet: Subnet,
    pub(super) nics: Vec<Nic>,
    pub(super) devices: Vec<Device>,
    pub(super) profile: Option<String>,
    pub(super) user_data: Option<String>,
    pub(super) placement_group: Option<String>,
    pub(super) metadata: MetadataOptions,
    pub(super) shutdown_behavior: String,
    pub(super) protect_termination: bool,
    pub(super) protect_stop: bool,
    pub(super) ebs_optimized: bool,
    pub(super) monitoring: bool,
    pub(super) spot: Option<SpotAsk>,
    /// The request that a replacement is for.
    pub(super) spot_request: Option<String>,
    pub(super) instance_tags: Tags,
    pub(super) volume_tags: Tags,
    pub(super) interface_tags: Tags,
    pub(super) spot_tags: Tags,
    /// The parameters, for a replacement.
    pub(super) params: Params,
}

/// The parameters of a launch with those of its template under them (API Reference, RunInstances, LaunchTemplate:
/// what the request says overrides the template).
pub(super) fn with_template(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Params> {
    let Some(named) = p.child("LaunchTemplate") else {
        return Ok(p.clone());
    };
    let mut merged = templates::content(ctx, named)?;
    merged.overlay(&p.without(&["LaunchTemplate"]));
    Ok(merged)
}

/// The subnet that a launch names, which decides the zone.
pub(super) fn subnet(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Subnet> {
    let of_nic = p
        .list("NetworkInterface")
        .into_iter()
        .find_map(|nic| nic.text("SubnetId"));
    match (p.text("SubnetId"), of_nic) {
        (Some(_), _) if !p.list("NetworkInterface").is_empty() => Err(ApiError::combination(
            "Network interfaces and an instance-level subnet ID may not be specified on the same request",
        )),
        (Some(id), _) | (None, Some(id)) => ctx.copy(id),
        // The account has no default VPC.
        (None, None) => Err(ApiError::new(
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        )),
    }
}

/// Reads and checks a launch.
pub(super) fn read(ctx: &Ctx<'_>, p: &Params) -> ApiResult<LaunchSpec> {
    let least = count(p, "MinCount")?;
    let most = count(p, "MaxCount")?;
    if least > most {
        return Err(ApiError::invalid(format!(
            "Value ({least}) for parameter minCount is invalid. It must not be greater than maxCount ({most})."
        )));
    }
    let image = images::find(ctx, p.need("ImageId")?)?;
    if image.ready > ctx.now {
        return Err(ApiError::new(
            "InvalidAMIID.Unavailable",
            format!("The image ID '{}' is not available", image.id),
        ));
    }
    let subnet = subnet(ctx, p)?;
    let facts = checks::instance_type(ctx, p, &subnet, &image)?;
    let spot = spot_ask(p)?;
    let placement_group = match p.text("Placement.GroupName") {
        Some(name) => Some(checks::placement(&placement::by_name(ctx, name)?, facts)?),
        None => p.text("Placement.GroupId").map(str::to_owned),
    };
    Ok(LaunchSpec {
        least,
        most,
        key: checks::key(ctx, p)?,
        nics: checks::nics(ctx, p, &subnet)?,
        devices: devices(ctx, p, &image)?,
        profile: checks::profile(ctx, p)?,
        user_data: user_data(p)?,
        metadata: metadata(p)?,
        shutdown_behavior: shutdown_behavior(p)?,
        protect_termination: p.flag("DisableApiTermination")?.unwrap_or(false),
        protect_stop: p.flag("DisableApiStop")?.unwrap_or(false),
        ebs_optimized: p.flag("EbsOptimized")?.unwrap_or(false),
        monitoring: p.flag("Monitoring.Enabled")?.unwrap_or(false),
        instance_tags: instance_tags(p)?,
        volume_tags: tags::specified(p, "volume", TAGGABLE)?,
        interface_tags: tags::specified(p, "network-interface", TAGGABLE)?,
        spot_tags: tags::specified(p, "spot-instances-request", TAGGABLE)?,
        params: p.without(&["ClientToken", "Action", "Version"]),
        image,
        facts,
        subnet,
        placement_group,
        spot,
        spot_request: None,
    })
}

fn count(p: &Params, name: &str) -> ApiResult<u32> {
    let count = p
        .parsed::<u32>(name)?
        .ok_or_else(|| ApiError::missing(name))?;
    if count == 0 {
        return Err(ApiError::invalid(format!(
            "Value (0) for parameter {name} is invalid. It must be at least 1."
        )));
    }
    Ok(count)
}

/// User Guide, Using_Tags: with tags in the instance metadata, keys have no spaces and no slashes.
fn instance_tags(p: &Params) -> ApiResult<Tags> {
    let found = tags::specified(p, "instance", TAGGABLE)?;
    let in_metadata = p.text("MetadataOptions.InstanceMetadataTags") == Some("enabled");
    if in_metadata && let Some(key) = found.keys().find(|key| key.contains([' ', '/'])) {
        return Err(ApiError::invalid(format!(
            "'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}) when instance metadata tags are enabled."
        )));
    }
    Ok(found)
}

/// User Guide, user-data: base64, at most 16 KB before encoding.
pub(super) fn user_data(p: &Params) -> ApiResult<Option<String>> {
    let Some(text) = p.text("UserData") else {
        return Ok(None);
    };
    let malformed = |message: &str| ApiError::new("InvalidUserData.Malformed", message);
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| malformed("Invalid BASE64 encoding of user data."))?;
    if bytes.len() > 16_384 {
        return Err(malformed("User data is limited to 16384 bytes"));
    }
    Ok(Some(text.to_owned()))
}

fn shutdown_behavior(p: &Params) -> ApiResult<String> {
    match p.text("InstanceInitiatedShutdownBehavior") {
        None | Some("stop") => Ok("stop".to_owned()),
        Some("terminate") => Ok("terminate".to_owned()),
        Some(other) => Err(ApiError::invalid(format!(
            "Invalid value '{other}' for instanceInitiatedShutdownBehavior."
        ))),
    }
}

/// API Reference, InstanceMetadataOptionsRequest. The defaults are those of an image without an IMDS setting.
fn metadata(p: &Params) -> ApiResult<MetadataOptions> {
    let defaults = MetadataOptions {
        tokens: "optional".to_owned(),
        hop_limit: 1,
        endpoint: "enabled".to_owned(),
        ipv6: "disabled".to_owned(),
        tags: "disabled".to_owned(),
    };
    match p.child("MetadataOptions") {
        Some(options) => metadata_over(defaults, options),
        None => Ok(defaults),
    }
}

/// Metadata options with those of a request over them.
pub(super) fn metadata_over(
    mut options: MetadataOptions,
    p: &Params,
) -> ApiResult<MetadataOptions> {
    let word = |name: &str, allowed: [&str; 2], now: &mut String| match p.text(name) {
        None => Ok(()),
        Some(value) if allowed.contains(&value) => {
            value.clone_into(now);
            Ok(())
        }
        Some(value) => Err(ApiError::invalid(format!(
            "Value ({value}) for parameter {name} is invalid."
        ))),
    };
    let switch = ["enabled", "disabled"];
    word("HttpTokens", ["optional", "required"], &mut options.tokens)?;
    word("HttpEndpoint", switch, &mut options.endpoint)?;
    word("HttpProtocolIpv6", switch, &mut options.ipv6)?;
    word("InstanceMetadataTags", switch, &mut options.tags)?;
    if let Some(limit) = p.parsed("HttpPutResponseHopLimit")? {
        if !(1..=64).contains(&limit) {
            return Err(ApiError::invalid(format!(
                "Value ({limit}) for parameter HttpPutResponseHopLimit is invalid. It must be between 1 and 64."
            )));
        }
        options.hop_limit = limit;
    }
    Ok(options)
}

/// API Reference, SpotMarketOptions: through RunInstances a persistent request needs `stop` or `hibernate`.
fn spot_ask(p: &Params) -> ApiResult<Option<SpotAsk>> {
    let Some(market) = p.text("InstanceMarketOptions.MarketType") else {
        return Ok(None);
    };
    if market != "spot" {
        return Err(ApiError::unsupported(format!(
            "the sandbox does not speak the market type {market}"
        )));
    }
    let options = "InstanceMarketOptions.SpotOptions";
    let option = |name: &str| p.text(&format!("{options}.{name}"));
    let persistent = match option("SpotInstanceType") {
        None | Some("one-time") => false,
        Some("persistent") => true,
        Some(other) => {
            return Err(ApiError::invalid(format!(
                "Value ({other}) for parameter spotInstanceType is invalid."
            )));
        }
    };
    let interruption = option("InstanceInterruptionBehavior").unwrap_or("terminate");
    let stops = matches!(interruption, "stop" | "hibernate");
    if persistent != stops {
        return Err(ApiError::combination(format!(
            "The interruption behavior '{interruption}' does not go with a {} spot request through RunInstances",
            if persistent { "persistent" } else { "one-time" }
        )));
    }
    Ok(Some(SpotAsk {
        persistent,
        interruption: interruption.to_owned(),
        max_price: option("MaxPrice").map(str::to_owned),
    }))
}

/// The image's devices with those of the request over them (User Guide, block-device-mapping-concepts).
fn devices(ctx: &Ctx<'_>, p: &Params, image: &Image) -> ApiResult<Vec<Device>> {
    let mut devices: Vec<Device> = image
        .devices
        .iter()
        .map(|device| Device {
            name: device.device.clone(),
            shape: Shape {
                size_gib: device.size_gib,
                volume_type: device.volume_type.clone(),
                iops: None,
                throughput: None,
            },
            encrypted: device.encrypted,
            kms_key: None,
            snapshot: Some(device.snapshot.clone()),
            delete_on_termination: device.delete_on_termination,
        })
        .collect();
    for mapping in p.list("BlockDeviceMapping") {
        let name = mapping.need("DeviceName")?;
        let Some(ebs) = mapping.child("Ebs") else {
            devices.retain(|device| device.name != name || mapping.child("NoDevice").is_none());
            continue;
        };
        let under = devices.iter().position(|device| device.name == name);
        let base = under.map(|at| devices.remove(at));
        devices.push(device(ctx, name, ebs, base.as_ref())?);
    }
    for device in &mut devices {
        device.shape = checked(device.shape.clone())?;
    }
    // The root device first, as EC2 lists it.
    devices.sort_by_key(|device| device.name != image.root_device);
    Ok(devices)
}

fn device(ctx: &Ctx<'_>, name: &str, ebs: &Params, base: Option<&Device>) -> ApiResult<Device> {
    let snapshot = ebs
        .text("SnapshotId")
        .map(str::to_owned)
        .or(base.and_then(|it| it.snapshot.clone()));
    let least = snapshot
        .as_ref()
        .map(|id| images::snapshot_size(ctx, id))
        .transpose()?;
    let size_gib = match (ebs.parsed("VolumeSize")?, least) {
        (Some(size), Some((least, _))) if size < least => {
            return Err(ApiError::new(
                "InvalidBlockDeviceMapping",
                format!(
                    "Volume of size {size}GB is smaller than snapshot '{}', expect size >= {least}GB",
                    snapshot.unwrap_or_default()
                ),
            ));
        }
        (Some(size), _) | (None, Some((size, _))) => size,
        (None, None) => {
            return Err(ApiError::missing("size or snapshotId"));
        }
    };
    let volume_type = ebs.text("VolumeType").map(str::to_owned);
    Ok(Device {
        name: name.to_owned(),
        shape: Shape {
            size_gib,
            volume_type: volume_type
                .or(base.map(|it| it.shape.volume_type.clone()))
                .unwrap_or_else(|| "gp2".to_owned()),
            iops: ebs.parsed("Iops")?,
            throughput: ebs.parsed("Throughput")?,
        },
        encrypted: ebs
            .flag("Encrypted")?
            .unwrap_or_else(|| least.is_some_and(|(_, it)| it)),
        kms_key: ebs.text("KmsKeyId").map(str::to_owned),
        snapshot,
        // User Guide, "Preserve data": true for every volume that is mapped at launch, unless asked.
        delete_on_termination: ebs.flag("DeleteOnTermination")?.unwrap_or(true),
    })
}
