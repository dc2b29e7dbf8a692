//! Objects read and written on condition.
//!
//! User Guide, "How to prevent object overwrites with conditional writes" and "conditional deletes": 412 where the
//! condition does not hold, 409 where another write or delete came in between, 404 where `If-Match` finds no object.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;

use super::bucket::{Bucket, StoreClock};
use crate::aws::answer::has_code;
use crate::aws::classify::{causes, failed};
use crate::model::{Failure, FailureClass, Leftover};
use crate::port::{Expect, Look, Object, ObjectStore, ObjectTag, Written};

#[async_trait]
impl ObjectStore for Bucket {
    fn place(&self) -> String {
        format!("s3://{}", self.name)
    }

    async fn look(&self, key: &str, limit: u64) -> Result<Look, Failure> {
        let clock = StoreClock::default();
        let answer = self
            .send(|s3| {
                s3.get_object()
                    .bucket(&self.name)
                    .key(key)
                    .customize()
                    .interceptor(clock.clone())
                    .send()
            })
            .await
            .map_err(failed("GetObject"));
        let at = || {
            clock.told().ok_or_else(|| {
                let text = "the answer does not say what time it is";
                Failure::local(FailureClass::Invalid, "GetObject", text)
            })
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) if has_code(&failure, &["NoSuchKey"]) => {
                return Ok(Look {
                    object: None,
                    at: at()?,
                });
            }
            Err(failure) => return Err(failure),
        };
        let size = answer
            .content_length
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or(0);
        if size > limit {
            let text = format!("{key} has {size} bytes; at most {limit} make sense");
            return Err(Failure::local(FailureClass::Invalid, "GetObject", text));
        }
        let modified = answer.last_modified.map(|date| date.secs());
        let modified = modified.and_then(|secs| Timestamp::from_second(secs).ok());
        let tag = tag(answer.e_tag, "GetObject")?;
        let at = at()?;
        let body = answer.body.collect().await.map_err(|error| {
            Failure::local(FailureClass::Transient, "GetObject", causes(&error))
        })?;
        Ok(Look {
            object: Some(Object {
                bytes: body.to_vec(),
                tag,
                // An object without a date is taken to be as young as can be.
                modified: modified.unwrap_or(at),
            }),
            at,
        })
    }

    async fn put(&self, key: &str, bytes: &[u8], expect: &Expect) -> Result<Written, Failure> {
        let answer = self
            .send(|s3| {
                let call = s3
                    .put_object()
                    .bucket(&self.name)
                    .key(key)
                    .content_type("text/plain; charset=utf-8")
                    .body(ByteStream::from(bytes.to_vec()));
                match expect {
                    Expect::Absent => call.if_none_match("*"),
                    Expect::Same(ObjectTag(tag)) => call.if_match(tag),
                }
                .send()
            })
            .await
            .map_err(failed("PutObject"));
        match answer {
            Ok(answer) => tag(answer.e_tag, "PutObject").map(Written::Done),
            Err(failure) if has_code(&failure, &["PreconditionFailed", "NoSuchKey"]) => {
                Ok(Written::Changed)
            }
            Err(failure) if has_code(&failure, &["ConditionalRequestConflict"]) => {
                Ok(Written::Busy)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn remove(&self, key: &str, tag: &ObjectTag) -> Result<bool, Failure> {
        let answer = self
            .send(|s3| {
                let call = s3.delete_object().bucket(&self.name).key(key);
                call.if_match(&tag.0).send()
            })
            .await
            .map_err(failed("DeleteObject"));
        match answer {
            Ok(_) => Ok(true),
            Err(failure) if has_code(&failure, &["PreconditionFailed", "NoSuchKey"]) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// The tag that an answer must have. Without it nothing can be written on condition.
fn tag(tag: Option<String>, operation: &str) -> Result<ObjectTag, Failure> {
    tag.map(ObjectTag).ok_or_else(|| Failure {
        leftover: Leftover::Unknown,
        ..Failure::local(
            FailureClass::Invalid,
            operation,
            "the answer has no ETag: this store cannot share state",
        )
    })
}
