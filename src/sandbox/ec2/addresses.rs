//! Elastic IPs.

use std::net::Ipv4Addr;

use crate::model::QuotaCode;

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::quotas;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Address, Edge, Instance, Interface, Phase};
use super::listing::{Listed, list_where, maybe, one};
use super::tags;

impl Listed for Address {
    const IDS: &'static str = "AllocationId";
    const PAGE: Option<(usize, usize)> = None;
    const FILTERS: &'static [&'static str] = &[
        "allocation-id",
        "association-id",
        "domain",
        "instance-id",
        "network-interface-id",
        "private-ip-address",
        "public-ip",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "association-id" => maybe(self.association.as_ref()),
            "instance-id" => maybe(self.instance.as_ref()),
            "network-interface-id" => maybe(self.interface.as_ref()),
            "private-ip-address" => self.private_ip.iter().map(ToString::to_string).collect(),
            "public-ip" => one(self.public_ip),
            "domain" => one("vpc"),
            _ => one(&self.id),
        }
    }
}

/// A public address that nothing has. All are of 198.18.0.0/15, which RFC 2544 keeps for benchmarks: a connection to
/// one of them never reaches anybody's machine.
pub(super) fn public_address(ctx: &mut Ctx<'_>) -> Ipv4Addr {
    loop {
        let offset = u32::try_from(ctx.store.ids.number() % (1 << 17)).unwrap_or_default();
        let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + offset);
        if ctx.store.named(&format!("public/{ip}")).is_none() {
            return ip;
        }
    }
}

/// API Reference, AllocateAddress; five by default (User Guide, elastic-ip-addresses-eip, "quota").
pub(super) fn allocate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    if p.text("Domain").is_some_and(|domain| domain != "vpc") {
        return Err(ApiError::invalid("Invalid value for domain: only vpc"));
    }
    if ctx.store.meter("elastic-ips") >= quotas::applied(ctx, &QuotaCode::ELASTIC_IPS) {
        return Err(ApiError::new(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ));
    }
    let address = Address {
        id: ctx.store.fresh("eipalloc"),
        public_ip: public_address(ctx),
        association: None,
        interface: None,
        instance: None,
        private_ip: None,
        tags: tags::of_new(p, "elastic-ip")?,
    };
    x.el("publicIp", address.public_ip)
        .el("domain", "vpc")
        .el("allocationId", &address.id)
        .el("publicIpv4Pool", "amazon")
        .el("networkBorderGroup", ctx.region);
    ctx.store.put(address);
    Ok(())
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let asked = p.texts("PublicIp");
    let page = list_where::<Address>(ctx, p, |address| {
        asked.is_empty() || asked.contains(&address.public_ip.to_string().as_str())
    })?;
    if let Some(missing) = asked
        .iter()
        .find(|ip| ctx.store.named(&format!("public/{ip}")).is_none())
    {
        return Err(ApiError::new(
            "InvalidAddress.NotFound",
            format!("Address '{missing}' not found."),
        ));
    }
    x.items("addressesSet", &page.items, |x, address| {
        x.el("publicIp", address.public_ip)
            .el("allocationId", &address.id)
            .el("domain", "vpc")
            .opt("instanceId", address.instance.as_ref())
            .opt("associationId", address.association.as_ref())
            .opt("networkInterfaceId", address.interface.as_ref())
            .opt("privateIpAddress", address.private_ip)
            .el("publicIpv4Pool", "amazon")
            .el("networkBorderGroup", ctx.region);
        if address.interface.is_some() {
            x.el("networkInterfaceOwnerId", ACCOUNT);
        }
        tags::write(x, &address.tags);
    });
    Ok(())
}

/// API Reference, AssociateAddress. It is idempotent; `AllowReassociation` is true unless it is sent as false; the
/// VPC needs an internet gateway; a pending instance is not ready.
pub(super) fn associate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let address: Address = ctx.copy(p.need("AllocationId")?)?;
    let interface = target(ctx, p)?;
    let reassociate = p.flag("AllowReassociation")?.unwrap_or(true);
    if address.interface.as_ref() == Some(&interface.id) {
        x.opt("associationId", address.association.as_ref());
        return Ok(());
    }
    if !ctx.store.is_referred(&interface.vpc, Edge::GatewayOfVpc) {
        return Err(ApiError::new(
            "Gateway.NotAttached",
            format!(
                "Network {} is not attached to any internet gateway",
                interface.vpc
            ),
        ));
    }
    if address.association.is_some() && !reassociate {
        return Err(ApiError::new(
            "Resource.AlreadyAssociated",
            format!(
                "resource {} is already associated with associate-id {}",
                address.id,
                address.association.unwrap_or_default()
            ),
        ));
    }
    if let Some(other) = &interface.elastic
        && !reassociate
    {
        return Err(ApiError::new(
            "Resource.AlreadyAssociated",
            format!(
                "resource {} is already associated with {other}",
                interface.id
            ),
        ));
    }
    take_off(ctx, &address.id);
    if let Some(other) = &interface.elastic {
        take_off(ctx, other);
    }
    let association = ctx.store.fresh("eipassoc");
    ctx.store.update::<Address>(&address.id, |address| {
        address.association = Some(association.clone());
        address.interface = Some(interface.id.clone());
        address.instance = interface.attachment.as_ref().map(|it| it.instance.clone());
        address.private_ip = Some(interface.private_ip);
    });
    // User Guide, elastic-ip-addresses-eip: the automatic public address is released.
    ctx.store.update::<Interface>(&interface.id, |interface| {
        interface.elastic = Some(address.id.clone());
        interface.public_ip = None;
    });
    x.el("associationId", association);
    Ok(())
}

/// The interface that a call means: named, or the instance's first.
fn target(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Interface> {
    if let Some(interface) = p.text("NetworkInterfaceId") {
        return ctx.copy(interface);
    }
    let instance: &Instance = ctx.find(p.need("InstanceId")?)?;
    match instance.phase {
        Phase::Pending => {
            return Err(ApiError::new(
                "InvalidInstanceID",
                format!(
                    "The pending instance '{}' is not in a valid state for this operation",
                    instance.id
                ),
            ));
        }
        Phase::ShuttingDown | Phase::Terminated => {
            return Err(ApiError::new(
                "IncorrectInstanceState",
                format!("The instance '{}' is not in a valid state", instance.id),
            ));
        }
        Phase::Running | Phase::Stopping | Phase::Stopped => {}
    }
    primary(ctx, &instance.id).cloned().ok_or_else(|| {
        ApiError::new(
            "InvalidInstanceID",
            format!("The instance '{}' has no network interface", instance.id),
        )
    })
}

/// The first interface of an instance.
pub(super) fn primary<'a>(ctx: &'a Ctx<'_>, instance: &str) -> Option<&'a Interface> {
    ctx.store
        .hanging::<Interface>(instance, Edge::InterfaceOfInstance)
        .find(|it| {
            it.attachment
                .as_ref()
                .is_some_and(|at| at.device_index == 0)
        })
}

/// Takes an address off its interface. An instance that is up and has automatic addresses gets one again (VPC User
/// Guide, "Elastic IP addresses": disassociating).
pub(super) fn take_off(ctx: &mut Ctx<'_>, id: &str) {
    let Some(interface) = ctx
        .store
        .get::<Address>(id)
        .and_then(|address| address.interface.clone())
    else {
        return;
    };
    ctx.store.update::<Address>(id, Address::detach);
    ctx.store
        .update::<Interface>(&interface, |interface| interface.elastic = None);
    give_public_address(ctx, &interface);
}

/// Gives an interface an automatic public address, if it wants one and its instance is up.
pub(super) fn give_public_address(ctx: &mut Ctx<'_>, id: &str) {
    let wants = ctx.store.get::<Interface>(id).is_some_and(|interface| {
        let up = interface
            .attachment
            .as_ref()
            .and_then(|at| ctx.store.get::<Instance>(&at.instance))
            .is_some_and(|instance| matches!(instance.phase, Phase::Pending | Phase::Running));
        up && interface.wants_public_ip
            && interface.public_ip.is_none()
            && interface.elastic.is_none()
    });
    if wants {
        let ip = public_address(ctx);
        ctx.store
            .update::<Interface>(id, |interface| interface.public_ip = Some(ip));
    }
}

/// API Reference, DisassociateAddress: idempotent in effect, but an association that is gone is not found.
pub(super) fn disassociate(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let association = p.need("AssociationId")?;
    let id = ctx.store.named(association).ok_or_else(|| {
        ApiError::new(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{association}' does not exist"),
        )
    })?;
    let id = id.to_owned();
    take_off(ctx, &id);
    x.done();
    Ok(())
}

/// API Reference, ReleaseAddress.
pub(super) fn release(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<Address>(p.need("AllocationId")?)?.id.clone();
    check_deletable(ctx.store, &id)?;
    ctx.store.remove(&id);
    x.done();
    Ok(())
}
