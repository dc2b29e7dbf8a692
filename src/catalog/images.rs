//! Images that have a name in the profile.

/// A known image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name in the profile.
    pub name: &'static str,
    /// Its system, as its /etc/os-release names it: id and version.
    pub system: (&'static str, &'static str),
    /// The user that logs in.
    pub user: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Whether the NVIDIA driver, Docker and the container toolkit are in the image.
    pub has_driver: bool,
    /// The smallest root volume its snapshot fits on, in GiB, as far as is known.
    pub root_gib: u32,
    /// The SSM public parameter for x86_64.
    x86_64: &'static str,
    /// The SSM public parameter for arm64, where there is such an image.
    arm64: Option<&'static str>,
}

impl Image {
    /// The SSM public parameter that holds the newest AMI id for `x86_64` or `arm64`.
    pub fn parameter(&self, architecture: &str) -> Option<&'static str> {
        match architecture {
            "x86_64" => Some(self.x86_64),
            "arm64" => self.arm64,
            _ => None,
        }
    }
}

/// Canonical publishes 22.04 under `ebs-gp2` and 24.04 under `ebs-gp3`; the other combinations do not resolve.
const IMAGES: &[Image] = &[
    Image {
        name: "ubuntu-22.04",
        system: ("ubuntu", "22.04"),
        user: "ubuntu",
        about: "Ubuntu 22.04 LTS, for ROS 2 Humble",
        has_driver: false,
        root_gib: 8,
        x86_64: "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        arm64: Some(
            "/aws/service/canonical/ubuntu/server/22.04/stable/current/arm64/hvm/ebs-gp2/ami-id",
        ),
    },
    Image {
        name: "ubuntu-24.04",
        system: ("ubuntu", "24.04"),
        user: "ubuntu",
        about: "Ubuntu 24.04 LTS, for ROS 2 Jazzy",
        has_driver: false,
        root_gib: 8,
        x86_64: "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        arm64: Some(
            "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
        ),
    },
    Image {
        name: "debian-12",
        system: ("debian", "12"),
        user: "admin",
        about: "Debian 12",
        has_driver: false,
        root_gib: 8,
        x86_64: "/aws/service/debian/release/12/latest/amd64",
        arm64: Some("/aws/service/debian/release/12/latest/arm64"),
    },
    Image {
        name: "dlami-base-22.04",
        system: ("ubuntu", "22.04"),
        user: "ubuntu",
        about: "AWS Deep Learning base image on Ubuntu 22.04: driver, Docker and container toolkit in it",
        has_driver: true,
        root_gib: 75,
        x86_64: "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        arm64: Some(
            "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        ),
    },
    Image {
        name: "dlami-base-24.04",
        system: ("ubuntu", "24.04"),
        user: "ubuntu",
        about: "AWS Deep Learning base image on Ubuntu 24.04: driver, Docker and container toolkit in it",
        has_driver: true,
        root_gib: 75,
        x86_64: "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
        arm64: None,
    },
];

/// Every image with a name.
pub fn images() -> &'static [Image] {
    IMAGES
}

/// The image of this name.
pub fn image(name: &str) -> Option<&'static Image> {
    IMAGES.iter().find(|image| image.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_by_architecture() {
        let jammy = image("ubuntu-22.04").expect("known");
        assert!(
            jammy
                .parameter("arm64")
                .is_some_and(|p| p.contains("/arm64/hvm/ebs-gp2/"))
        );
        assert_eq!(
            image("dlami-base-24.04").and_then(|i| i.parameter("arm64")),
            None
        );
        assert_eq!(jammy.parameter("riscv64"), None);
        assert_eq!(image("ubuntu-20.04"), None);
    }

    #[test]
    fn debian_logs_in_as_admin() {
        let users: Vec<_> = images()
            .iter()
            .map(|image| (image.name, image.user))
            .collect();
        assert!(users.contains(&("debian-12", "admin")));
        assert!(users.contains(&("ubuntu-24.04", "ubuntu")));
    }
}
