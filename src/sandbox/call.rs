//! One call: which service and action it is for, and how answers and errors look in its protocol.

use std::borrow::Cow;

use jiff::Timestamp;

use super::wire::{ApiError, Ask, Params, Request, Response, Xml, cbor};

/// Why nothing goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// The connection was never made: no effect.
    #[error("connection refused (a fault of the scenario)")]
    Refused,
    /// There is no endpoint for the region: its name does not resolve.
    #[error("dns error: no such host")]
    NoRegion,
    /// The connection broke after the effect.
    #[error("connection closed before the answer came (a fault of the scenario)")]
    Lost,
    /// The world could not be kept: the call has no effect that would outlive this process.
    #[error("the sandbox's world could not be written")]
    Unwritable,
    /// The process is to end here, as a scenario asks.
    #[error("the process is killed (a fault of the scenario)")]
    Killed,
}

/// The services that the sandbox speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    CloudWatch,
    Ec2,
    Iam,
    Sts,
    Ssm,
    Quotas,
    S3,
}

impl Service {
    /// By its name in the credential scope.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "monitoring" => Self::CloudWatch,
            "ec2" => Self::Ec2,
            "iam" => Self::Iam,
            "sts" => Self::Sts,
            "ssm" => Self::Ssm,
            "servicequotas" => Self::Quotas,
            "s3" => Self::S3,
            _ => return None,
        })
    }

    /// Its name in the credential scope.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CloudWatch => "monitoring",
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Ssm => "ssm",
            Self::Quotas => "servicequotas",
            Self::S3 => "s3",
        }
    }

    fn is_json(self) -> bool {
        matches!(self, Self::Ssm | Self::Quotas)
    }
}

/// Whether an action only reads.
pub(crate) fn is_read(action: &str) -> bool {
    ["Describe", "Get", "List", "Head"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

/// A request whose service, region and action are known.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) region: String,
    pub(crate) action: String,
    pub(crate) params: Params,
    pub(crate) json: serde_json::Value,
    /// What S3 is asked; empty for the others.
    pub(crate) ask: Ask,
}

/// A call that was made, for tests and benchmarks that count them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The service as its endpoint names it, for example `ec2`.
    pub service: &'static str,
    /// The action, for example `RunInstances`.
    pub action: String,
    /// The region it was signed for.
    pub region: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The HTTP status of the answer; none if the connection broke.
    pub status: Option<u16>,
}

impl Call {
    /// Reads what a request is for. The credential scope names region and service (IAM User Guide, "Elements of
    /// an AWS API request signature"); signatures are not checked, because the sandbox has no secrets.
    pub(crate) fn read(request: &Request) -> Result<Self, Box<Response>> {
        let refuse = |status, code, message: &str| {
            let error = ApiError::with_status(status, code, message);
            Box::new(refusal(Service::Ec2, &error, 0))
        };
        let scope = request
            .authorization
            .as_deref()
            .and_then(|header| header.split("Credential=").nth(1))
            .and_then(|rest| rest.split(',').next())
            .ok_or_else(|| {
                refuse(
                    401,
                    "AuthFailure",
                    "AWS was not able to validate the provided access credentials",
                )
            })?;
        let parts: Vec<&str> = scope.trim().split('/').collect();
        let [.., region, service, "aws4_request"] = parts.as_slice() else {
            return Err(refuse(
                400,
                "IncompleteSignature",
                "Credential must have a credential scope",
            ));
        };
        let service = Service::of(service).ok_or_else(|| {
            refuse(
                400,
                "UnsupportedOperation",
                &format!("the sandbox does not speak for the service {service}"),
            )
        })?;
        if service == Service::S3 {
            let (action, ask) = Ask::read(request);
            return Ok(Self {
                service,
                region: (*region).to_owned(),
                action,
                params: Params::default(),
                json: serde_json::Value::Null,
                ask,
            });
        }
        if service == Service::CloudWatch {
            return Self::read_cbor(request, region)
                .map_err(|error| Box::new(refusal(service, &error, 0)));
        }
        let (params, json) = if service.is_json() {
            (
                Params::default(),
                serde_json::from_slice(&request.body).unwrap_or_default(),
            )
        } else {
            (Params::parse(&request.body), serde_json::Value::Null)
        };
        let action = if service.is_json() {
            request
                .target
                .as_deref()
                .and_then(|target| target.rsplit('.').next())
        } else {
            params.text("Action")
        };
        let action = action
            .ok_or_else(|| refuse(400, "MissingAction", "The request names no action"))?
            .to_owned();
        Ok(Self {
            service,
            region: (*region).to_owned(),
            action,
            params,
            json,
            ask: Ask::default(),
        })
    }
}

/// The most bytes of one call (CloudWatch API Reference, PutMetricData: 1 MB).
const MOST_CBOR: usize = 1_000_000;

impl Call {
    /// Smithy's RPC v2 protocol, which CloudWatch speaks with current SDKs: the path names the action, the body is CBOR.
    fn read_cbor(request: &Request, region: &str) -> Result<Self, ApiError> {
        let protocol = request.headers.get("smithy-protocol").map(String::as_str);
        if protocol != Some("rpc-v2-cbor") {
            let message = "the sandbox speaks CloudWatch's CBOR protocol only";
            return Err(ApiError::unsupported(message));
        }
        if request.headers.contains_key("content-encoding") {
            return Err(ApiError::unsupported(
                "the sandbox reads no compressed bodies",
            ));
        }
        if request.body.len() > MOST_CBOR {
            let message = "Request size exceeded 1 MB";
            return Err(ApiError::with_status(413, "RequestEntityTooLarge", message));
        }
        let action = request.uri.rsplit('/').next().unwrap_or_default();
        let json = cbor::read(&request.body)
            .ok_or_else(|| ApiError::new("SerializationException", "the body is no CBOR"))?;
        Ok(Self {
            service: Service::CloudWatch,
            region: region.to_owned(),
            action: action.to_owned(),
            params: Params::default(),
            json,
            ask: Ask::default(),
        })
    }
}

fn request_id(number: u64) -> String {
    format!("5a4db0c5-0000-4000-8000-{number:012x}")
}

/// An answer in EC2's protocol (EC2 API Reference, "Query requests").
pub(crate) fn ec2_answer(action: &str, inside: Xml, number: u64) -> Response {
    let mut xml = Xml::default();
    let root = format!("{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"");
    xml.wrap(&root, |x| {
        x.el("requestId", request_id(number))
            .raw(&inside.into_text());
    });
    xml_response(200, xml)
}

/// An answer in the query protocol of IAM and STS (IAM API Reference, "Query API").
pub(crate) fn query_answer(service: Service, action: &str, inside: Xml, number: u64) -> Response {
    let mut xml = Xml::default();
    let root = format!("{action}Response xmlns=\"{}\"", namespace(service));
    xml.wrap(&root, |x| {
        x.wrap(&format!("{action}Result"), |x| {
            x.raw(&inside.into_text());
        });
        x.wrap("ResponseMetadata", |x| {
            x.el("RequestId", request_id(number));
        });
    });
    xml_response(200, xml)
}

fn namespace(service: Service) -> &'static str {
    if service == Service::Iam {
        "https://iam.amazonaws.com/doc/2010-05-08/"
    } else {
        "https://sts.amazonaws.com/doc/2011-06-15/"
    }
}

fn xml_response(status: u16, xml: Xml) -> Response {
    Response {
        content_type: Cow::Borrowed("text/xml;charset=UTF-8"),
        body: format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
            xml.into_text()
        )
        .into_bytes(),
        ..Response::empty(status)
    }
}

/// An answer of a JSON 1.1 service.
pub(crate) fn json_answer(value: &serde_json::Value) -> Response {
    Response {
        content_type: Cow::Borrowed("application/x-amz-json-1.1"),
        body: value.to_string().into_bytes(),
        ..Response::empty(200)
    }
}

/// An answer in CBOR.
pub(crate) fn cbor_answer(status: u16, told: &serde_json::Value) -> Response {
    let answer = Response {
        content_type: Cow::Borrowed("application/cbor"),
        body: cbor::write(told),
        ..Response::empty(status)
    };
    answer.with("smithy-protocol", "rpc-v2-cbor".to_owned())
}

/// An error in a service's protocol (EC2: "Query requests, example error response"; IAM: "Making query requests").
pub(crate) fn refusal(service: Service, error: &ApiError, number: u64) -> Response {
    let mut xml = Xml::default();
    match service {
        Service::Ec2 => {
            xml.wrap("Response", |x| {
                x.wrap("Errors", |x| {
                    x.wrap("Error", |x| {
                        x.el("Code", &error.code).el("Message", &error.message);
                    });
                });
                x.el("RequestID", request_id(number));
            });
        }
        Service::Iam | Service::Sts => {
            let root = format!("ErrorResponse xmlns=\"{}\"", namespace(service));
            let blame = if error.status < 500 {
                "Sender"
            } else {
                "Receiver"
            };
            xml.wrap(&root, |x| {
                x.wrap("Error", |x| {
                    x.el("Type", blame)
                        .el("Code", &error.code)
                        .el("Message", &error.message);
                });
                x.el("RequestId", request_id(number));
            });
        }
        Service::CloudWatch => {
            let told = serde_json::json!({"__type": error.code, "message": error.message});
            let blame = if error.status < 500 {
                "Sender"
            } else {
                "Receiver"
            };
            return cbor_answer(error.status, &told)
                .with("x-amzn-query-error", format!("{};{blame}", error.code));
        }
        Service::Ssm | Service::Quotas => {
            return Response {
                content_type: Cow::Borrowed("application/x-amz-json-1.1"),
                body: serde_json::json!({"__type": error.code, "message": error.message})
                    .to_string()
                    .into_bytes(),
                ..Response::empty(error.status)
            };
        }
        // S3 API Reference, "Error responses".
        Service::S3 => {
            xml.wrap("Error", |x| {
                x.el("Code", &error.code)
                    .el("Message", &error.message)
                    .el("RequestId", request_id(number));
            });
        }
    }
    xml_response(error.status, xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_names_region_and_service() {
        let request = Request {
            authorization: Some(
                "AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/ec2/aws4_request, SignedHeaders=host"
                    .to_owned(),
            ),
            target: None,
            body: b"Action=DescribeVpcs&Version=2016-11-15".to_vec(),
            ..Request::default()
        };
        let call = Call::read(&request).expect("a call");
        assert_eq!(
            (call.region.as_str(), call.action.as_str(), call.service),
            ("eu-west-1", "DescribeVpcs", Service::Ec2)
        );
        let unsigned = Call::read(&Request::default()).expect_err("unsigned");
        assert_eq!(unsigned.status, 401);
    }
}
