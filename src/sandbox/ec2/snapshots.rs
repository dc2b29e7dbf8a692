//! Snapshots.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiResult, Params, Xml};
use super::super::world::{Snapshot, Volume};
use super::listing::{Listed, list_where, one};
use super::tags;

impl Listed for Snapshot {
    const IDS: &'static str = "SnapshotId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "description",
        "encrypted",
        "owner-id",
        "snapshot-id",
        "status",
        "volume-id",
        "volume-size",
    ];
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "volume-id" => one(&self.volume),
            "volume-size" => one(self.size_gib),
            "encrypted" => one(self.encrypted),
            "description" => one(&self.description),
            "status" => one(status(ctx, self)),
            "owner-id" => one(ACCOUNT),
            _ => one(&self.id),
        }
    }
}

fn status(ctx: &Ctx<'_>, snapshot: &Snapshot) -> &'static str {
    if snapshot.ready > ctx.now {
        "pending"
    } else {
        "completed"
    }
}

/// API Reference, CreateSnapshot.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let volume: Volume = ctx.copy(p.need("VolumeId")?)?;
    let snapshot = Snapshot {
        id: ctx.store.fresh("snap"),
        volume: volume.id,
        size_gib: volume.size_gib,
        encrypted: volume.encrypted,
        description: p.text("Description").unwrap_or_default().to_owned(),
        started: ctx.now,
        ready: ctx.in_future(ctx.times().snapshot),
        tags: tags::of_new(p, "snapshot")?,
    };
    write(ctx, x, &snapshot);
    ctx.store.put(snapshot);
    Ok(())
}

fn write(ctx: &Ctx<'_>, x: &mut Xml, snapshot: &Snapshot) {
    let status = status(ctx, snapshot);
    let progress = if status == "completed" { "100%" } else { "0%" };
    x.el("snapshotId", &snapshot.id)
        .el("volumeId", &snapshot.volume)
        .el("status", status)
        .time("startTime", snapshot.started)
        .el("progress", progress)
        .el("ownerId", ACCOUNT)
        .el("volumeSize", snapshot.size_gib)
        .el("description", &snapshot.description)
        .el("encrypted", snapshot.encrypted)
        .el("storageTier", "standard");
    tags::write(x, &snapshot.tags);
}

/// API Reference, DescribeSnapshots: the sandbox knows only the account's own.
pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let owners = p.texts("Owner");
    let page = list_where::<Snapshot>(ctx, p, |_| {
        owners.is_empty() || owners.contains(&"self") || owners.contains(&ACCOUNT)
    })?;
    x.items("snapshotSet", &page.items, |x, it| write(ctx, x, it));
    page.write_next(x);
    Ok(())
}

pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let id = ctx.find::<Snapshot>(p.need("SnapshotId")?)?.id.clone();
    check_deletable(ctx.store, &id)?;
    ctx.store.remove(&id);
    x.done();
    Ok(())
}
