//! The adapter's value and how it comes to be: one configuration, five clients.
//!
//! Owns: credentials, region, endpoint, timeouts and the SDK's retry setting. Does not own: reading the environment;
//! what is not given here is found by the SDK in the same places where the AWS CLI looks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::profile::{ProfileFileCredentialsProvider, load};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;

use crate::model::{Failure, FailureClass, Region};
use crate::port::Clock;

/// How long a TCP and TLS connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the first byte of an answer may take; a launch of fifty nodes takes the longest.
const READ_TIMEOUT: Duration = Duration::from_secs(45);
/// How long a whole call may take, finding credentials included.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(90);

/// The code of a failure that is not AWS's: the named profile is not in the config files.
const NO_PROFILE: &str = "ProfileNotFound";

/// Gives the SSM public parameter of an image with a name, by name and architecture.
pub type ImageParameter = fn(&str, &str) -> Option<&'static str>;

/// What the adapter needs to know before the first call.
#[derive(Clone)]
pub struct Settings {
    /// The region of the lab.
    pub region: Region,
    /// The profile in AWS's own config files. As with the AWS CLI, a profile named here beats credentials in the
    /// environment; where none is named, the SDK looks in all its places.
    pub profile: Option<String>,
    /// The URL that stands in for AWS; where there is none, `AWS_ENDPOINT_URL` and the config files may name one.
    pub endpoint: Option<String>,
    /// What `Identity::endpoint` says instead of the URL; `sandbox` for the sandbox.
    pub endpoint_name: Option<String>,
    /// An HTTP client in place of the network. With it neither environment nor files nor IMDS are read.
    pub http_client: Option<SharedHttpClient>,
    /// Access key id and secret key, instead of those that the SDK finds.
    pub credentials: Option<(String, String)>,
    /// Images that have a name.
    pub known_images: ImageParameter,
    /// The clock for waits between reads.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("endpoint", &self.endpoint)
            .field("endpoint_name", &self.endpoint_name)
            .finish_non_exhaustive()
    }
}

/// AWS, or what stands in for it.
#[derive(Clone)]
pub struct Aws {
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    pub(super) region: Region,
    pub(super) endpoint: String,
    pub(super) known_images: ImageParameter,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// Prepares the clients. Nothing is sent yet: credentials are found, and refused, with the first call.
    pub async fn connect(settings: Settings) -> Result<Self, Failure> {
        let config = configuration(&settings).await?;
        let endpoint = settings
            .endpoint_name
            .or_else(|| endpoint_of(&config))
            .unwrap_or_else(|| "aws".to_owned());
        Ok(Self {
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            quotas: aws_sdk_servicequotas::Client::new(&config),
            region: settings.region,
            endpoint,
            known_images: settings.known_images,
            clock: settings.clock,
        })
    }
}

/// The configuration that all clients have in common.
pub(super) async fn configuration(settings: &Settings) -> Result<SdkConfig, Failure> {
    if settings.region.as_str().is_empty() {
        return Err(Failure::local(
            FailureClass::Credentials,
            "connect",
            "no region is set",
        ));
    }
    match settings.http_client.clone() {
        Some(client) => closed(settings, client),
        None => open(settings).await,
    }
}

/// The configuration as the AWS CLI would find it.
async fn open(settings: &Settings) -> Result<SdkConfig, Failure> {
    profile_exists(settings).await?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new(settings.region.as_str().to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .app_name(app_name()?);
    if let Some(profile) = &settings.profile {
        loader = loader
            .profile_name(profile)
            .credentials_provider(of_profile(profile, &settings.region));
    }
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = credentials(settings) {
        loader = loader.credentials_provider(credentials);
    }
    Ok(loader.load().await)
}

/// A profile that is named, here or in `AWS_PROFILE`, has to be there. Without it the SDK would go on to look elsewhere,
/// and in the end speak of the metadata service.
#[expect(
    clippy::default_trait_access,
    reason = "the type's name is in a crate that is not used otherwise"
)]
async fn profile_exists(settings: &Settings) -> Result<(), Failure> {
    let named = settings.profile.clone().map(Into::into);
    // Files that cannot be read are the SDK's to complain of, if it needs them.
    let Ok(profiles) = load(&Fs::real(), &Env::real(), &Default::default(), named).await else {
        return Ok(());
    };
    let name = profiles.selected_profile();
    let asked_for = settings.profile.is_some() || name != "default";
    if !asked_for || profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let known = match known.as_slice() {
        [] => "they have none".to_owned(),
        known => format!("they have {}", known.join(", ")),
    };
    Err(Failure {
        code: Some(NO_PROFILE.to_owned()),
        ..Failure::local(
            FailureClass::Credentials,
            "connect",
            format!("AWS's config files have no profile {name}: {known}"),
        )
    })
}

/// The credentials of one profile and of nothing else. The SDK's own chain would prefer keys in the environment, and
/// so act on another account than the one that was named.
fn of_profile(profile: &str, region: &Region) -> ProfileFileCredentialsProvider {
    let region = aws_config::Region::new(region.as_str().to_owned());
    ProfileFileCredentialsProvider::builder()
        .configure(&ProviderConfig::without_region().with_region(Some(region)))
        .profile_name(profile)
        .build()
}

/// A configuration that looks nowhere: all it knows is in `settings`. No timeouts, for nothing leaves the process.
fn closed(settings: &Settings, client: SharedHttpClient) -> Result<SdkConfig, Failure> {
    let credentials = credentials(settings).unwrap_or_else(|| keys("sandbox", "sandbox"));
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_config::Region::new(settings.region.as_str().to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(client)
        .app_name(app_name()?);
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}

fn credentials(settings: &Settings) -> Option<Credentials> {
    let (key, secret) = settings.credentials.as_ref()?;
    Some(keys(key, secret))
}

fn keys(id: &str, secret: &str) -> Credentials {
    Credentials::new(id, secret, None, None, "roboinfra")
}

fn app_name() -> Result<AppName, Failure> {
    AppName::new("roboinfra")
        .map_err(|e| Failure::local(FailureClass::Invalid, "connect", e.to_string()))
}

/// The URL that stands in for EC2: the general one, or the one for EC2 alone. A lockfile is bound to it.
fn endpoint_of(config: &SdkConfig) -> Option<String> {
    let for_ec2 = || {
        let key = ServiceConfigKey::builder()
            .service_id("EC2")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        config.service_config()?.load_config(key)
    };
    for_ec2().or_else(|| config.endpoint_url().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::TokioClock;

    fn settings(endpoint: Option<&str>, name: Option<&str>) -> Settings {
        Settings {
            region: Region::new("eu-central-1"),
            profile: None,
            endpoint: endpoint.map(str::to_owned),
            endpoint_name: name.map(str::to_owned),
            http_client: Some(aws_smithy_http_client::Builder::new().build_http()),
            credentials: Some(("id".to_owned(), "hush".to_owned())),
            known_images: |_, _| None,
            clock: Arc::new(TokioClock),
        }
    }

    #[tokio::test]
    async fn the_endpoint_is_named() {
        for (endpoint, name, shown) in [
            (None, None, "aws"),
            (Some("http://127.0.0.1:1"), None, "http://127.0.0.1:1"),
            (Some("http://127.0.0.1:1"), Some("sandbox"), "sandbox"),
        ] {
            let aws = Aws::connect(settings(endpoint, name))
                .await
                .expect("connects");
            assert_eq!(aws.endpoint, shown);
        }
    }

    #[tokio::test]
    async fn a_missing_region_is_said_before_the_first_call() {
        let settings = Settings {
            region: Region::new(""),
            ..settings(None, None)
        };
        let failure = Aws::connect(settings).await.expect_err("no region");
        assert_eq!(failure.class, FailureClass::Credentials);
    }

    #[test]
    fn keys_are_not_shown() {
        assert!(!format!("{:?}", settings(None, None)).contains("hush"));
    }
}
