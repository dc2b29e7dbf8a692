//! What an error of the AWS SDK means. The one file that decides it: by error code first, by HTTP status only
//! where there is no known code, because EC2 answers "no capacity" and "slow down" with a 5xx.
//!
//! Owns: code, status and message to [`FailureClass`] and [`Leftover`]. Does not own: what is "already so" for one
//! operation; the file of that operation does.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::model::{Failure, FailureClass, Leftover};

/// For `map_err`: turns the SDK's error for `operation` into a failure.
pub(super) fn failed<E>(
    operation: &'static str,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| {
        let meta = match &error {
            SdkError::ServiceError(service) => Some(service.err().meta()),
            _ => None,
        };
        let refusal = Refusal {
            code: meta.and_then(|m| m.code()),
            message: meta.and_then(|m| m.message()),
            response: error.raw_response(),
        };
        match &error {
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => refused(operation, &refusal),
            SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
                Some(connector) => undelivered(operation, connector),
                None => unanswered(operation, "the request was not answered".to_owned()),
            },
            SdkError::TimeoutError(_) => {
                unanswered(operation, "no answer within the time limit".to_owned())
            }
            // The request was never built, so nothing was sent.
            other => match other.source() {
                Some(source) if has_cause::<CredentialsError>(source) => {
                    no_credentials(operation, source)
                }
                source => Failure::local(
                    FailureClass::Invalid,
                    operation,
                    source.map_or_else(|| other.to_string(), causes),
                ),
            },
        }
    }
}

/// An answer that is not a success, stripped of the SDK's types.
struct Refusal<'a> {
    code: Option<&'a str>,
    message: Option<&'a str>,
    response: Option<&'a HttpResponse>,
}

/// The service answered, and the answer is no.
fn refused(operation: &str, refusal: &Refusal<'_>) -> Failure {
    let status = refusal.response.map(|response| response.status().as_u16());
    let class = class_of(refusal.code, status, refusal.message.unwrap_or_default());
    let message = refusal.message.map_or_else(
        || match status {
            Some(status) => format!("HTTP {status} without a word"),
            None => "an answer without a word".to_owned(),
        },
        str::to_owned,
    );
    Failure {
        class,
        operation: operation.to_owned(),
        code: refusal.code.map(str::to_owned),
        message,
        request_id: refusal.response.and_then(request_id),
        // A fault of the service may strike after the effect; a refusal leaves nothing.
        leftover: if class == FailureClass::Transient {
            Leftover::Unknown
        } else {
            Leftover::Nothing
        },
    }
}

/// The request did not get an answer; whether it was delivered depends on where it failed.
fn undelivered(operation: &str, connector: &ConnectorError) -> Failure {
    if has_cause::<CredentialsError>(connector) {
        return no_credentials(operation, connector);
    }
    // The connector's own words are "io error" and "other".
    let text = connector
        .source()
        .map_or_else(|| connector.to_string(), causes);
    let never_connected = cause::<hyper_util::client::legacy::Error>(connector)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
        || cause::<io::Error>(connector)
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if never_connected {
        return Failure::local(FailureClass::Unreachable, operation, text);
    }
    if connector.is_user() {
        return Failure::local(FailureClass::Invalid, operation, text);
    }
    unanswered(operation, text)
}

/// The SDK found no credentials, or found some that it could not use.
fn no_credentials(operation: &str, error: &(dyn Error + 'static)) -> Failure {
    let message = match cause::<CredentialsError>(error) {
        // The SDK would list every place it looked at, one a line.
        None | Some(CredentialsError::CredentialsNotLoaded(_)) => {
            "no credentials: none in the environment, in the profile of AWS's config files, or \
             from this machine's role"
                .to_owned()
        }
        Some(unusable) => format!("no usable credentials: {}", causes(unusable)),
    };
    Failure::local(FailureClass::Credentials, operation, message)
}

/// The request may have been carried out: nobody knows.
fn unanswered(operation: &str, message: String) -> Failure {
    Failure {
        leftover: Leftover::Unknown,
        ..Failure::local(FailureClass::Transient, operation, message)
    }
}

/// The request's id: a header, or for EC2's older front ends an element of the body.
fn request_id(response: &HttpResponse) -> Option<String> {
    let headers = response.headers();
    if let Some(id) = headers
        .get("x-amzn-requestid")
        .or(headers.get("x-amz-request-id"))
    {
        return Some(id.to_owned());
    }
    let body = std::str::from_utf8(response.body().bytes()?).ok()?;
    let (_, rest) = body.split_once("<RequestID>")?;
    rest.split_once("</RequestID>").map(|(id, _)| id.to_owned())
}

/// The cause of this type, however deep.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn has_cause<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    cause::<T>(error).is_some()
}

/// The whole chain of causes in one line, each said once.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = error.source();
    }
    text
}

/// The class of an answer. Order matters: exact codes, then messages, then families of codes, then the status.
fn class_of(code: Option<&str>, status: Option<u16>, message: &str) -> FailureClass {
    let Some(code) = code else {
        return class_of_status(status);
    };
    class_of_message(code, message)
        .or_else(|| class_of_code(code))
        .or_else(|| class_of_family(code))
        .unwrap_or_else(|| class_of_status(status))
}

/// Codes that mean several things, told apart by EC2's own words.
fn class_of_message(code: &str, message: &str) -> Option<FailureClass> {
    let says = |part: &str| message.to_ascii_lowercase().contains(part);
    Some(match code {
        // A new instance profile reaches EC2 seconds to two minutes after IAM has it.
        "InvalidParameterValue"
            if says("invalid iam instance profile")
                || says("iaminstanceprofile.name is invalid") =>
        {
            FailureClass::NotVisibleYet
        }
        // "Not supported in your requested Availability Zone": another zone may do.
        "Unsupported" if says("availability zone") => FailureClass::Capacity,
        // Accounts on the free plan cannot launch GPU types, and no retry changes that.
        "InvalidParameterCombination" if says("free tier") => FailureClass::Permission,
        // The same code says "these are no credentials" and "this is not yours".
        "AuthFailure" | "SignatureDoesNotMatch"
            if says("validate the provided access credentials") || says("signature") =>
        {
            FailureClass::Credentials
        }
        _ => return None,
    })
}

/// Codes that mean one thing.
const CODES: &[(FailureClass, &[&str])] = &[
    (
        FailureClass::Throttled,
        &[
            "RequestLimitExceeded",
            "EC2ThrottledException",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "SlowDown",
            "LimitExceededException",
        ],
    ),
    (
        FailureClass::Transient,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "InternalServiceError",
            "ServerInternal",
            "ServiceFailure",
            "ServiceException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "PriorRequestNotComplete",
        ],
    ),
    (
        // A subnet without free addresses is full like a zone is: the next rung may be another subnet.
        FailureClass::Capacity,
        &[
            "InsufficientInstanceCapacity",
            "InsufficientCapacity",
            "InsufficientHostCapacity",
            "InsufficientVolumeCapacity",
            "InsufficientAddressCapacity",
            "UnfulfillableCapacity",
            "ReservationCapacityExceeded",
            "InsufficientFreeAddressesInSubnet",
            "VolumeTypeNotAvailableInZone",
        ],
    ),
    (FailureClass::SpotPrice, &["SpotMaxPriceTooLow"]),
    (
        FailureClass::Quota,
        &[
            "MaxSpotInstanceCountExceeded",
            "ServiceQuotaExceededException",
            "LimitExceeded",
            "LimitExceededFault",
        ],
    ),
    (
        FailureClass::Conflict,
        &[
            "DependencyViolation",
            "VolumeInUse",
            "DeleteConflict",
            "IncorrectState",
            "IncorrectInstanceState",
            "InvalidState",
            "IncorrectModificationState",
            "IncorrectSpotRequestState",
            "ConcurrentTagAccess",
            "ConcurrentModification",
            "EntityTemporarilyUnmodifiable",
            "SnapshotCreationPerVolumeRateExceeded",
            "Gateway.NotAttached",
            "ConcurrentModificationException",
        ],
    ),
    (
        FailureClass::AlreadyExists,
        &[
            "Resource.AlreadyAssociated",
            "ConflictException",
            "BucketAlreadyOwnedByYou",
            "InvalidSubnet.Conflict",
        ],
    ),
    (
        // AssociateAddress says this, without a suffix, of an instance that is still pending.
        FailureClass::NotVisibleYet,
        &["InvalidInstanceID"],
    ),
    (
        FailureClass::NotFound,
        &[
            "InvalidAMIID.Unavailable",
            "InvalidPlacementGroup.Unknown",
            "DashboardNotFoundError",
        ],
    ),
    (
        FailureClass::Permission,
        &[
            "UnauthorizedOperation",
            "AuthFailure",
            "AccessDenied",
            "AccessDeniedException",
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
            "OptInRequired",
            "PendingVerification",
            "Blocked",
            "TagPolicyViolation",
        ],
    ),
    (
        FailureClass::Credentials,
        &[
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "RequestInTheFuture",
            "ExpiredToken",
            "ExpiredTokenException",
        ],
    ),
    (
        FailureClass::Token,
        &[
            "IdempotentParameterMismatch",
            "IdempotentInstanceTerminated",
            "InvalidClientToken",
        ],
    ),
    (
        // Termination protection stays until someone lifts it: waiting would only hide it.
        FailureClass::Invalid,
        &[
            "OperationNotPermitted",
            "Unsupported",
            "FilterLimitExceeded",
            "InvalidMaxResults",
            "InvalidNextToken",
            "InvalidPaginationToken",
            "ResourceCountExceeded",
            "DryRunOperation",
        ],
    ),
];

fn class_of_code(code: &str) -> Option<FailureClass> {
    let (class, _) = CODES.iter().find(|(_, codes)| codes.contains(&code))?;
    Some(*class)
}

/// Families of codes, by prefix or suffix: EC2 spells one idea in several ways (`InvalidSubnetID.NotFound`,
/// `InvalidSubnetId.NotFound`, `NatGatewayNotFound`).
fn class_of_family(code: &str) -> Option<FailureClass> {
    let lower = code.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or_default();
    if last.ends_with("notfound")
        || last.ends_with("notfoundexception")
        || lower.starts_with("nosuch")
    {
        Some(FailureClass::NotFound)
    } else if last == "duplicate" || last.contains("alreadyexists") {
        Some(FailureClass::AlreadyExists)
    } else if last == "inuse" {
        Some(FailureClass::Conflict)
    } else if last.ends_with("limitexceeded") {
        Some(FailureClass::Quota)
    } else {
        None
    }
}

/// The class of an answer whose code says nothing. A 404 of an endpoint that does not know the action is not
/// "absent": only a code can say that.
fn class_of_status(status: Option<u16>) -> FailureClass {
    match status {
        None | Some(200..=299 | 408 | 500..) => FailureClass::Transient,
        Some(429) => FailureClass::Throttled,
        Some(401 | 403) => FailureClass::Permission,
        Some(_) => FailureClass::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureClass as Class;

    /// Class, HTTP status and codes, as EC2 and IAM document them.
    const DOCUMENTED: &[(Class, u16, &[&str])] = &[
        (
            Class::Throttled,
            503,
            &["RequestLimitExceeded", "EC2ThrottledException", "SlowDown"],
        ),
        (
            Class::Throttled,
            400,
            &[
                "Throttling",
                "ThrottlingException",
                "TooManyRequestsException",
                "LimitExceededException",
            ],
        ),
        (
            Class::Transient,
            500,
            &[
                "InternalError",
                "InternalFailure",
                "ServerInternal",
                "ServiceUnavailable",
                "Unavailable",
                "SomethingNobodyHasSeen",
            ],
        ),
        (Class::Transient, 400, &["RequestTimeout"]),
        (
            Class::Capacity,
            500,
            &[
                "InsufficientInstanceCapacity",
                "UnfulfillableCapacity",
                "InsufficientVolumeCapacity",
                "InsufficientAddressCapacity",
                "ReservationCapacityExceeded",
            ],
        ),
        (Class::Capacity, 400, &["InsufficientFreeAddressesInSubnet"]),
        (Class::SpotPrice, 400, &["SpotMaxPriceTooLow"]),
        (
            Class::Quota,
            400,
            &[
                "VcpuLimitExceeded",
                "MaxSpotInstanceCountExceeded",
                "InstanceLimitExceeded",
                "AddressLimitExceeded",
                "VpcLimitExceeded",
                "InternetGatewayLimitExceeded",
                "SecurityGroupLimitExceeded",
                "RulesPerSecurityGroupLimitExceeded",
                "SecurityGroupsPerInterfaceLimitExceeded",
                "NetworkInterfaceLimitExceeded",
                "VolumeLimitExceeded",
                "MaxIOPSLimitExceeded",
                "SnapshotLimitExceeded",
                "PendingSnapshotLimitExceeded",
                "ConcurrentSnapshotLimitExceeded",
                "KeyPairLimitExceeded",
                "TagLimitExceeded",
                "ResourceLimitExceeded",
                "LimitExceeded",
            ],
        ),
        (
            Class::Conflict,
            400,
            &[
                "DependencyViolation",
                "InvalidGroup.InUse",
                "InvalidIPAddress.InUse",
                "InvalidNetworkInterface.InUse",
                "VolumeInUse",
                "InvalidSnapshot.InUse",
                "InvalidPlacementGroup.InUse",
                "IncorrectState",
                "IncorrectInstanceState",
                "InvalidState",
                "IncorrectModificationState",
                "IncorrectSpotRequestState",
                "ConcurrentTagAccess",
                "SnapshotCreationPerVolumeRateExceeded",
                "Gateway.NotAttached",
                "DeleteConflict",
            ],
        ),
        (
            Class::AlreadyExists,
            400,
            &[
                "InvalidGroup.Duplicate",
                "InvalidKeyPair.Duplicate",
                "InvalidPermission.Duplicate",
                "RouteAlreadyExists",
                "Resource.AlreadyAssociated",
                "InvalidAMIName.Duplicate",
                "InvalidPlacementGroup.Duplicate",
                "EntityAlreadyExists",
                "ConflictException",
                "BucketAlreadyOwnedByYou",
                "InvalidSubnet.Conflict",
            ],
        ),
        (
            Class::NotFound,
            400,
            &[
                "InvalidSubnetID.NotFound",
                "InvalidSubnetId.NotFound",
                "InvalidRouteTableID.NotFound",
                "InvalidGroup.NotFound",
                "InvalidSecurityGroupID.NotFound",
                "InvalidAMIID.Unavailable",
                "NatGatewayNotFound",
                "NoSuchEntity",
                "NoSuchResourceException",
                "ParameterNotFound",
                "InvalidInstanceID.NotFound",
                "InvalidPlacementGroup.Unknown",
            ],
        ),
        (Class::NotVisibleYet, 400, &["InvalidInstanceID"]),
        (
            Class::Permission,
            403,
            &[
                "UnauthorizedOperation",
                "AuthFailure",
                "AccessDenied",
                "AccessDeniedException",
                "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
                "OptInRequired",
                "PendingVerification",
                "Blocked",
                "TagPolicyViolation",
            ],
        ),
        (
            Class::Credentials,
            403,
            &[
                "InvalidClientTokenId",
                "SignatureDoesNotMatch",
                "RequestExpired",
                "ExpiredToken",
            ],
        ),
        (
            Class::Token,
            400,
            &[
                "IdempotentParameterMismatch",
                "IdempotentInstanceTerminated",
                "InvalidClientToken",
            ],
        ),
        (
            Class::Invalid,
            400,
            &[
                "OperationNotPermitted",
                "Unsupported",
                "FilterLimitExceeded",
                "InvalidMaxResults",
                "InvalidNextToken",
                "InvalidPaginationToken",
                "ResourceCountExceeded",
                "InvalidParameterValue",
                "InvalidParameterCombination",
                "SomethingNobodyHasSeen",
            ],
        ),
        (Class::Invalid, 412, &["DryRunOperation"]),
    ];

    #[test]
    fn every_documented_code_has_its_class() {
        for (class, status, codes) in DOCUMENTED {
            for code in *codes {
                assert_eq!(class_of(Some(code), Some(*status), ""), *class, "{code}");
            }
        }
    }

    #[test]
    fn messages_tell_apart_what_a_code_does_not() {
        for (code, message, class) in [
            (
                "InvalidParameterValue",
                "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
                Class::NotVisibleYet,
            ),
            (
                "Unsupported",
                "Your requested instance type (g6.xlarge) is not supported in your requested Availability Zone (a).",
                Class::Capacity,
            ),
            (
                "InvalidParameterCombination",
                "The specified instance type is not eligible for Free Tier.",
                Class::Permission,
            ),
            (
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
                Class::Credentials,
            ),
            (
                "AuthFailure",
                "Not authorized for images: [ami-1]",
                Class::Permission,
            ),
        ] {
            assert_eq!(class_of(Some(code), Some(400), message), class, "{message}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for (status, class) in [
            (Some(500), Class::Transient),
            (Some(503), Class::Transient),
            (Some(200), Class::Transient),
            (Some(429), Class::Throttled),
            (Some(403), Class::Permission),
            (Some(404), Class::Invalid),
            (None, Class::Transient),
        ] {
            assert_eq!(class_of(None, status, ""), class, "{status:?}");
        }
    }

    #[test]
    fn only_a_fault_of_the_service_leaves_doubt() {
        let leftover = |code| {
            let refusal = Refusal {
                code: Some(code),
                message: None,
                response: None,
            };
            refused("RunInstances", &refusal).leftover
        };
        assert_eq!(leftover("InternalError"), Leftover::Unknown);
        assert_eq!(leftover("InsufficientInstanceCapacity"), Leftover::Nothing);
        assert_eq!(leftover("RequestLimitExceeded"), Leftover::Nothing);
        assert_eq!(leftover("DependencyViolation"), Leftover::Nothing);
    }

    #[test]
    fn causes_are_said_once() {
        let error = ConnectorError::io(Box::new(io::Error::other("no route")));
        assert_eq!(causes(&error).matches("no route").count(), 1);
        assert_eq!(
            undelivered("RunInstances", &error).leftover,
            Leftover::Unknown
        );
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let failure = undelivered("RunInstances", &ConnectorError::io(refused.into()));
        assert_eq!(failure.class, Class::Unreachable);
        assert_eq!(failure.leftover, Leftover::Nothing);
    }
}
