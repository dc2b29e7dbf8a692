//! `CreateFleet` of type `instant`: the only one that needs no fleet afterwards.

use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::Instance;
use super::launch_spec::read;
use super::{launch, templates, tokens};

/// One pool of a fleet: the template with its override over it.
struct Pool {
    params: Params,
    instance_type: String,
}

/// A group of instances that one pool gave.
type Launched = (String, Vec<String>);

/// API Reference, CreateFleet: overrides are tried in their order (`prioritized`, `lowest-price` alike), until the
/// target is met; what cannot be launched is reported in `errorSet` and is no error of the call.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    if p.text("Type") != Some("instant") {
        return Err(ApiError::unsupported(
            "the sandbox speaks fleets of the type instant only",
        ));
    }
    let token = tokens::look_up(ctx, p, "")?;
    if !token.made.is_empty() {
        let groups = vec![(String::new(), token.made.clone())];
        write(ctx, x, "fleet-replayed", &groups, &[]);
        return Ok(());
    }
    let target: u32 = p
        .parsed("TargetCapacitySpecification.TotalTargetCapacity")?
        .ok_or_else(|| ApiError::missing("TotalTargetCapacity"))?;
    let spot = p.text("TargetCapacitySpecification.DefaultTargetCapacityType") == Some("spot");
    let mut left = target;
    let mut groups: Vec<Launched> = Vec::new();
    let mut errors: Vec<(String, ApiError)> = Vec::new();
    for pool in pools(ctx, p, spot)? {
        if left == 0 {
            break;
        }
        match fill(ctx, pool.params, left) {
            Ok(made) => {
                left = left.saturating_sub(u32::try_from(made.len()).unwrap_or(u32::MAX));
                groups.push((pool.instance_type, made));
            }
            Err(error) => errors.push((pool.instance_type, error)),
        }
    }
    let made: Vec<String> = groups.iter().flat_map(|(_, ids)| ids.clone()).collect();
    let id = ctx.store.fresh("fleet");
    if !made.is_empty() {
        tokens::keep(ctx, token, made);
    }
    write(ctx, x, &id, &groups, &errors);
    Ok(())
}

fn pools(ctx: &Ctx<'_>, p: &Params, spot: bool) -> ApiResult<Vec<Pool>> {
    let mut pools = Vec::new();
    for config in p.list("LaunchTemplateConfigs") {
        let named = config
            .child("LaunchTemplateSpecification")
            .ok_or_else(|| ApiError::missing("LaunchTemplateSpecification"))?;
        let base = templates::content(ctx, named)?;
        let mut overrides = config.list("Overrides");
        let none = Params::default();
        if overrides.is_empty() {
            overrides.push(&none);
        }
        for over in overrides {
            let mut params = base.clone();
            for name in ["InstanceType", "SubnetId", "ImageId"] {
                if let Some(value) = over.text(name) {
                    params.set(name, value);
                }
            }
            if spot {
                params.set("InstanceMarketOptions.MarketType", "spot");
            }
            pools.push(Pool {
                instance_type: params.text("InstanceType").unwrap_or_default().to_owned(),
                params,
            });
        }
    }
    if pools.is_empty() {
        return Err(ApiError::missing("LaunchTemplateConfigs"));
    }
    Ok(pools)
}

fn fill(ctx: &mut Ctx<'_>, mut params: Params, left: u32) -> ApiResult<Vec<String>> {
    params.set("MinCount", "1");
    params.set("MaxCount", &left.to_string());
    let spec = read(ctx, &params)?;
    launch::launch(ctx, &spec, None)
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, id: &str, groups: &[Launched], errors: &[(String, ApiError)]) {
    x.el("fleetId", id);
    x.items("errorSet", errors, |x, (name, error)| {
        x.el("errorCode", &error.code)
            .el("errorMessage", &error.message)
            .el("lifecycle", "on-demand")
            .wrap("launchTemplateAndOverrides", |x| {
                x.wrap("overrides", |x| {
                    x.el("instanceType", name);
                });
            });
    });
    x.items("fleetInstanceSet", groups, |x, (name, ids)| {
        let first = ids.first().and_then(|id| ctx.store.get::<Instance>(id));
        let spot = first.is_some_and(|it| it.spot_request.is_some());
        let name = first.map_or(name, |it| &it.instance_type);
        x.wrap("instanceIds", |x| {
            for id in ids {
                x.el("item", id);
            }
        });
        x.el("instanceType", name)
            .el("lifecycle", if spot { "spot" } else { "on-demand" });
    });
}
