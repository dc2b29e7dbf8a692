//! The lockfile in a bucket: read whole, and replaced only if it is still the one that was read.

use std::sync::Arc;

use super::careful::{self, Careful};
use crate::model::{Failure, LabName};
use crate::port::{Clock, Expect, ObjectStore, ObjectTag};
use crate::state::{FORMAT, Lockfile, LockfileProblem, decode, encode, format_of};

/// Where the lab's state is shared.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The store.
    pub objects: Arc<dyn ObjectStore>,
    /// The lab's part of it, slash included.
    folder: String,
}

/// The shared lockfile as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// What it says.
    pub lockfile: Lockfile,
    /// Which content that is.
    pub tag: ObjectTag,
}

/// The shared lockfile could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The store refused.
    #[error("reach the shared lockfile {url}")]
    Call {
        /// The object.
        url: String,
        /// Why.
        failure: Box<Failure>,
    },
    /// The object is not text.
    #[error("use the shared lockfile {url}: it is not text")]
    NotText {
        /// The object.
        url: String,
    },
    /// The text is not a lockfile that can be used.
    #[error("use the shared lockfile {url}")]
    Problem {
        /// The object.
        url: String,
        /// Why.
        #[source]
        source: LockfileProblem,
    },
    /// Another run has written it since it was read.
    #[error("replace the shared lockfile {url}: it has changed since this run read it")]
    Changed {
        /// The object.
        url: String,
    },
}

impl Shared {
    /// The state of a lab in a store; `prefix` stands before everything.
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: &str, lab: &LabName) -> Self {
        let slash = if prefix.is_empty() || prefix.ends_with('/') {
            ""
        } else {
            "/"
        };
        Self {
            objects,
            folder: format!("{prefix}{slash}roboinfra/{lab}/"),
        }
    }

    /// The lockfile's object.
    pub fn key(&self) -> String {
        format!("{}roboinfra.lock", self.folder)
    }

    /// The lease's object.
    pub fn lease_key(&self) -> String {
        format!("{}lease.json", self.folder)
    }

    /// The lockfile as users write it.
    pub fn url(&self) -> String {
        format!("{}/{}", self.objects.place(), self.key())
    }

    /// Reads the lockfile; `None` if there is none.
    pub async fn fetch(&self, clock: &dyn Clock) -> Result<Option<Fetched>, SharedError> {
        let objects = self.objects.as_ref();
        let look = careful::look(objects, clock, &self.key(), careful::MOST).await;
        let Some(object) = look.map_err(|failure| self.refused(failure))?.object else {
            return Ok(None);
        };
        let text = String::from_utf8(object.bytes)
            .map_err(|_| SharedError::NotText { url: self.url() })?;
        let lockfile = decode(&text).map_err(|source| SharedError::Problem {
            url: self.url(),
            source,
        })?;
        let tag = object.tag;
        Ok(Some(Fetched { lockfile, tag }))
    }

    /// The tag of what is there, whatever it is, to be replaced knowingly. A newer format is not replaced.
    pub async fn tag_of_any(&self, clock: &dyn Clock) -> Result<Option<ObjectTag>, SharedError> {
        let objects = self.objects.as_ref();
        let look = careful::look(objects, clock, &self.key(), careful::MOST).await;
        let Some(object) = look.map_err(|failure| self.refused(failure))?.object else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&object.bytes);
        match format_of(&text).filter(|found| *found > FORMAT) {
            Some(found) => Err(SharedError::Problem {
                url: self.url(),
                source: LockfileProblem::NewerFormat {
                    found,
                    lockfile: None,
                },
            }),
            None => Ok(Some(object.tag)),
        }
    }

    /// Replaces what was read, or writes the first one.
    pub async fn write(
        &self,
        clock: &dyn Clock,
        lockfile: &Lockfile,
        replacing: Option<&ObjectTag>,
    ) -> Result<ObjectTag, SharedError> {
        let expect = replacing.map_or(Expect::Absent, |tag| Expect::Same(tag.clone()));
        let (objects, key, text) = (self.objects.as_ref(), self.key(), encode(lockfile));
        let put = careful::put(objects, clock, &key, text.as_bytes(), &expect).await;
        match put.map_err(|failure| self.refused(failure))? {
            Careful::Done(tag) => Ok(tag),
            Careful::Changed(_) => Err(SharedError::Changed { url: self.url() }),
        }
    }

    /// Takes the lockfile out of the store.
    pub async fn remove(&self, tag: &ObjectTag) -> Result<(), SharedError> {
        let removed = self.objects.remove(&self.key(), tag).await;
        if removed.map_err(|failure| self.refused(failure))? {
            Ok(())
        } else {
            Err(SharedError::Changed { url: self.url() })
        }
    }

    fn refused(&self, failure: Failure) -> SharedError {
        SharedError::Call {
            url: self.url(),
            failure: Box::new(failure),
        }
    }
}
