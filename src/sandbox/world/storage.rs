//! Volumes, snapshots and images.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{Edge, Indexed, Keys, Tags};

/// Where a volume is attached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) instance: String,
    pub(crate) device: String,
    pub(crate) delete_on_termination: bool,
    pub(crate) at: Timestamp,
}

/// The states of a volume that is attached to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum VolumeState {
    Creating,
    Available,
}

/// The last change of a volume's size or performance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Modification {
    pub(crate) started: Timestamp,
    /// When `optimizing` becomes `completed`.
    pub(crate) ends: Timestamp,
    pub(crate) original: (u32, String, Option<u32>, Option<u32>),
    pub(crate) target: (u32, String, Option<u32>, Option<u32>),
}

/// A volume.
#[expect(clippy::struct_field_names, reason = "the API's own name")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) size_gib: u32,
    pub(crate) volume_type: String,
    pub(crate) iops: Option<u32>,
    pub(crate) throughput: Option<u32>,
    pub(crate) encrypted: bool,
    pub(crate) kms_key: Option<String>,
    pub(crate) snapshot: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) state: VolumeState,
    pub(crate) ready: Option<Timestamp>,
    pub(crate) attachment: Option<Attachment>,
    pub(crate) modification: Option<Modification>,
    pub(crate) tags: Tags,
}

impl Volume {
    /// The state in EC2's words.
    pub(crate) fn status(&self) -> &'static str {
        match (self.attachment.is_some(), self.state) {
            (true, _) => "in-use",
            (false, VolumeState::Creating) => "creating",
            (false, VolumeState::Available) => "available",
        }
    }
}

impl Indexed for Volume {
    fn index(&self, keys: &mut Keys) {
        if let Some(attachment) = &self.attachment {
            keys.edge(Edge::AttachedVolume, &self.id);
            keys.edge(Edge::VolumeOfInstance, &attachment.instance);
        }
        keys.due = self.ready;
    }
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) volume: String,
    pub(crate) size_gib: u32,
    pub(crate) encrypted: bool,
    pub(crate) description: String,
    pub(crate) started: Timestamp,
    pub(crate) ready: Timestamp,
    pub(crate) tags: Tags,
}

impl Indexed for Snapshot {}

/// One block device of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImageDevice {
    pub(crate) device: String,
    pub(crate) snapshot: String,
    pub(crate) size_gib: u32,
    pub(crate) volume_type: String,
    pub(crate) encrypted: bool,
    pub(crate) delete_on_termination: bool,
}

/// An image: the account's own, or one of the public ones that the sandbox ships.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner: String,
    pub(crate) owner_alias: Option<String>,
    pub(crate) architecture: String,
    pub(crate) root_device: String,
    pub(crate) devices: Vec<ImageDevice>,
    pub(crate) created: Timestamp,
    pub(crate) ready: Timestamp,
    pub(crate) tags: Tags,
}

impl Indexed for Image {
    fn index(&self, keys: &mut Keys) {
        keys.name(format!("image/{}", self.name));
        for device in &self.devices {
            keys.edge(Edge::ImageOfSnapshot, &device.snapshot);
        }
    }
}
