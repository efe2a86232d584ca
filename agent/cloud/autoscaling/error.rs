//! What the Auto Scaling API may answer instead of doing what was asked, told by the error's code and type, not by its text.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_autoscaling::config::http::HttpResponse;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};

type Cause = Box<dyn Error + Send + Sync>;

/// Why a call of the Auto Scaling API did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Too many calls, by this instance or anybody in the account and region.
    #[error("{action}: throttled by AWS")]
    Throttled {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// The role may not.
    #[error("{action}: denied; allow autoscaling:{action} in the policy of the instance's role")]
    Denied {
        /// The call, which is also the permission's name.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// The hook is not waiting: too early, or completed or timed out already.
    #[error("{action}: no lifecycle action is waiting for this instance and hook")]
    NoActiveAction {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// No answer: name, network, or time-out.
    #[error(
        "{action}: the Auto Scaling API cannot be reached; does the subnet have a way to it (NAT or VPC endpoint)?"
    )]
    Unreachable {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// No credentials, or none that are good any longer.
    #[error("{action}: no valid AWS credentials; does the instance have an instance profile?")]
    Credentials {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// AWS failed (a 5xx) or contends with itself: it may do so later what it did not do now.
    #[error("{action}: AWS could not answer now")]
    Busy {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
    /// Anything else, among it our own mistakes.
    #[error("{action}: refused")]
    Other {
        /// The call.
        action: &'static str,
        /// What the SDK said.
        #[source]
        cause: Cause,
    },
}

impl ApiError {
    /// Whether asking again later may help. Credentials count: those of a role come late at boot and are renewed as they end.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unreachable { .. } | Self::Credentials { .. } | Self::Busy { .. } => true,
            Self::Denied { .. } | Self::NoActiveAction { .. } | Self::Other { .. } => false,
        }
    }

    /// Sorts what the SDK said of `action`.
    pub(super) fn of<E>(action: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let kind = kind_of(&error);
        let cause: Cause = error.into();
        match kind {
            Kind::Throttled => Self::Throttled { action, cause },
            Kind::Denied => Self::Denied { action, cause },
            Kind::NoActiveAction => Self::NoActiveAction { action, cause },
            Kind::Unreachable => Self::Unreachable { action, cause },
            Kind::Credentials => Self::Credentials { action, cause },
            Kind::Busy => Self::Busy { action, cause },
            Kind::Other => Self::Other { action, cause },
        }
    }
}

enum Kind {
    Throttled,
    Denied,
    NoActiveAction,
    Unreachable,
    Credentials,
    Busy,
    Other,
}

fn kind_of<E>(error: &SdkError<E, HttpResponse>) -> Kind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if has_cause::<CredentialsError>(error) {
        return Kind::Credentials;
    }
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Kind::Unreachable,
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            kind_of_answer(answer.err().code(), answer.err().message().unwrap_or_default(), status)
        }
        _ => Kind::Other,
    }
}

/// The codes are those of the service's and the Query protocol's common errors (Auto Scaling API reference).
fn kind_of_answer(code: Option<&str>, message: &str, status: u16) -> Kind {
    match code {
        Some(
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException",
        ) => Kind::Throttled,
        Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "NotAuthorized") => Kind::Denied,
        Some(
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "MissingAuthenticationToken"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature",
        ) => Kind::Credentials,
        // One code for every bad parameter: its text alone tells this one from a group's wrong name.
        Some("ValidationError") if message.contains("No active Lifecycle Action found") => Kind::NoActiveAction,
        Some("ResourceContention" | "ServiceUnavailable" | "InternalFailure" | "InternalError") => Kind::Busy,
        _ if status == 429 => Kind::Throttled,
        _ if status >= 500 => Kind::Busy,
        _ if status == 403 => Kind::Denied,
        _ => Kind::Other,
    }
}

/// Whether an error of type `T` is among the causes.
fn has_cause<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<T>() {
            return true;
        }
        next = error.source();
    }
    false
}
