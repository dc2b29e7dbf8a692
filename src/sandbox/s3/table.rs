//! Which action is which, and what all of them check first.

use super::{buckets, objects};
use crate::sandbox::ACCOUNT;
use crate::sandbox::context::Ctx;
use crate::sandbox::wire::Ask;
use crate::sandbox::wire::Response;
use crate::sandbox::wire::{ApiError, ApiResult};
use crate::sandbox::world::Bucket;

/// Performs an action (S3 API Reference).
pub(crate) fn perform(ctx: &mut Ctx<'_>, ask: &Ask) -> ApiResult<Response> {
    match ctx.action {
        "CreateBucket" => return buckets::create(ctx, ask),
        "ListBuckets" => return Err(unspoken(ctx.action)),
        _ => {}
    }
    let bucket = own(ctx, ask)?;
    match ctx.action {
        "HeadBucket" => Ok(buckets::head(&bucket)),
        "DeleteBucket" => buckets::delete(ctx, ask),
        "GetObject" => objects::get(ctx, ask),
        "PutObject" => objects::put(ctx, ask),
        "DeleteObject" => objects::delete(ctx, ask, &bucket),
        "PutBucketVersioning"
        | "PutBucketEncryption"
        | "PutBucketPolicy"
        | "PutBucketLifecycleConfiguration"
        | "PutPublicAccessBlock" => buckets::set(ctx, ask),
        "GetBucketVersioning"
        | "GetBucketEncryption"
        | "GetBucketPolicy"
        | "GetBucketLifecycleConfiguration"
        | "GetPublicAccessBlock" => buckets::get(ctx, &bucket),
        other => Err(unspoken(other)),
    }
}

fn unspoken(action: &str) -> ApiError {
    ApiError::with_status(
        501,
        "NotImplemented",
        format!("the sandbox does not speak the S3 action {action}"),
    )
}

/// The bucket, if it is where the request was sent and whose the caller thinks.
fn own(ctx: &Ctx<'_>, ask: &Ask) -> ApiResult<Bucket> {
    let id = format!("bucket/{}", ask.bucket);
    let Some(bucket) = ctx.s3.get::<Bucket>(&id) else {
        return Err(ApiError::with_status(
            404,
            "NoSuchBucket",
            "The specified bucket does not exist",
        ));
    };
    // User Guide, "Verifying bucket ownership with bucket owner condition".
    let expected = ask.header("x-amz-expected-bucket-owner");
    if expected.is_some_and(|owner| owner != ACCOUNT) {
        return Err(ApiError::with_status(403, "AccessDenied", "Access Denied"));
    }
    // User Guide, "Making requests: Request redirection and the REST API"; `refusal_headers` says where it is.
    if bucket.region != ctx.region {
        return Err(ApiError::with_status(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint. \
             Please send all future requests to this endpoint.",
        ));
    }
    Ok(bucket.clone())
}
