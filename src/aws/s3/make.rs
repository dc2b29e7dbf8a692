//! Making a bucket for shared state: versioned, encrypted, closed to the public and to plain HTTP.
//!
//! Everything is done again for a bucket that is there, so a cut between two calls is mended by the next run; what its
//! owner has set up in another way (a policy, lifecycle rules, another key) is left as it is.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, NoncurrentVersionExpiration, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, VersioningConfiguration,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::operation::BuildError;

use super::bucket::Bucket;
use crate::aws::answer::has_code;
use crate::aws::classify::failed;
use crate::model::{AccountId, Failure, FailureClass, Region};

/// How long replaced lockfiles are kept, and how many at least.
const KEPT_DAYS: i32 = 90;
const KEPT_VERSIONS: i32 = 20;

/// What came of making a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Whether it was not there before.
    pub is_new: bool,
    /// Where it is.
    pub region: Region,
    /// How its objects are encrypted, in S3's words.
    pub encryption: String,
    /// Whether a policy of its own was there and was left.
    pub policy_left: bool,
}

impl Bucket {
    /// Makes the bucket in `account`, or brings the account's own bucket into order. Somebody else's is refused.
    pub async fn make(&self, account: &AccountId) -> Result<Made, Failure> {
        let is_new = self.create(account).await?;
        self.close(account).await?;
        self.keep_versions(account).await?;
        let encryption = self.encrypt(account).await?;
        let policy_left = self.demand_tls(account).await?;
        self.forget_old_versions(account).await?;
        Ok(Made {
            is_new,
            region: self.region(),
            encryption,
            policy_left,
        })
    }

    async fn create(&self, account: &AccountId) -> Result<bool, Failure> {
        let head = self
            .send(|s3| {
                s3.head_bucket()
                    .bucket(&self.name)
                    .expected_bucket_owner(account.as_str())
                    .send()
            })
            .await;
        // An answer to HEAD has no words: its status is all there is.
        let status = match &head {
            Ok(_) => return Ok(false),
            Err(error) => error.raw_response().map(|answer| answer.status().as_u16()),
        };
        let failure = head.map_err(failed("HeadBucket")).err();
        match (status, failure) {
            (Some(403), Some(failure)) => {
                return Err(Failure {
                    class: FailureClass::Permission,
                    message: format!(
                        "the bucket {} belongs to another account, or you may not use it",
                        self.name
                    ),
                    ..failure
                });
            }
            (Some(404), _) | (_, None) => {}
            (_, Some(failure)) => return Err(failure),
        }
        let region = self.region();
        // CreateBucket takes no location for us-east-1.
        let place = (region.as_str() != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region.as_str()))
                .build()
        });
        let created = self
            .send(|s3| {
                s3.create_bucket()
                    .bucket(&self.name)
                    .set_create_bucket_configuration(place.clone())
                    .send()
            })
            .await
            .map_err(failed("CreateBucket"));
        match created {
            Ok(_) => Ok(true),
            Err(failure) if has_code(&failure, &["BucketAlreadyOwnedByYou"]) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn close(&self, account: &AccountId) -> Result<(), Failure> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        self.send(|s3| {
            s3.put_public_access_block()
                .bucket(&self.name)
                .expected_bucket_owner(account.as_str())
                .public_access_block_configuration(block.clone())
                .send()
        })
        .await
        .map_err(failed("PutPublicAccessBlock"))?;
        Ok(())
    }

    async fn keep_versions(&self, account: &AccountId) -> Result<(), Failure> {
        let on = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        self.send(|s3| {
            s3.put_bucket_versioning()
                .bucket(&self.name)
                .expected_bucket_owner(account.as_str())
                .versioning_configuration(on.clone())
                .send()
        })
        .await
        .map_err(failed("PutBucketVersioning"))?;
        Ok(())
    }

    /// Every bucket is encrypted with S3's own keys (User Guide, "default bucket encryption"); a store that knows no
    /// default is told.
    async fn encrypt(&self, account: &AccountId) -> Result<String, Failure> {
        let answer = self
            .send(|s3| {
                s3.get_bucket_encryption()
                    .bucket(&self.name)
                    .expected_bucket_owner(account.as_str())
                    .send()
            })
            .await;
        let missing = is(&answer, "ServerSideEncryptionConfigurationNotFoundError");
        if !missing {
            let answer = answer.map_err(failed("GetBucketEncryption"))?;
            let rules = answer.server_side_encryption_configuration();
            let default = rules
                .and_then(|configuration| configuration.rules().first())
                .and_then(|rule| rule.apply_server_side_encryption_by_default());
            return Ok(default.map_or_else(
                || "AES256".to_owned(),
                |default| default.sse_algorithm().as_str().to_owned(),
            ));
        }
        let rule = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build()
            .map_err(unbuilt("PutBucketEncryption"))?;
        let rules = ServerSideEncryptionConfiguration::builder()
            .rules(
                ServerSideEncryptionRule::builder()
                    .apply_server_side_encryption_by_default(rule)
                    .build(),
            )
            .build()
            .map_err(unbuilt("PutBucketEncryption"))?;
        self.send(|s3| {
            s3.put_bucket_encryption()
                .bucket(&self.name)
                .expected_bucket_owner(account.as_str())
                .server_side_encryption_configuration(rules.clone())
                .send()
        })
        .await
        .map_err(failed("PutBucketEncryption"))?;
        Ok("AES256".to_owned())
    }

    /// Refuses plain HTTP, unless the bucket has a policy of its own; says whether it has.
    async fn demand_tls(&self, account: &AccountId) -> Result<bool, Failure> {
        let policy = tls_only(&self.name);
        let answer = self
            .send(|s3| {
                s3.get_bucket_policy()
                    .bucket(&self.name)
                    .expected_bucket_owner(account.as_str())
                    .send()
            })
            .await;
        if !is(&answer, "NoSuchBucketPolicy") {
            let answer = answer.map_err(failed("GetBucketPolicy"))?;
            let same = answer
                .policy()
                .is_some_and(|there| same_json(there, &policy));
            return Ok(!same);
        }
        self.send(|s3| {
            s3.put_bucket_policy()
                .bucket(&self.name)
                .expected_bucket_owner(account.as_str())
                .policy(&policy)
                .send()
        })
        .await
        .map_err(failed("PutBucketPolicy"))?;
        Ok(false)
    }

    /// Versions pile up: each run writes the lockfile twice and the lease a few times.
    async fn forget_old_versions(&self, account: &AccountId) -> Result<(), Failure> {
        let answer = self
            .send(|s3| {
                s3.get_bucket_lifecycle_configuration()
                    .bucket(&self.name)
                    .expected_bucket_owner(account.as_str())
                    .send()
            })
            .await;
        if !is(&answer, "NoSuchLifecycleConfiguration") {
            answer.map_err(failed("GetBucketLifecycleConfiguration"))?;
            return Ok(());
        }
        let rule = LifecycleRule::builder()
            .id("roboinfra-old-versions")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .noncurrent_version_expiration(
                NoncurrentVersionExpiration::builder()
                    .noncurrent_days(KEPT_DAYS)
                    .newer_noncurrent_versions(KEPT_VERSIONS)
                    .build(),
            )
            .expiration(
                LifecycleExpiration::builder()
                    .expired_object_delete_marker(true)
                    .build(),
            )
            .build()
            .map_err(unbuilt("PutBucketLifecycleConfiguration"))?;
        let rules = BucketLifecycleConfiguration::builder()
            .rules(rule)
            .build()
            .map_err(unbuilt("PutBucketLifecycleConfiguration"))?;
        self.send(|s3| {
            s3.put_bucket_lifecycle_configuration()
                .bucket(&self.name)
                .expected_bucket_owner(account.as_str())
                .lifecycle_configuration(rules.clone())
                .send()
        })
        .await
        .map_err(failed("PutBucketLifecycleConfiguration"))?;
        Ok(())
    }
}

/// Whether an answer is a refusal with this code: something is not set up.
fn is<T, E: ProvideErrorMetadata>(
    answer: &Result<T, SdkError<E, HttpResponse>>,
    code: &str,
) -> bool {
    matches!(answer, Err(SdkError::ServiceError(service)) if service.err().code() == Some(code))
}

fn unbuilt(operation: &'static str) -> impl FnOnce(BuildError) -> Failure {
    move |error| Failure::local(FailureClass::Invalid, operation, error.to_string())
}

/// User Guide, "Amazon S3 policy keys": the example that denies requests without TLS.
fn tls_only(bucket: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    })
    .to_string()
}

fn same_json(a: &str, b: &str) -> bool {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    value(a).is_some() && value(a) == value(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_bucket_and_its_objects() {
        let policy = tls_only("lab-state");
        assert!(policy.contains("\"arn:aws:s3:::lab-state\",\"arn:aws:s3:::lab-state/*\""));
        assert!(same_json(&policy, &policy.replace(',', " ,\n")));
        assert!(!same_json("x", "x"));
    }
}
