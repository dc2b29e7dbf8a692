//! VPCs.

use ipnet::Ipv4Net;

use crate::model::QuotaCode;

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::quotas;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{
    Edge, Route, RouteAssociation, RouteTable, RuleSource, SecurityGroup, Tags, Vpc,
};
use super::listing::{Listed, list, one};
use super::{groups, tags};

impl Listed for Vpc {
    const IDS: &'static str = "VpcId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "cidr",
        "cidr-block-association.cidr-block",
        "is-default",
        "owner-id",
        "state",
        "vpc-id",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "vpc-id" => one(&self.id),
            "is-default" => one(false),
            "owner-id" => one(ACCOUNT),
            "state" => one("available"),
            _ => one(self.cidr),
        }
    }
}

/// A network in a parameter, in its canonical form (API Reference, CreateVpc, CidrBlock).
pub(super) fn network(p: &Params, name: &str) -> ApiResult<Ipv4Net> {
    let text = p.need(name)?;
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| {
        ApiError::invalid(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })
}

/// API Reference, CreateVpc: /16 to /28; the main route table and the default group come with it.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let cidr = network(p, "CidrBlock")?;
    if !(16..=28).contains(&cidr.prefix_len()) {
        return Err(ApiError::new(
            "InvalidVpc.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    if ctx.store.meter("vpcs") >= quotas::applied(ctx, &QuotaCode::VPCS) {
        return Err(ApiError::new(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    let vpc = Vpc {
        id: ctx.store.fresh("vpc"),
        cidr,
        tenancy: p.text("InstanceTenancy").unwrap_or("default").to_owned(),
        dns_support: true,
        dns_hostnames: false,
        tags: tags::of_new(p, "vpc")?,
    };
    furnish(ctx, &vpc);
    x.wrap("vpc", |x| write(x, &vpc));
    ctx.store.put(vpc);
    Ok(())
}

/// What a VPC is born with (VPC User Guide, VPC_Route_Tables "Main route table", default-security-group).
fn furnish(ctx: &mut Ctx<'_>, vpc: &Vpc) {
    let table = RouteTable {
        id: ctx.store.fresh("rtb"),
        vpc: vpc.id.clone(),
        main: true,
        routes: vec![local_route(vpc)],
        tags: Tags::new(),
    };
    let association = RouteAssociation {
        id: ctx.store.fresh("rtbassoc"),
        table: table.id.clone(),
        subnet: None,
    };
    let group = SecurityGroup {
        id: ctx.store.fresh("sg"),
        vpc: vpc.id.clone(),
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        tags: Tags::new(),
    };
    let mut from_itself = groups::all_egress(ctx, &group.id);
    from_itself.egress = false;
    from_itself.source = RuleSource::Group(group.id.clone());
    let egress = groups::all_egress(ctx, &group.id);
    ctx.store.put(table);
    ctx.store.put(association);
    ctx.store.put(group);
    ctx.store.put(from_itself);
    ctx.store.put(egress);
}

/// The route inside the VPC that every table has.
pub(super) fn local_route(vpc: &Vpc) -> Route {
    Route {
        destination: vpc.cidr,
        gateway: "local".to_owned(),
        origin: "CreateRouteTable".to_owned(),
    }
}

fn write(x: &mut Xml, vpc: &Vpc) {
    x.el("vpcId", &vpc.id)
        .el("ownerId", ACCOUNT)
        .el("state", "available")
        .el("cidrBlock", vpc.cidr)
        .el("dhcpOptionsId", "default")
        .el("instanceTenancy", &vpc.tenancy)
        .el("isDefault", false);
    x.items("cidrBlockAssociationSet", [vpc], |x, vpc| {
        x.el(
            "associationId",
            vpc.id.replacen("vpc-", "vpc-cidr-assoc-", 1),
        )
        .el("cidrBlock", vpc.cidr)
        .wrap("cidrBlockState", |x| {
            x.el("state", "associated");
        });
    });
    tags::write(x, &vpc.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<Vpc>(ctx, p)?;
    x.items("vpcSet", &page.items, |x, vpc| write(x, vpc));
    page.write_next(x);
    Ok(())
}

/// API Reference, ModifyVpcAttribute: the two DNS attributes not in one request; host names need DNS support.
pub(super) fn modify(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let mut vpc: Vpc = ctx.copy(p.need("VpcId")?)?;
    let support = p.flag("EnableDnsSupport.Value")?;
    let hostnames = p.flag("EnableDnsHostnames.Value")?;
    match (support, hostnames) {
        (Some(_), Some(_)) => {
            return Err(ApiError::combination(
                "Only one attribute may be modified in a request",
            ));
        }
        (None, None) => return Err(ApiError::missing("EnableDnsHostnames")),
        (Some(support), None) => vpc.dns_support = support,
        (None, Some(hostnames)) => vpc.dns_hostnames = hostnames,
    }
    if vpc.dns_hostnames && !vpc.dns_support {
        return Err(ApiError::invalid(
            "DNS host names need DNS support to be enabled",
        ));
    }
    ctx.store.put(vpc);
    x.done();
    Ok(())
}

pub(super) fn describe_attribute(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let vpc: &Vpc = ctx.find(p.need("VpcId")?)?;
    let attribute = p.need("Attribute")?;
    let value = match attribute {
        "enableDnsSupport" => vpc.dns_support,
        "enableDnsHostnames" => vpc.dns_hostnames,
        "enableNetworkAddressUsageMetrics" => false,
        other => {
            return Err(ApiError::invalid(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    x.el("vpcId", &vpc.id).wrap(attribute, |x| {
        x.el("value", value);
    });
    Ok(())
}

/// API Reference, DeleteVpc: what came with the VPC goes with it; everything else keeps it.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<Vpc>(p.need("VpcId")?)?.id.clone();
    check_deletable(ctx.store, &id)?;
    for table in ctx.store.referrers(&id, Edge::MainTableOfVpc) {
        for association in ctx.store.referrers(&table, Edge::AssociationOfTable) {
            ctx.store.remove(&association);
        }
        ctx.store.remove(&table);
    }
    for group in ctx.store.referrers(&id, Edge::DefaultGroupOfVpc) {
        groups::remove(ctx, &group);
    }
    ctx.store.remove(&id);
    x.done();
    Ok(())
}
