//! A bucket, wherever it is: a client for its region is made when S3 says which that is.
//!
//! Owns: the client, its region, and the store's clock as answers tell it. Does not own: what is called (`objects`,
//! `make`).

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;

use crate::aws::connect::{Settings, configuration};
use crate::model::{Failure, Region};

/// A bucket for shared state.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub(super) name: String,
    config: Arc<SdkConfig>,
    /// The region that its calls go to.
    region: Arc<Mutex<Region>>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// Prepares a client for a bucket that is looked for in the settings' region first. Nothing is sent yet.
    pub async fn connect(settings: &Settings, name: &str) -> Result<Self, Failure> {
        Ok(Self {
            name: name.to_owned(),
            config: Arc::new(configuration(settings).await?),
            region: Arc::new(Mutex::new(settings.region.clone())),
        })
    }

    /// The region that its calls go to.
    pub fn region(&self) -> Region {
        self.region
            .lock()
            .expect("no code panics while it holds the region")
            .clone()
    }

    fn client(&self) -> Client {
        let region = aws_config::Region::new(self.region().as_str().to_owned());
        let config = aws_sdk_s3::config::Builder::from(self.config.as_ref())
            .region(region)
            // Where S3 stands behind an address of its own, a bucket has no host name.
            .force_path_style(has_endpoint(&self.config))
            // The lockfile has a seal of its own, and a lease that does not parse is not believed.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        Client::from_conf(config.build())
    }

    /// Sends a call; once more if S3 says that the bucket is in another region.
    pub(super) async fn send<T, E, F>(
        &self,
        call: impl Fn(Client) -> F,
    ) -> Result<T, SdkError<E, HttpResponse>>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let error = match call(self.client()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let elsewhere = error
            .raw_response()
            .and_then(|response| response.headers().get("x-amz-bucket-region"))
            .filter(|region| *region != self.region().as_str());
        let Some(elsewhere) = elsewhere else {
            return Err(error);
        };
        *self
            .region
            .lock()
            .expect("no code panics while it holds the region") = Region::new(elsewhere);
        call(self.client()).await
    }
}

/// Whether anything stands in for S3.
fn has_endpoint(config: &SdkConfig) -> bool {
    let for_s3 = || {
        let key = ServiceConfigKey::builder()
            .service_id("S3")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    config.endpoint_url().is_some() || for_s3().is_some()
}

/// Notes the `Date` of an answer: the store's own clock.
#[derive(Debug, Clone, Default)]
pub(super) struct StoreClock(Arc<Mutex<Option<Timestamp>>>);

impl StoreClock {
    /// What the last answer said.
    pub(super) fn told(&self) -> Option<Timestamp> {
        *self.0.lock().expect("no code panics while it holds this")
    }
}

#[dyn_dispatch_hint]
impl Intercept for StoreClock {
    fn name(&self) -> &'static str {
        "StoreClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let told = date
            .and_then(|text| aws_smithy_types::DateTime::from_str(text, Format::HttpDate).ok())
            .and_then(|date| Timestamp::from_second(date.secs()).ok());
        *self.0.lock().expect("no code panics while it holds this") = told;
        Ok(())
    }
}
