//! Internet gateways.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Edge, Gateway, Vpc};
use super::listing::{Listed, list, maybe, one};
use super::tags;

impl Listed for Gateway {
    const IDS: &'static str = "InternetGatewayId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "attachment.state",
        "attachment.vpc-id",
        "internet-gateway-id",
        "owner-id",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "attachment.vpc-id" => maybe(self.vpc.as_ref()),
            "attachment.state" => self.vpc.iter().map(|_| "available".to_owned()).collect(),
            "owner-id" => one(ACCOUNT),
            _ => one(&self.id),
        }
    }
}

/// API Reference, CreateInternetGateway. The quota follows that of VPCs (VPC User Guide, amazon-vpc-limits).
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    if ctx.store.meter("gateways") >= ctx.quota("L-A4707A72", 5) {
        return Err(ApiError::new(
            "InternetGatewayLimitExceeded",
            "The maximum number of internet gateways has been reached.",
        ));
    }
    let gateway = Gateway {
        id: ctx.store.fresh("igw"),
        vpc: None,
        tags: tags::of_new(p, "internet-gateway")?,
    };
    x.wrap("internetGateway", |x| write(x, &gateway));
    ctx.store.put(gateway);
    Ok(())
}

fn write(x: &mut Xml, gateway: &Gateway) {
    x.el("internetGatewayId", &gateway.id)
        .el("ownerId", ACCOUNT);
    x.items("attachmentSet", &gateway.vpc, |x, vpc| {
        x.el("vpcId", vpc).el("state", "available");
    });
    tags::write(x, &gateway.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Gateway>(ctx, p)?;
    x.items("internetGatewaySet", &page.items, |x, it| write(x, it));
    page.write_next(x);
    Ok(())
}

/// API Reference, AttachInternetGateway: one gateway for a VPC, one VPC for a gateway.
pub(super) fn attach(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let gateway: Gateway = ctx.copy(p.need("InternetGatewayId")?)?;
    let vpc = ctx.find::<Vpc>(p.need("VpcId")?)?.id.clone();
    if let Some(taken) = &gateway.vpc {
        return Err(ApiError::new(
            "Resource.AlreadyAssociated",
            format!(
                "resource {} is already attached to network {taken}",
                gateway.id
            ),
        ));
    }
    if ctx.store.is_referred(&vpc, Edge::GatewayOfVpc) {
        return Err(ApiError::invalid(format!(
            "Network {vpc} already has an internet gateway attached"
        )));
    }
    ctx.store
        .update::<Gateway>(&gateway.id, |gateway| gateway.vpc = Some(vpc));
    x.done();
    Ok(())
}

/// API Reference, DetachInternetGateway: "The VPC must not contain any running instances with Elastic IP addresses
/// or public IPv4 addresses."
pub(super) fn detach(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let gateway: Gateway = ctx.copy(p.need("InternetGatewayId")?)?;
    let vpc = p.need("VpcId")?;
    ctx.find::<Vpc>(vpc)?;
    if gateway.vpc.as_deref() != Some(vpc) {
        return Err(ApiError::new(
            "Gateway.NotAttached",
            format!("resource {} is not attached to network {vpc}", gateway.id),
        ));
    }
    if ctx.store.is_referred(vpc, Edge::PublicInterfaceOfVpc) {
        return Err(ApiError::new(
            "DependencyViolation",
            format!(
                "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
            ),
        ));
    }
    ctx.store
        .update::<Gateway>(&gateway.id, |gateway| gateway.vpc = None);
    x.done();
    Ok(())
}

pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx
        .find::<Gateway>(p.need("InternetGatewayId")?)?
        .id
        .clone();
    check_deletable(ctx.store, &id)?;
    ctx.store.remove(&id);
    x.done();
    Ok(())
}
