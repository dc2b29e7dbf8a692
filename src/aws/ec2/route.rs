//! Route tables, their routes, and their ties to subnets: one reading tells all three.

use std::str::FromStr;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, ResourceType, Route, RouteState, RouteTable, RouteTableAssociation,
};
use ipnet::Ipv4Net;

use super::tags;
use crate::aws::answer::{Done, already, born, gone, has_code, id, named};
use crate::aws::classify::failed;
use crate::aws::sight::{cloud_id, sighted};
use crate::inventory::{Owner, Seen, SeenAssociation, SeenRoute, SeenRouteTable, Sighting};
use crate::model::{Address, CloudId, Failure, FailureClass, Ref, Stamp, Tags};
use crate::port::Scope;

/// The most route tables that one page may hold: fewer than of anything else.
const PAGE: i32 = 100;

pub(in crate::aws) async fn read(ec2: &Client, scope: &Scope) -> Result<Vec<Sighting>, Failure> {
    find(ec2, tags::lab_filter(scope.lab.as_ref())).await
}

/// The tables that a filter finds, whoever's they are.
pub(in crate::aws) async fn find(ec2: &Client, filter: Filter) -> Result<Vec<Sighting>, Failure> {
    let found = ec2
        .describe_route_tables()
        .filters(filter)
        .into_paginator()
        .page_size(PAGE)
        .items()
        .send()
        .collect::<Result<Vec<RouteTable>, _>>()
        .await
        .map_err(failed("DescribeRouteTables"))?;
    Ok(found.iter().flat_map(sightings).collect())
}

/// The table, its routes and its ties. Routes and ties carry no tags: whose the table is, theirs they are.
fn sightings(table: &RouteTable) -> Vec<Sighting> {
    let Some(id) = cloud_id(table.route_table_id()) else {
        return Vec::new();
    };
    let seen = Seen::RouteTable(SeenRouteTable {
        vpc: cloud_id(table.vpc_id()),
    });
    let whole = sighted(id.as_str(), tags::of(table.tags()), None, seen);
    let owner = whole.owner.clone();
    let routes = table
        .routes()
        .iter()
        .filter_map(|route| seen_route(&id, route));
    let ties = table
        .associations()
        .iter()
        .filter_map(|tie| seen_tie(&id, tie));
    let parts: Vec<_> = routes
        .chain(ties)
        .map(|(id, address, seen)| Sighting {
            id,
            owner: at(&owner, address),
            tags: Tags::new(),
            created: None,
            seen,
        })
        .collect();
    std::iter::once(whole).chain(parts).collect()
}

/// The same owner, at another address.
pub(in crate::aws) fn at(owner: &Owner, address: Option<Address>) -> Owner {
    match owner {
        Owner::Lab { name, id, run, .. } => Owner::Lab {
            name: name.clone(),
            id: id.clone(),
            address,
            run: run.clone(),
        },
        Owner::Foreign => Owner::Foreign,
    }
}

/// A route of the table's own; the local route and those to prefix lists are not.
fn seen_route(table: &CloudId, route: &Route) -> Option<(CloudId, Option<Address>, Seen)> {
    let gateway = cloud_id(route.gateway_id());
    if gateway
        .as_ref()
        .is_some_and(|gateway| gateway.as_str() == "local")
    {
        return None;
    }
    let destination = Ipv4Net::from_str(route.destination_cidr_block()?).ok()?;
    let name = if destination.prefix_len() == 0 {
        "default".to_owned()
    } else {
        destination.to_string().replace('/', "-")
    };
    let seen = SeenRoute {
        table: table.clone(),
        destination,
        gateway,
        blackhole: route.state() == Some(&RouteState::Blackhole),
    };
    Some((
        CloudId::new(format!("{table}/{destination}")),
        Some(Address::of(&["network", "route", &name])),
        Seen::Route(seen),
    ))
}

/// A tie to a subnet; the main table's tie to the VPC is not one. Its address needs the subnet's zone: see `collect`.
fn seen_tie(
    table: &CloudId,
    tie: &RouteTableAssociation,
) -> Option<(CloudId, Option<Address>, Seen)> {
    let subnet = cloud_id(tie.subnet_id())?;
    if tie.main() == Some(true) {
        return None;
    }
    let seen = SeenAssociation {
        table: table.clone(),
        subnet,
    };
    Some((
        cloud_id(tie.route_table_association_id())?,
        None,
        Seen::RouteTableAssociation(seen),
    ))
}

pub(in crate::aws) async fn create_table(ec2: &Client, vpc: &Ref, stamp: &Stamp) -> Done {
    let answer = ec2
        .create_route_table()
        .vpc_id(id(vpc, "CreateRouteTable")?)
        .client_token(stamp.token.as_str())
        .tag_specifications(tags::specification(ResourceType::RouteTable, &stamp.tags))
        .send()
        .await
        .map_err(failed("CreateRouteTable"))?;
    let table = answer.route_table().and_then(RouteTable::route_table_id);
    Ok(born(named(table, "CreateRouteTable")?, None))
}

pub(in crate::aws) async fn create_route(
    ec2: &Client,
    table: &Ref,
    destination: Ipv4Net,
    gateway: &Ref,
) -> Done {
    let table = id(table, "CreateRoute")?;
    let result = ec2
        .create_route()
        .route_table_id(table)
        .destination_cidr_block(destination.to_string())
        .gateway_id(id(gateway, "CreateRoute")?)
        .send()
        .await
        .map_err(failed("CreateRoute"));
    already(&["RouteAlreadyExists"], result)?;
    Ok(born(format!("{table}/{destination}"), None))
}

/// Ties a subnet to the table. Where EC2 says that it is tied already, the tie is looked up: it may be this one.
pub(in crate::aws) async fn associate(ec2: &Client, table: &Ref, subnet: &Ref) -> Done {
    let table = id(table, "AssociateRouteTable")?;
    let subnet = id(subnet, "AssociateRouteTable")?;
    let result = ec2
        .associate_route_table()
        .route_table_id(table)
        .subnet_id(subnet)
        .send()
        .await
        .map_err(failed("AssociateRouteTable"));
    match result {
        Ok(answer) => Ok(born(
            named(answer.association_id(), "AssociateRouteTable")?,
            None,
        )),
        Err(failure) if has_code(&failure, &["Resource.AlreadyAssociated"]) => {
            let tie = tie_between(ec2, table, subnet).await?.ok_or(failure)?;
            Ok(born(tie, None))
        }
        Err(failure) => Err(failure),
    }
}

async fn tie_between(ec2: &Client, table: &str, subnet: &str) -> Result<Option<String>, Failure> {
    let answer = ec2
        .describe_route_tables()
        .filters(tags::filter("route-table-id", [table]))
        .send()
        .await
        .map_err(failed("DescribeRouteTables"))?;
    let ties = answer
        .route_tables()
        .iter()
        .flat_map(RouteTable::associations);
    Ok(ties
        .filter(|tie| tie.subnet_id() == Some(subnet))
        .find_map(|tie| tie.route_table_association_id().map(str::to_owned)))
}

/// Deletes a route by its id, `TABLE/DESTINATION`.
pub(in crate::aws) async fn delete_route(ec2: &Client, route: &str) -> Done {
    let (table, destination) = route.split_once('/').ok_or_else(|| {
        let message = format!("{route} is not a route's id");
        Failure::local(FailureClass::Invalid, "DeleteRoute", message)
    })?;
    let call = ec2
        .delete_route()
        .route_table_id(table)
        .destination_cidr_block(destination);
    gone(call.send().await.map_err(failed("DeleteRoute")))
}

pub(in crate::aws) async fn disassociate(ec2: &Client, tie: &str) -> Done {
    let call = ec2.disassociate_route_table().association_id(tie);
    gone(call.send().await.map_err(failed("DisassociateRouteTable")))
}

pub(in crate::aws) async fn delete_table(ec2: &Client, table: &str) -> Done {
    let call = ec2.delete_route_table().route_table_id(table);
    gone(call.send().await.map_err(failed("DeleteRouteTable")))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;
    use crate::model::{TAG_ADDRESS, TAG_LAB, TAG_LAB_ID};

    fn route(destination: &str, gateway: &str) -> Route {
        Route::builder()
            .destination_cidr_block(destination)
            .gateway_id(gateway)
            .build()
    }

    #[test]
    fn routes_and_ties_belong_to_whom_the_table_belongs() {
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let main = RouteTableAssociation::builder()
            .route_table_association_id("rtbassoc-0")
            .main(true);
        let tie = RouteTableAssociation::builder()
            .route_table_association_id("rtbassoc-1")
            .subnet_id("subnet-1")
            .main(false);
        let table = RouteTable::builder()
            .route_table_id("rtb-1")
            .tags(tag(TAG_LAB, "twin"))
            .tags(tag(TAG_LAB_ID, "x1"))
            .tags(tag(TAG_ADDRESS, "network.route-table"))
            .routes(route("10.0.0.0/16", "local"))
            .routes(route("0.0.0.0/0", "igw-1"))
            .routes(route("192.0.2.0/24", "igw-1"))
            .associations(main.build())
            .associations(tie.build())
            .build();
        let seen: Vec<_> = sightings(&table)
            .into_iter()
            .map(|s| match s.owner {
                Owner::Lab { address, .. } => (s.id.to_string(), address.map(|a| a.to_string())),
                Owner::Foreign => (s.id.to_string(), Some("foreign".to_owned())),
            })
            .collect();
        let expected = [
            ("rtb-1", Some("network.route-table")),
            ("rtb-1/0.0.0.0/0", Some("network.route.default")),
            ("rtb-1/192.0.2.0/24", Some("network.route.192.0.2.0-24")),
            ("rtbassoc-1", None),
        ];
        let expected = expected.map(|(id, at)| (id.to_owned(), at.map(str::to_owned)));
        assert_eq!(seen, expected);
    }
}
