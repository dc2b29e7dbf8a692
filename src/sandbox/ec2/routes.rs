//! Route tables, routes and associations.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Edge, Gateway, Route, RouteAssociation, RouteTable, Subnet, Vpc};
use super::listing::{Listed, list, one};
use super::{tags, tokens, vpcs};

impl Listed for RouteTable {
    const IDS: &'static str = "RouteTableId";
    const PAGE: Option<(usize, usize)> = Some((5, 100));
    const FILTERS: &'static [&'static str] = &[
        "association.main",
        "association.route-table-association-id",
        "association.route-table-id",
        "association.subnet-id",
        "owner-id",
        "route-table-id",
        "route.destination-cidr-block",
        "route.gateway-id",
        "vpc-id",
    ];
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        let associations = || associations(ctx, &self.id);
        match filter {
            "vpc-id" => one(&self.vpc),
            "association.main" => associations()
                .map(|it| it.subnet.is_none().to_string())
                .collect(),
            "association.route-table-association-id" => {
                associations().map(|it| it.id.clone()).collect()
            }
            "association.subnet-id" => associations().filter_map(|it| it.subnet.clone()).collect(),
            "route.destination-cidr-block" => self
                .routes
                .iter()
                .map(|route| route.destination.to_string())
                .collect(),
            "route.gateway-id" => self.routes.iter().map(|it| it.gateway.clone()).collect(),
            "owner-id" => one(ACCOUNT),
            _ => one(&self.id),
        }
    }
}

fn associations<'a>(ctx: &'a Ctx<'_>, table: &str) -> impl Iterator<Item = &'a RouteAssociation> {
    ctx.store
        .hanging::<RouteAssociation>(table, Edge::AssociationOfTable)
}

/// API Reference, CreateRouteTable.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let vpc: Vpc = ctx.copy(p.need("VpcId")?)?;
    let token = tokens::look_up(ctx, p, "")?;
    let table = match token.made.first() {
        Some(id) => ctx.copy(id)?,
        None => RouteTable {
            id: ctx.store.fresh("rtb"),
            routes: vec![vpcs::local_route(&vpc)],
            vpc: vpc.id,
            main: false,
            tags: tags::of_new(p, "route-table")?,
        },
    };
    x.wrap("routeTable", |x| write(ctx, x, &table));
    x.opt("clientToken", p.text("ClientToken"));
    tokens::keep(ctx, token, vec![table.id.clone()]);
    ctx.store.put(table);
    Ok(())
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, table: &RouteTable) {
    x.el("routeTableId", &table.id)
        .el("vpcId", &table.vpc)
        .el("ownerId", ACCOUNT);
    x.items("routeSet", &table.routes, |x, route| {
        // VPC User Guide, "Troubleshoot": a route whose target is gone or detached is a black hole.
        let alive = route.gateway == "local"
            || ctx
                .store
                .get::<Gateway>(&route.gateway)
                .is_some_and(|gateway| gateway.vpc.is_some());
        x.el("destinationCidrBlock", route.destination)
            .el("gatewayId", &route.gateway)
            .el("state", if alive { "active" } else { "blackhole" })
            .el("origin", &route.origin);
    });
    x.items("associationSet", associations(ctx, &table.id), |x, it| {
        x.el("routeTableAssociationId", &it.id)
            .el("routeTableId", &it.table)
            .opt("subnetId", it.subnet.as_ref())
            .el("main", it.subnet.is_none())
            .wrap("associationState", |x| {
                x.el("state", "associated");
            });
    });
    tags::write(x, &table.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<RouteTable>(ctx, p)?;
    x.items("routeTableSet", &page.items, |x, it| write(ctx, x, it));
    page.write_next(x);
    Ok(())
}

/// API Reference, DeleteRouteTable.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<RouteTable>(p.need("RouteTableId")?)?.id.clone();
    check_deletable(ctx.store, &id)?;
    ctx.store.remove(&id);
    x.done();
    Ok(())
}

/// API Reference, CreateRoute: an internet gateway must be attached to the table's VPC.
pub(super) fn create_route(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let table: RouteTable = ctx.copy(p.need("RouteTableId")?)?;
    let destination = vpcs::network(p, "DestinationCidrBlock")?;
    let gateway: Gateway = ctx.copy(p.need("GatewayId")?)?;
    if gateway.vpc.as_ref() != Some(&table.vpc) {
        return Err(ApiError::invalid(format!(
            "route table {} and network gateway {} belong to different networks",
            table.id, gateway.id
        )));
    }
    if table
        .routes
        .iter()
        .any(|route| route.destination == destination)
    {
        return Err(ApiError::new(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    ctx.store.update::<RouteTable>(&table.id, |table| {
        table.routes.push(Route {
            destination,
            gateway: gateway.id,
            origin: "CreateRoute".to_owned(),
        });
    });
    x.done();
    Ok(())
}

/// API Reference, DeleteRoute: the local route stays.
pub(super) fn delete_route(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let table: RouteTable = ctx.copy(p.need("RouteTableId")?)?;
    let destination = vpcs::network(p, "DestinationCidrBlock")?;
    let route = table
        .routes
        .iter()
        .find(|route| route.destination == destination)
        .ok_or_else(|| {
            ApiError::new(
                "InvalidRoute.NotFound",
                format!(
                    "no route with destination-cidr-block {destination} in route table {}",
                    table.id
                ),
            )
        })?;
    if route.gateway == "local" {
        return Err(ApiError::invalid(format!(
            "cannot remove local route {destination} in route table {}",
            table.id
        )));
    }
    ctx.store.update::<RouteTable>(&table.id, |table| {
        table
            .routes
            .retain(|route| route.destination != destination);
    });
    x.done();
    Ok(())
}

/// API Reference, AssociateRouteTable: a subnet has one table; both are of one VPC.
pub(super) fn associate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let table: RouteTable = ctx.copy(p.need("RouteTableId")?)?;
    let subnet: Subnet = ctx.copy(p.need("SubnetId")?)?;
    if table.vpc != subnet.vpc {
        return Err(ApiError::invalid(format!(
            "Route table {} and subnet {} belong to different networks",
            table.id, subnet.id
        )));
    }
    let had = ctx
        .store
        .hanging::<RouteAssociation>(&subnet.id, Edge::AssociationOfSubnet)
        .next();
    // The action is idempotent for the same table; another one must be disassociated first.
    let id = match had {
        Some(had) if had.table == table.id => had.id.clone(),
        Some(had) => {
            return Err(ApiError::new(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {} conflicts with an existing association ({})",
                    table.id, had.id
                ),
            ));
        }
        None => {
            let association = RouteAssociation {
                id: ctx.store.fresh("rtbassoc"),
                table: table.id,
                subnet: Some(subnet.id),
            };
            let id = association.id.clone();
            ctx.store.put(association);
            id
        }
    };
    x.el("associationId", id).wrap("associationState", |x| {
        x.el("state", "associated");
    });
    Ok(())
}

/// API Reference, DisassociateRouteTable: the main association cannot be taken off.
pub(super) fn disassociate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let association: RouteAssociation = ctx.copy(p.need("AssociationId")?)?;
    if association.subnet.is_none() {
        return Err(ApiError::invalid(format!(
            "cannot disassociate the main route table association {}",
            association.id
        )));
    }
    ctx.store.remove(&association.id);
    x.done();
    Ok(())
}
