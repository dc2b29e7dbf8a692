//! Root and data volumes.

use std::collections::BTreeMap;
use std::ops::Range;

use super::names::named;
use crate::catalog;
use crate::model::{ImageRef, NodeName, RootVolume};
use crate::profile::codes::{BAD_MOUNT, IMAGE_MISFIT, MOUNT_TAKEN, TOO_MANY, VOLUME_RATIO};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::types::DataVolume;

/// EC2 attaches data volumes as `/dev/sdf` to `/dev/sdp`.
const MOST_VOLUMES: usize = 11;
const DEFAULT_ROOT_GIB: u32 = 100;
const BASE_IOPS: u32 = 3000;
const BASE_THROUGHPUT_MIB: u32 = 125;
const IOPS_PER_GIB: u32 = 500;
const IOPS_PER_MIB: u32 = 4;
const LONGEST_MOUNT: usize = 100;

/// What gp3 asks of every volume.
struct Speed {
    iops: u32,
    throughput_mib: u32,
}

pub(super) fn root(node: &Fields<'_>, image: &ImageRef, problems: &mut Problems) -> RootVolume {
    let fields = node.section("root_volume");
    let fields = fields.as_ref();
    let size = fields.and_then(|fields| fields.whole("size_gib"));
    let size_gib = size.as_ref().map_or(DEFAULT_ROOT_GIB, |at| at.value);
    let needed = catalog::image(&image.0).filter(|image| image.root_gib > size_gib);
    if let (Some(image), Some(at)) = (needed, &size) {
        problems
            .add(
                IMAGE_MISFIT,
                &at.span,
                format!("{} needs {} GiB", image.name, image.root_gib),
            )
            .says("the image does not fit")
            .advise(format!("size_gib = {} or more", image.root_gib));
    }
    let speed = speed(fields, size_gib, problems);
    RootVolume {
        size_gib,
        iops: speed.iops,
        throughput_mib: speed.throughput_mib,
    }
}

fn speed(fields: Option<&Fields<'_>>, size_gib: u32, problems: &mut Problems) -> Speed {
    let iops = fields.and_then(|fields| fields.whole("iops"));
    let throughput = fields.and_then(|fields| fields.whole("throughput_mib"));
    let speed = Speed {
        iops: iops.as_ref().map_or(BASE_IOPS, |at| at.value),
        throughput_mib: throughput
            .as_ref()
            .map_or(BASE_THROUGHPUT_MIB, |at| at.value),
    };
    // 3000 come with every volume, however small.
    let most_iops = size_gib.saturating_mul(IOPS_PER_GIB).max(BASE_IOPS);
    if let Some(at) = iops.filter(|at| at.value > most_iops) {
        problems
            .add(
                VOLUME_RATIO,
                &at.span,
                format!("{size_gib} GiB have at most {most_iops} IOPS"),
            )
            .says("too many for the size")
            .advise(format!(
                "gp3 gives {IOPS_PER_GIB} IOPS for each GiB: {} GiB or more",
                at.value.div_ceil(IOPS_PER_GIB)
            ));
    }
    let most_throughput = speed.iops / IOPS_PER_MIB;
    if let Some(at) = throughput.filter(|at| at.value > most_throughput) {
        problems
            .add(
                VOLUME_RATIO,
                &at.span,
                format!("{} IOPS carry at most {most_throughput} MiB/s", speed.iops),
            )
            .says("too much for the IOPS")
            .advise(format!(
                "set iops = {} or more",
                at.value.saturating_mul(IOPS_PER_MIB)
            ));
    }
    speed
}

pub(super) fn volumes(
    node: &Fields<'_>,
    problems: &mut Problems,
) -> BTreeMap<NodeName, DataVolume> {
    let named = named(node, "volume", problems);
    if let Some((_, at, _)) = named.get(MOST_VOLUMES) {
        problems
            .add(
                TOO_MANY,
                &at.span,
                format!("{} data volumes are more than a machine takes", named.len()),
            )
            .says("one too many")
            .advise(format!("a node may have {MOST_VOLUMES} data volumes"));
    }
    let mut mounts: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut volumes = BTreeMap::new();
    for (name, _, fields) in named {
        let size_gib = fields.whole("size_gib").map_or(1, |at| at.value);
        let speed = speed(Some(&fields), size_gib, problems);
        let Some(mount) = fields.text("mount") else {
            continue;
        };
        if check_mount(&mount, problems) {
            taken(&mount, &mut mounts, problems);
        }
        volumes.insert(
            name,
            DataVolume {
                size_gib,
                iops: speed.iops,
                throughput_mib: speed.throughput_mib,
                mount: mount.value.to_owned(),
                keep: fields.flag("keep"),
            },
        );
    }
    volumes
}

fn check_mount(at: &At<&str>, problems: &mut Problems) -> bool {
    let reason = mount_trouble(at.value);
    if let Some(reason) = reason {
        problems
            .add(
                BAD_MOUNT,
                &at.span,
                format!("{} cannot be a mount point", quote(at.value)),
            )
            .says(reason)
            .advise("an absolute path of its own, for example `/data`");
    }
    reason.is_none()
}

fn mount_trouble(path: &str) -> Option<&'static str> {
    const TAKEN: [&str; 16] = [
        "bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "root", "run",
        "sbin", "snap", "sys", "tmp", "usr",
    ];
    let Some(rest) = path.strip_prefix('/') else {
        return Some("not an absolute path");
    };
    let mut parts = rest.split('/');
    let first = parts.next().unwrap_or_default();
    if rest.is_empty() {
        Some("the root volume is here")
    } else if path.len() > LONGEST_MOUNT {
        Some("too long")
    } else if !path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
    {
        Some("letters, digits and . _ - / only")
    } else if rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("not a plain path")
    } else if TAKEN.contains(&first) || matches!(rest, "home" | "var" | "opt" | "srv/") {
        Some("the system is here")
    } else {
        None
    }
}

fn taken(at: &At<&str>, mounts: &mut BTreeMap<String, Range<usize>>, problems: &mut Problems) {
    if let Some(first) = mounts.get(at.value) {
        problems
            .add(
                MOUNT_TAKEN,
                &at.span,
                format!("{} is the mount point of two volumes", quote(at.value)),
            )
            .says("again here")
            .see(first, "first here")
            .advise("give each volume a mount point of its own");
    } else {
        mounts.insert(at.value.to_owned(), at.span.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points() {
        for good in [
            "/data",
            "/mnt/data",
            "/home/robot/bags",
            "/var/lib/docker",
            "/srv",
        ] {
            assert_eq!(mount_trouble(good), None, "{good}");
        }
        for bad in [
            "",
            "data",
            "/",
            "/etc",
            "/etc/x",
            "/usr/local",
            "/home",
            "/a/../b",
            "/a//b",
            "/a/",
            "/a b",
            "/a;b",
            "/$x",
        ] {
            assert!(mount_trouble(bad).is_some(), "{bad}");
        }
    }
}
