//! Images by id.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Image;

use crate::aws::classify::failed;
use crate::aws::sight::count;
use crate::model::{Failure, FailureClass, ImageId, PinnedImage};

/// All that a launch needs to know of an image, which must be for `architecture`.
pub(in crate::aws) async fn read(
    ec2: &Client,
    image: &str,
    architecture: &str,
) -> Result<PinnedImage, Failure> {
    let answer = ec2
        .describe_images()
        .image_ids(image)
        .send()
        .await
        .map_err(failed("DescribeImages"))?;
    let found = answer.images().first().ok_or_else(|| {
        let message = format!("there is no image {image} in this region");
        Failure::local(FailureClass::NotFound, "DescribeImages", message)
    })?;
    let pinned = pin(found, image)?;
    if pinned.architecture == architecture {
        Ok(pinned)
    } else {
        let message = format!(
            "the image {image} ({}) is for {}, the instance types are {architecture}",
            pinned.name, pinned.architecture
        );
        Err(Failure::local(
            FailureClass::Invalid,
            "DescribeImages",
            message,
        ))
    }
}

fn pin(found: &Image, image: &str) -> Result<PinnedImage, Failure> {
    let lacking = |what: &str| {
        let message = format!("the image {image} does not tell its {what}");
        Failure::local(FailureClass::Invalid, "DescribeImages", message)
    };
    let root_device = found
        .root_device_name()
        .ok_or_else(|| lacking("root device"))?;
    let root = found
        .block_device_mappings()
        .iter()
        .find(|m| m.device_name() == Some(root_device));
    Ok(PinnedImage {
        id: ImageId::new(image),
        root_device: root_device.to_owned(),
        architecture: found
            .architecture()
            .ok_or_else(|| lacking("architecture"))?
            .as_str()
            .to_owned(),
        root_gib: root
            .and_then(|mapping| mapping.ebs())
            .and_then(|ebs| count(ebs.volume_size()))
            .unwrap_or_default(),
        name: found.name().unwrap_or(image).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{ArchitectureValues, BlockDeviceMapping, EbsBlockDevice};

    use super::*;

    #[test]
    fn the_root_device_and_its_size_are_found() {
        let mapping = |name: &str, size| {
            let ebs = EbsBlockDevice::builder().volume_size(size).build();
            BlockDeviceMapping::builder()
                .device_name(name)
                .ebs(ebs)
                .build()
        };
        let image = Image::builder()
            .root_device_name("/dev/sda1")
            .architecture(ArchitectureValues::X8664)
            .block_device_mappings(mapping("/dev/sdb", 99))
            .block_device_mappings(mapping("/dev/sda1", 8));
        let pinned = pin(&image.build(), "ami-1").expect("complete");
        assert_eq!(
            (pinned.root_gib, pinned.architecture.as_str()),
            (8, "x86_64")
        );
        assert!(pin(&Image::builder().build(), "ami-1").is_err());
    }
}
