//! Buckets and their settings.

use crate::sandbox::context::Ctx;
use crate::sandbox::wire::Ask;
use crate::sandbox::wire::Response;
use crate::sandbox::wire::{ApiError, ApiResult};
use crate::sandbox::world::{Bucket, Edge};

/// API Reference, `CreateBucket`: no location means us-east-1, and every other region wants its own named.
pub(super) fn create(ctx: &mut Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    let name = &ask.bucket;
    // User Guide, "General purpose bucket naming rules".
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if !(3..=63).contains(&name.len()) || !name.chars().all(good) {
        return Err(ApiError::new(
            "InvalidBucketName",
            "The specified bucket is not valid.",
        ));
    }
    let text = String::from_utf8_lossy(&ask.body);
    let location = between(&text, "LocationConstraint");
    if location.unwrap_or("us-east-1") != ctx.region {
        return Err(ApiError::new(
            "IllegalLocationConstraintException",
            "The location constraint is incompatible for the region specific endpoint this request was sent to.",
        ));
    }
    let id = format!("bucket/{name}");
    if let Some(there) = ctx.s3.get::<Bucket>(&id) {
        // In us-east-1 making one's own bucket again is no error.
        if there.region == "us-east-1" && ctx.region == "us-east-1" {
            return Ok(Response::empty(200));
        }
        return Err(ApiError::with_status(
            409,
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        ));
    }
    ctx.s3.put(Bucket {
        id,
        region: ctx.region.to_owned(),
        created: ctx.now,
        versioning: None,
        encryption: None,
        policy: None,
        lifecycle: None,
        public_access_block: None,
    });
    Ok(Response::empty(200).with("location", format!("/{name}")))
}

pub(super) fn head(bucket: &Bucket) -> Response {
    Response::empty(200).with("x-amz-bucket-region", bucket.region.clone())
}

/// API Reference, `DeleteBucket`: only an empty one goes.
pub(super) fn delete(ctx: &mut Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    let id = format!("bucket/{}", ask.bucket);
    if ctx.s3.is_referred(&id, Edge::ObjectInBucket) {
        return Err(ApiError::with_status(
            409,
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty",
        ));
    }
    ctx.s3.remove(&id);
    Ok(Response::empty(204))
}

/// Settings are kept as they were put, but for versioning, of which only the status matters.
pub(super) fn set(ctx: &mut Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    let text = String::from_utf8_lossy(&ask.body).into_owned();
    let malformed = || {
        ApiError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let action = ctx.action;
    let status = between(&text, "Status").map(str::to_owned);
    if action == "PutBucketVersioning"
        && !matches!(status.as_deref(), Some("Enabled" | "Suspended"))
    {
        return Err(malformed());
    }
    if action == "PutBucketPolicy" && serde_json::from_str::<serde_json::Value>(&text).is_err() {
        return Err(ApiError::new(
            "MalformedPolicy",
            "Policies must be valid JSON and the first byte must be '{'",
        ));
    }
    if text.is_empty() {
        return Err(malformed());
    }
    let id = format!("bucket/{}", ask.bucket);
    ctx.s3.update::<Bucket>(&id, |bucket| match action {
        "PutBucketVersioning" => bucket.versioning = status,
        "PutBucketEncryption" => bucket.encryption = Some(text),
        "PutBucketPolicy" => bucket.policy = Some(text),
        "PutBucketLifecycleConfiguration" => bucket.lifecycle = Some(text),
        _ => bucket.public_access_block = Some(text),
    });
    let status = if action == "PutBucketPolicy" {
        204
    } else {
        200
    };
    Ok(Response::empty(status))
}

/// What was put, or the refusal that the API Reference names for what was never put.
pub(super) fn get(ctx: &Ctx<'_>, bucket: &Bucket) -> ApiResult<Response> {
    let missing = |code: &str| ApiError::with_status(404, code, "The configuration does not exist");
    let text = match ctx.action {
        "GetBucketVersioning" => {
            let status = bucket.versioning.as_deref();
            let status = status.map_or(String::new(), |s| format!("<Status>{s}</Status>"));
            Ok(format!(
                "<VersioningConfiguration>{status}</VersioningConfiguration>"
            ))
        }
        // User Guide, "default bucket encryption": every bucket has it.
        "GetBucketEncryption" => Ok(bucket.encryption.clone().unwrap_or_else(|| {
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
             <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
             </ServerSideEncryptionConfiguration>"
                .to_owned()
        })),
        "GetBucketPolicy" => bucket
            .policy
            .clone()
            .ok_or_else(|| missing("NoSuchBucketPolicy")),
        "GetBucketLifecycleConfiguration" => bucket
            .lifecycle
            .clone()
            .ok_or_else(|| missing("NoSuchLifecycleConfiguration")),
        _ => bucket
            .public_access_block
            .clone()
            .ok_or_else(|| missing("NoSuchPublicAccessBlockConfiguration")),
    }?;
    Ok(Response {
        content_type: "application/xml".into(),
        body: text.into_bytes(),
        ..Response::empty(200)
    })
}

/// The text of the first element of this name.
fn between<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>"))
        .map(|(inside, _)| inside)
}
