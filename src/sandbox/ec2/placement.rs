//! Placement groups.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::PlacementGroup;
use super::listing::{Listed, list_where, one};
use super::tags;

impl Listed for PlacementGroup {
    const IDS: &'static str = "GroupId";
    const PAGE: Option<(usize, usize)> = None;
    const FILTERS: &'static [&'static str] = &["group-name", "group-arn", "state", "strategy"];
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "group-name" => one(&self.name),
            "group-arn" => one(arn(ctx, self)),
            "strategy" => one(&self.strategy),
            _ => one("available"),
        }
    }
}

fn arn(ctx: &Ctx<'_>, group: &PlacementGroup) -> String {
    format!(
        "arn:aws:ec2:{}:{ACCOUNT}:placement-group/{}",
        ctx.region, group.name
    )
}

/// API Reference, CreatePlacementGroup.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = p.need("GroupName")?;
    let strategy = p.text("Strategy").unwrap_or("cluster");
    if !["cluster", "spread", "partition"].contains(&strategy) {
        return Err(ApiError::invalid(format!(
            "Value ({strategy}) for parameter strategy is invalid."
        )));
    }
    if ctx.store.named(&format!("placement/{name}")).is_some() {
        return Err(ApiError::new(
            "InvalidPlacementGroup.Duplicate",
            format!("The placement group '{name}' already exists."),
        ));
    }
    let group = PlacementGroup {
        id: ctx.store.fresh("pg"),
        name: name.to_owned(),
        strategy: strategy.to_owned(),
        partitions: p.parsed("PartitionCount")?,
        tags: tags::of_new(p, "placement-group")?,
    };
    x.wrap("placementGroup", |x| write(ctx, x, &group));
    ctx.store.put(group);
    Ok(())
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, group: &PlacementGroup) {
    x.el("groupName", &group.name)
        .el("groupId", &group.id)
        .el("groupArn", arn(ctx, group))
        .el("strategy", &group.strategy)
        .el("state", "available")
        .opt("partitionCount", group.partitions);
    tags::write(x, &group.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let names = p.texts("GroupName");
    for name in &names {
        by_name(ctx, name)?;
    }
    let page = list_where::<PlacementGroup>(ctx, p, |group| {
        names.is_empty() || names.contains(&group.name.as_str())
    })?;
    x.items("placementGroupSet", &page.items, |x, it| write(ctx, x, it));
    Ok(())
}

/// The group of a name, or `InvalidPlacementGroup.Unknown`.
pub(super) fn by_name(ctx: &Ctx<'_>, name: &str) -> ApiResult<PlacementGroup> {
    ctx.store
        .named(&format!("placement/{name}"))
        .and_then(|id| ctx.store.get::<PlacementGroup>(id))
        .cloned()
        .ok_or_else(|| {
            ApiError::new(
                "InvalidPlacementGroup.Unknown",
                format!("The placement group '{name}' is unknown."),
            )
        })
}

/// API Reference, DeletePlacementGroup.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let group = by_name(ctx, p.need("GroupName")?)?;
    check_deletable(ctx.store, &group.id)?;
    ctx.store.remove(&group.id);
    x.done();
    Ok(())
}
