//! The container images with fixed tags, and the Dockerfiles of those that are built on the host.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// An image with a fixed tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Registry, name and tag.
    pub image: String,
    /// Where the tag was found.
    pub source: String,
}

static IMAGES: LazyLock<BTreeMap<String, Image>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../templates/images.toml"))
        .expect("the table of images is TOML of this shape: a test reads it")
});

const DOCKERFILES: &[(&str, &str)] = &[
    (
        "cognitive",
        include_str!("../../../templates/images/cognitive/Dockerfile"),
    ),
    (
        "robot",
        include_str!("../../../templates/images/robot/Dockerfile"),
    ),
    (
        "ros2",
        include_str!("../../../templates/images/ros2/Dockerfile"),
    ),
];

/// Every image of the table, by its name there.
pub fn images() -> &'static BTreeMap<String, Image> {
    &IMAGES
}

/// The Dockerfile of an image that is built on the host.
pub(super) fn dockerfile(name: &str) -> Option<&'static str> {
    DOCKERFILES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// Whether a text names an image that stays the same: with a digest, or with a tag other than `latest`.
pub fn is_pinned(image: &str) -> bool {
    let clean = !image.is_empty()
        && image.len() <= 300
        && image.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && image
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/:@._-".contains(&b));
    if !clean || image.contains("//") {
        return false;
    }
    if let Some((name, digest)) = image.split_once('@') {
        let hex = digest.strip_prefix("sha256:");
        return !name.is_empty()
            && hex
                .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_some_and(|(name, tag)| {
        !name.is_empty() && !tag.is_empty() && tag != "latest" && !tag.contains(':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_a_fixed_tag_and_a_source() {
        assert!(images().len() > 5);
        for (name, image) in images() {
            assert!(is_pinned(&image.image), "{name}: {}", image.image);
            assert!(image.source.len() > 10, "{name}");
            assert!(
                image
                    .image
                    .split('/')
                    .next()
                    .is_some_and(|host| host.contains('.')),
                "{name} names its registry"
            );
        }
    }

    #[test]
    fn every_dockerfile_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/images");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of the images")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        found.sort();
        let listed: Vec<&str> = DOCKERFILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, listed);
        for (name, text) in DOCKERFILES {
            // Every stage begins with the pinned image, or with one before it.
            let stages = text.lines().filter_map(|line| line.strip_prefix("FROM "));
            assert!(
                stages
                    .into_iter()
                    .all(|from| from.starts_with("${BASE}") || from.starts_with("base")),
                "{name}"
            );
            assert!(text.contains("ARG BASE\n"), "{name}");
        }
    }

    #[test]
    fn images_that_stay_the_same() {
        let digest = format!("ghcr.io/acme/cognitive@sha256:{}", "0a".repeat(32));
        for good in [
            "redis:7.4.2",
            "localhost:5000/a/b:1",
            "ghcr.io/acme/x:v1.2_3-rc",
            digest.as_str(),
        ] {
            assert!(is_pinned(good), "{good}");
        }
        for bad in [
            "",
            "redis",
            "redis:latest",
            "localhost:5000/redis",
            "a b:1",
            "-x:1",
            "x:1;id",
            "x@sha256:12",
            "x:",
            ":1",
            "a//b:1",
            "x:1:2",
            "$x:1",
        ] {
            assert!(!is_pinned(bad), "{bad}");
        }
    }
}
