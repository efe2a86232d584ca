//! One HTTP exchange with IMDS: bounded in time and size, no proxy, no redirect, no retry.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::error::ImdsError;
use super::token::{TTL_SECONDS, Token};

/// No value of IMDS is longer: user-data has 16 KiB at most.
const MOST_BYTES: usize = 64 * 1024;

const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// What came back. The body is read for status 200 alone.
#[derive(Debug)]
pub(super) struct Answer {
    /// Method and URL, for messages.
    pub(super) call: String,
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) is_html: bool,
    ttl: Option<u64>,
}

impl Answer {
    /// The answer as one text, for a path that holds text.
    pub(super) fn into_text(self) -> Result<String, ImdsError> {
        if self.is_html || self.body.trim_ascii().starts_with(b"<") {
            return Err(not_a_value(self.call, "the answer is a web page"));
        }
        String::from_utf8(self.body).map_err(|_| not_a_value(self.call, "the answer is not text"))
    }

    /// The error that a status with no use for it stands for.
    pub(super) fn into_refusal(self) -> ImdsError {
        match self.status {
            StatusCode::FORBIDDEN => ImdsError::Forbidden { call: self.call },
            StatusCode::UNAUTHORIZED => ImdsError::TokenRefused { call: self.call },
            status => ImdsError::Status { call: self.call, status },
        }
    }
}

pub(super) fn not_a_value(call: String, why: impl Into<String>) -> ImdsError {
    ImdsError::NotAValue { call, why: why.into() }
}

/// Where IMDS is, and the connection to it.
#[derive(Debug)]
pub(super) struct Door {
    client: Client,
    base: String,
    /// How long one exchange may take.
    attempt: Duration,
}

impl Door {
    pub(super) fn new(base: String, attempt: Duration) -> Result<Self, ImdsError> {
        // Plain HTTP alone: a TLS that trusts nobody spares loading the system's certificates, and needs no provider installed for the process.
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("ring offers the default protocol versions")
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // A proxy would hand out its own machine's metadata.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .user_agent(concat!("herdsman/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ImdsError::Client)?;
        Ok(Self { client, base, attempt })
    }

    /// Asks for a new token.
    pub(super) async fn token(&self, deadline: Instant) -> Result<Token, ImdsError> {
        let ttl = HeaderValue::from(TTL_SECONDS);
        let answer = self.exchange(Method::PUT, TOKEN_PATH, (TTL_HEADER, ttl), deadline).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.into_refusal());
        }
        Token::new(&answer.body, answer.ttl, Instant::now()).map_err(|why| not_a_value(answer.call, why))
    }

    /// Asks for one path.
    pub(super) async fn get(&self, path: &str, token: &Token, deadline: Instant) -> Result<Answer, ImdsError> {
        self.exchange(Method::GET, path, (TOKEN_HEADER, token.header()), deadline).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        (name, value): (&'static str, HeaderValue),
        deadline: Instant,
    ) -> Result<Answer, ImdsError> {
        let url = format!("{}{path}", self.base);
        let call = format!("{method} {url}");
        let begun = Instant::now();
        let until = deadline.min(begun + self.attempt);
        let request = self.client.request(method, url).header(name, value);
        timeout_at(until, send(request, &call))
            .await
            .unwrap_or_else(|_| Err(ImdsError::TimedOut { call, after: until.saturating_duration_since(begun) }))
    }
}

async fn send(request: reqwest::RequestBuilder, call: &str) -> Result<Answer, ImdsError> {
    let unreachable =
        |source: reqwest::Error| ImdsError::Unreachable { call: call.to_owned(), source: source.without_url() };
    let too_large = || ImdsError::TooLarge { call: call.to_owned(), limit: MOST_BYTES };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let kind = header_text(response.headers(), CONTENT_TYPE.as_str());
    let is_html = kind.is_some_and(|kind| kind.starts_with("text/html"));
    let ttl = header_text(response.headers(), TTL_HEADER).and_then(|ttl| ttl.parse().ok());
    let mut body = Vec::new();
    if status == StatusCode::OK {
        if response.content_length().is_some_and(|length| length > MOST_BYTES as u64) {
            return Err(too_large());
        }
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(too_large());
            }
        }
    }
    Ok(Answer { call: call.to_owned(), status, body, is_html, ttl })
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
