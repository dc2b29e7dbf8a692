//! What all answers of S3 have: the store's clock; the bucket's region where that is the answer; no body to `HEAD`.

use jiff::Timestamp;

use super::objects::http_date;
use crate::sandbox::call::{Call, Service};
use crate::sandbox::wire::Response;
use crate::sandbox::world::{Bucket, Store};

/// The answer as it leaves; those of other services are left alone.
pub(crate) fn dressed(s3: &Store, call: &Call, now: Timestamp, response: Response) -> Response {
    if call.service != Service::S3 {
        return response;
    }
    let mut response = response.with("date", http_date(now));
    let bucket = s3.get::<Bucket>(&format!("bucket/{}", call.ask.bucket));
    if let Some(bucket) = bucket.filter(|_| response.status == 301) {
        response = response.with("x-amz-bucket-region", bucket.region.clone());
    }
    if call.action == "HeadBucket" {
        response.body.clear();
    }
    response
}
