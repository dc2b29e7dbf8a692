//! CloudWatch: one call of PutMetricData, and what its answer means.

use std::error::Error;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, StatisticSet};

use super::interval::{Interval, Set};
use super::outcome::{self, Outcome, Reason};
use crate::model::{AgentPublish, MetricUnit};

/// Who publishes: the dimensions of every metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// The instance; a machine that is none has no such dimension.
    pub(crate) instance: Option<String>,
    /// The lab.
    pub(crate) lab: String,
    /// The machine in the lab.
    pub(crate) node: String,
}

/// CloudWatch in one region.
#[derive(Debug, Clone)]
pub(crate) struct CloudWatch {
    client: Client,
    namespace: String,
    who: Who,
}

impl CloudWatch {
    /// Nothing is called yet.
    pub(crate) async fn new(publish: &AgentPublish, region: String, who: Who) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(20))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region))
            // What was not taken goes back to the queue, which knows when to try again.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(endpoint) = &publish.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let own = aws_sdk_cloudwatch::config::Builder::from(&shared)
            .disable_request_compression(true)
            .build();
        Self {
            client: Client::from_conf(own),
            namespace: publish.namespace.clone(),
            who,
        }
    }

    /// One call.
    pub(crate) async fn put(&self, intervals: &[Interval]) -> Outcome {
        let data = intervals
            .iter()
            .flat_map(|interval| self.who.data(interval));
        let sent = self
            .client
            .put_metric_data()
            .namespace(&self.namespace)
            .set_metric_data(Some(data.collect()))
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::Published,
            Err(error) => of_error(&error),
        }
    }
}

impl Who {
    fn data(&self, interval: &Interval) -> Vec<MetricDatum> {
        let time = DateTime::from_secs(interval.start_s);
        let sets = interval.sets.iter();
        sets.map(|set| self.datum(set, time)).collect()
    }

    fn datum(&self, set: &Set, time: DateTime) -> MetricDatum {
        let dimension =
            |name: &str, value: String| Dimension::builder().name(name).value(value).build();
        let instance = self.instance.clone();
        let dimensions = instance
            .map(|instance| dimension("InstanceId", instance))
            .into_iter()
            .chain([
                dimension("Lab", self.lab.clone()),
                dimension("Node", self.node.clone()),
            ])
            .chain(set.gpu.map(|gpu| dimension("Gpu", gpu.to_string())));
        let numbers = StatisticSet::builder()
            .sample_count(crate::agent::sample::proc::float(set.statistics.count))
            .sum(set.statistics.sum)
            .minimum(set.statistics.minimum)
            .maximum(set.statistics.maximum)
            .build();
        MetricDatum::builder()
            .metric_name(set.metric.name())
            .set_dimensions(Some(dimensions.collect()))
            .timestamp(time)
            .statistic_values(numbers)
            .unit(unit(set.metric.unit()))
            .build()
    }
}

fn unit(unit: MetricUnit) -> StandardUnit {
    match unit {
        MetricUnit::Percent => StandardUnit::Percent,
        MetricUnit::Count => StandardUnit::Count,
        MetricUnit::BytesPerSecond => StandardUnit::BytesSecond,
        MetricUnit::Seconds => StandardUnit::Seconds,
        MetricUnit::None => StandardUnit::None,
    }
}

/// What an error means. The one question is whether CloudWatch may have taken what it was sent.
fn of_error(
    error: &SdkError<aws_sdk_cloudwatch::operation::put_metric_data::PutMetricDataError>,
) -> Outcome {
    let words = words(error);
    match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or_default();
            let message = context.err().message().unwrap_or_default();
            outcome::of_answer(context.raw().status().as_u16(), code, message)
        }
        // Nothing was sent.
        SdkError::ConstructionFailure(_) => Outcome::NotTaken(Reason::Denied, words),
        _ if without_credentials(error) => Outcome::NotTaken(Reason::Denied, words),
        SdkError::DispatchFailure(_) if never_connected(error) => {
            Outcome::NotTaken(Reason::Unreachable, words)
        }
        _ => Outcome::Uncertain(words),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

/// Whether it failed before anything was sent, because the machine has no credentials now.
fn without_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<CredentialsError>)
}

/// Whether there was never a connection to send anything over.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
            || cause.to_string().contains("HTTP connect timeout")
    })
}

fn words(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes(error) {
        let words = cause.to_string();
        if parts.last() != Some(&words) {
            parts.push(words);
        }
    }
    parts.join(": ").chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{ProvideCredentials, future};

    use super::*;
    use crate::agent::publish::interval::Statistics;
    use crate::model::AgentMetric;

    fn publish() -> AgentPublish {
        toml::from_str("namespace = \"Twin\"\n").expect("a section")
    }

    fn interval() -> Interval {
        Interval {
            start_s: 60,
            samples: 12,
            sets: vec![Set {
                metric: AgentMetric::GpuUtilization,
                gpu: Some(3),
                statistics: Statistics::of(7.0),
            }],
        }
    }

    fn who() -> Who {
        Who {
            instance: Some("i-0123".to_owned()),
            lab: "twin".to_owned(),
            node: "sim.0".to_owned(),
        }
    }

    #[test]
    fn a_datum_names_the_instance_the_lab_and_the_gpu() {
        let data = who().data(&interval());
        let names: Vec<(&str, &str)> = data[0]
            .dimensions()
            .iter()
            .map(|one| (one.name().unwrap_or(""), one.value().unwrap_or("")))
            .collect();
        let expected = [
            ("InstanceId", "i-0123"),
            ("Lab", "twin"),
            ("Node", "sim.0"),
            ("Gpu", "3"),
        ];
        assert_eq!(names, expected);
        assert_eq!(data[0].metric_name(), Some("gpu_utilization"));
        assert_eq!(data[0].unit(), Some(&StandardUnit::Percent));
    }

    /// Answers one connection as told, and says how many bytes it was sent.
    async fn against(answer: Option<&'static str>) -> Outcome {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        if answer == Some("") {
            drop(listener);
        } else {
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.expect("a client");
                let mut bytes = vec![0; 64 * 1024];
                let _ = stream.read(&mut bytes).await;
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
        let publish = AgentPublish {
            endpoint: Some(format!("http://{address}")),
            ..publish()
        };
        let mut cloudwatch = CloudWatch::new(&publish, "us-east-1".to_owned(), who()).await;
        let config = cloudwatch.client.config().to_builder();
        let config = if answer == Some("keyless") {
            config.credentials_provider(Keyless)
        } else {
            let keys = Credentials::new("id", "key", None, None, "test");
            config.credentials_provider(keys)
        };
        cloudwatch.client = Client::from_conf(config.build());
        cloudwatch.put(&[interval()]).await
    }

    /// A machine whose role is gone.
    #[derive(Debug)]
    struct Keyless;

    impl ProvideCredentials for Keyless {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no role")))
        }
    }

    #[tokio::test]
    async fn only_what_cannot_have_arrived_is_sent_again() {
        assert!(
            matches!(
                against(Some("")).await,
                Outcome::NotTaken(Reason::Unreachable, _)
            ),
            "the connection was refused"
        );
        let cut = against(None).await;
        assert!(
            matches!(cut, Outcome::Uncertain(_)),
            "it was sent, and no answer came: {cut:?}"
        );
        let keyless = against(Some("keyless")).await;
        assert!(
            matches!(keyless, Outcome::NotTaken(Reason::Denied, _)),
            "{keyless:?}"
        );
        let well =
            "HTTP/1.1 200 OK\r\nsmithy-protocol: rpc-v2-cbor\r\ncontent-length: 1\r\n\r\n\u{0}";
        assert_eq!(against(Some(well)).await, Outcome::Published);
        let fault = "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n";
        assert!(matches!(against(Some(fault)).await, Outcome::Uncertain(_)));
        let denied = "HTTP/1.1 403 No\r\nx-amzn-query-error: AccessDenied;Sender\r\ncontent-length: 0\r\n\r\n";
        let outcome = against(Some(denied)).await;
        assert!(
            matches!(outcome, Outcome::NotTaken(Reason::Denied, _)),
            "{outcome:?}"
        );
    }
}
