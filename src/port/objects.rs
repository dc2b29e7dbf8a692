//! A place for a few small objects that several machines share, such as an S3 bucket.
//!
//! Every write says what it expects to replace; a write that finds something else has no effect. The clock by which
//! objects are dated is the store's own, and so is the present moment that a reading brings: no machine's clock matters.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::Failure;

/// Which content an object has: another content has another tag. The store's own text, quotes included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTag(pub String);

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Which content that is.
    pub tag: ObjectTag,
    /// When it was written, by the store's clock.
    pub modified: Timestamp,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The object; `None` if there is none.
    pub object: Option<Object>,
    /// When it was read, by the store's clock.
    pub at: Timestamp,
}

/// What a write expects to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: the object is new.
    Absent,
    /// This content.
    Same(ObjectTag),
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was written, and has this tag now.
    Done(ObjectTag),
    /// Something else was there; nothing was written.
    Changed,
    /// Somebody else was writing at the same moment; nothing was written, and it is to be tried again.
    Busy,
}

/// Shared objects, written on condition.
#[async_trait]
pub trait ObjectStore: Send + Sync + fmt::Debug {
    /// Where it is, as users write it, for example `s3://my-state`.
    fn place(&self) -> String;

    /// Reads an object of at most `limit` bytes, and the store's clock.
    async fn look(&self, key: &str, limit: u64) -> Result<Look, Failure>;

    /// Writes an object whole if what is there is as expected.
    async fn put(&self, key: &str, bytes: &[u8], expect: &Expect) -> Result<Written, Failure>;

    /// Removes an object if it has this content; says whether it did.
    async fn remove(&self, key: &str, tag: &ObjectTag) -> Result<bool, Failure>;
}
