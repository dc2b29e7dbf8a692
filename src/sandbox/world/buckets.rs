//! S3 buckets and their objects. Names of buckets are one space for all regions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{Edge, Indexed, Keys};

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// `bucket/NAME`.
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) created: Timestamp,
    /// The `Status` of its versioning.
    pub(crate) versioning: Option<String>,
    /// Its encryption, as it was put.
    pub(crate) encryption: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) lifecycle: Option<String>,
    pub(crate) public_access_block: Option<String>,
}

impl Indexed for Bucket {}

/// An object: its newest version. Older ones are not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// `object/BUCKET/KEY`.
    pub(crate) id: String,
    pub(crate) bucket: String,
    /// Quotes included.
    pub(crate) tag: String,
    pub(crate) modified: Timestamp,
    pub(crate) content_type: String,
    /// Its bytes in hexadecimal digits.
    pub(crate) hex: String,
}

impl Indexed for Object {
    fn index(&self, keys: &mut Keys) {
        keys.edge(Edge::ObjectInBucket, &format!("bucket/{}", self.bucket));
    }
}
