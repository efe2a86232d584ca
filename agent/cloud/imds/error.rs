//! What can go wrong between this machine and its metadata service. No message holds a token.

use std::time::Duration;

use reqwest::StatusCode;

/// Why IMDS gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ImdsError {
    /// The endpoint's address is not usable.
    #[error(
        "IMDS endpoint {endpoint:?} {why}; leave AWS_EC2_METADATA_SERVICE_ENDPOINT and …_MODE out, or give a plain http:// address and IPv4 or IPv6"
    )]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The HTTP client could not be built.
    #[error("no HTTP client for IMDS")]
    Client(#[source] reqwest::Error),
    /// Nobody there, or the connection broke.
    #[error("IMDS {call}: no answer")]
    Unreachable {
        /// Method and URL.
        call: String,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// One attempt took too long.
    #[error(
        "IMDS {call}: no answer within {after:?} (in a container, a hop limit of 1 looks like this: set HttpPutResponseHopLimit to 2)"
    )]
    TimedOut {
        /// Method and URL.
        call: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// 403: switched off, or a firewall or proxy in between.
    #[error(
        "IMDS {call}: 403 forbidden; set HttpEndpoint of the instance's metadata options to enabled and reach IMDS without a proxy"
    )]
    Forbidden {
        /// Method and URL.
        call: String,
    },
    /// 401 with a token fresh from the service.
    #[error("IMDS {call}: 401, even with a new token")]
    TokenRefused {
        /// Method and URL.
        call: String,
    },
    /// A status with no meaning of its own here.
    #[error("IMDS {call}: {status}")]
    Status {
        /// Method and URL.
        call: String,
        /// The status.
        status: StatusCode,
    },
    /// More bytes than any value of IMDS has.
    #[error("IMDS {call}: more than {limit} bytes; is this IMDS?")]
    TooLarge {
        /// Method and URL.
        call: String,
        /// The most that is read.
        limit: usize,
    },
    /// An answer that is not what this path holds.
    #[error("IMDS {call}: {why}; is this IMDS?")]
    NotAValue {
        /// Method and URL.
        call: String,
        /// What is wrong with it.
        why: String,
    },
    /// The deadline came before a good answer.
    #[error("IMDS gave no usable answer in {tries} tries")]
    GaveUp {
        /// How often it was asked.
        tries: u32,
        /// How the last try ended.
        #[source]
        last: Box<ImdsError>,
    },
}

impl ImdsError {
    /// Whether asking again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::TokenRefused { .. } | Self::GaveUp { .. } => true,
            Self::Status { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Endpoint { .. }
            | Self::Client(_)
            | Self::Forbidden { .. }
            | Self::TooLarge { .. }
            | Self::NotAValue { .. } => false,
        }
    }
}
