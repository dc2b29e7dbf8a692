//! Objects, written and deleted on condition.
//!
//! User Guide, "Add preconditions to S3 operations with conditional requests": `If-None-Match: *` writes only where no
//! object is (412 otherwise); `If-Match` writes only over that content (412 otherwise, 404 where no object is). The 409
//! of writes that cross is left to scenarios: here one call is done after the other.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use sha2::{Digest, Sha256};

use crate::model::hex;
use crate::sandbox::context::Ctx;
use crate::sandbox::wire::Ask;
use crate::sandbox::wire::Response;
use crate::sandbox::wire::{ApiError, ApiResult};
use crate::sandbox::world::{Bucket, Object};

fn id(ask: &Ask) -> String {
    format!("object/{}/{}", ask.bucket, ask.key)
}

pub(super) fn get(ctx: &Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    let object = ctx.s3.get::<Object>(&id(ask)).ok_or_else(no_such_key)?;
    Ok(Response {
        content_type: object.content_type.clone().into(),
        body: unhex(&object.hex),
        ..Response::empty(200)
            .with("etag", object.tag.clone())
            .with("last-modified", http_date(object.modified))
    })
}

/// API Reference, `PutObject`.
pub(super) fn put(ctx: &mut Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    let there = ctx
        .s3
        .get::<Object>(&id(ask))
        .map(|object| object.tag.clone());
    if ask.header("if-none-match") == Some("*") && there.is_some() {
        return Err(precondition_failed());
    }
    check_match(ask, there.as_deref())?;
    // The tag is an MD5 digest only sometimes (API Reference, `Object`): nobody may count on it.
    let tag = format!("\"{}\"", &hex(Sha256::digest(&ask.body))[..32]);
    ctx.s3.put(Object {
        id: id(ask),
        bucket: ask.bucket.clone(),
        tag: tag.clone(),
        modified: ctx.now,
        content_type: ask
            .header("content-type")
            .unwrap_or("binary/octet-stream")
            .to_owned(),
        hex: hex(&ask.body),
    });
    let encrypted = ("x-amz-server-side-encryption", "AES256".to_owned());
    Ok(Response::empty(200)
        .with("etag", tag)
        .with(encrypted.0, encrypted.1))
}

/// API Reference, `DeleteObject`: what is not there is deleted already. With versions, a marker takes its place.
pub(super) fn delete(ctx: &mut Ctx<'_>, ask: &Ask, bucket: &Bucket) -> ApiResult<Response> {
    let there = ctx
        .s3
        .get::<Object>(&id(ask))
        .map(|object| object.tag.clone());
    check_match(ask, there.as_deref())?;
    ctx.s3.remove(&id(ask));
    let marked = there.is_some() && bucket.versioning.as_deref() == Some("Enabled");
    let answer = Response::empty(204);
    Ok(if marked {
        answer.with("x-amz-delete-marker", "true".to_owned())
    } else {
        answer
    })
}

fn check_match(ask: &Ask, there: Option<&str>) -> ApiResult {
    match (ask.header("if-match"), there) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(no_such_key()),
        (Some("*"), Some(_)) => Ok(()),
        (Some(wanted), Some(there)) if wanted.trim_matches('"') == there.trim_matches('"') => {
            Ok(())
        }
        _ => Err(precondition_failed()),
    }
}

fn precondition_failed() -> ApiError {
    ApiError::with_status(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
}

fn no_such_key() -> ApiError {
    ApiError::with_status(404, "NoSuchKey", "The specified key does not exist.")
}

/// A moment as headers have it, in whole seconds (API Reference, "Common response headers").
pub(super) fn http_date(moment: Timestamp) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&moment)
        .unwrap_or_default()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
