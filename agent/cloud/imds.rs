//! The instance metadata service, version 2 and nothing else: who this instance is, what it was told, where it is going.
//!
//! Every question has a total deadline, given by who asks; within it, what may pass is asked again, less and less often.
//! Must never ask without a token (that would be version 1), through a proxy or along a redirect.

mod error;
mod exchange;
mod identity;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

pub use self::error::ImdsError;
use self::exchange::{Answer, Door, not_a_value};
pub use self::identity::Identity;
use self::identity::{path_segment, tag_keys};
use self::token::TokenCache;
use crate::decide::aws::TargetState;

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

const DOCUMENT: &str = "/latest/dynamic/instance-identity/document";
const TAGS: &str = "/latest/meta-data/tags/instance";
const USER_DATA: &str = "/latest/user-data";
const TARGET_STATE: &str = "/latest/meta-data/autoscaling/target-lifecycle-state";

/// How long one attempt may take, and how long to wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// One exchange, from connecting to the last byte.
    pub attempt: Duration,
    /// The pause after the first failure; each later one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for Timeouts {
    /// IMDS is one hop away and throttles by packets a second: it answers soon or is to be left alone.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(2),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }
}

/// The metadata service of this instance.
#[derive(Debug)]
pub struct Imds {
    door: Door,
    token: TokenCache,
    timeouts: Timeouts,
}

impl Imds {
    /// A client of the IMDS at `base_url`, a plain `http://` address without a path of its own. Asks nothing yet.
    pub fn new(base_url: &str, timeouts: Timeouts) -> Result<Self, ImdsError> {
        let bad = |why| ImdsError::Endpoint { endpoint: base_url.to_owned(), why };
        let url = reqwest::Url::parse(base_url).map_err(|_| bad("is no URL"))?;
        if url.scheme() != "http" || !url.has_host() {
            return Err(bad("is no http:// address"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("has more than a host and a path"));
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { door: Door::new(base, timeouts.attempt)?, token: TokenCache::default(), timeouts })
    }

    /// A client of the IMDS that the environment names, as every AWS SDK reads it: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, else
    /// the address of `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, else 169.254.169.254.
    pub fn from_env() -> Result<Self, ImdsError> {
        Self::new(&endpoint(|name| std::env::var(name).ok())?, Timeouts::default())
    }

    /// Who this instance is.
    pub async fn identity(&self, deadline: Instant) -> Result<Identity, ImdsError> {
        let answer = self.ask(DOCUMENT, deadline).await?;
        let answer = answer.ok_or_else(|| not_a_value(format!("GET {DOCUMENT}"), "404 for what every instance has"))?;
        let call = answer.call.clone();
        let identity = Identity::from_document(&answer.into_text()?).map_err(|why| not_a_value(call, why))?;
        Ok(identity.with_tags(self.tags(deadline).await?))
    }

    /// What the instance was launched with: bytes, since it may be compressed. `None` when there is none.
    pub async fn user_data(&self, deadline: Instant) -> Result<Option<Vec<u8>>, ImdsError> {
        match self.ask(USER_DATA, deadline).await? {
            // User-data may well begin with `<` (a MIME type would not lie about it): the type alone tells.
            Some(answer) if answer.is_html => Err(not_a_value(answer.call, "the answer is a web page")),
            answer => Ok(answer.map(|answer| answer.body).filter(|data| !data.is_empty())),
        }
    }

    /// Where Auto Scaling is taking the instance; `None` until the group has said so, and for ever outside a group.
    pub async fn target_lifecycle_state(&self, deadline: Instant) -> Result<Option<TargetState>, ImdsError> {
        let Some(answer) = self.ask(TARGET_STATE, deadline).await? else {
            return Ok(None);
        };
        let call = answer.call.clone();
        let text = answer.into_text()?;
        let word = text.trim();
        if word.is_empty() || word.len() > 64 || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':') {
            return Err(not_a_value(call, format!("{word:.64?} is no lifecycle state")));
        }
        Ok(Some(TargetState::from(word.to_owned())))
    }

    async fn tags(&self, deadline: Instant) -> Result<BTreeMap<String, String>, ImdsError> {
        let mut tags = BTreeMap::new();
        let Some(listing) = self.ask(TAGS, deadline).await? else {
            return Ok(tags);
        };
        for key in tag_keys(&listing.into_text()?) {
            // A tag may go between the listing and its own question.
            if let Some(answer) = self.ask(&format!("{TAGS}/{}", path_segment(key)), deadline).await? {
                tags.insert(key.to_owned(), String::from_utf8_lossy(&answer.body).into_owned());
            }
        }
        Ok(tags)
    }

    /// Asks until there is an answer, a refusal that will stay, or the deadline.
    async fn ask(&self, path: &str, deadline: Instant) -> Result<Option<Answer>, ImdsError> {
        let mut pause = self.timeouts.first_pause;
        let mut tries = 0;
        loop {
            tries += 1;
            let last = match self.ask_once(path, deadline).await {
                Err(error) if error.is_transient() => error,
                settled => return settled,
            };
            // Half of it is chance: a fleet that was throttled together must not come back together.
            let wait = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            if Instant::now() + wait >= deadline {
                return Err(ImdsError::GaveUp { tries, last: Box::new(last) });
            }
            sleep(wait).await;
            pause = (pause * 2).min(self.timeouts.longest_pause);
        }
    }

    /// One question; a token that is refused is renewed once. `None` when there is no such path.
    async fn ask_once(&self, path: &str, deadline: Instant) -> Result<Option<Answer>, ImdsError> {
        let mut token = match self.token.get(Instant::now()) {
            Some(token) => token,
            None => self.new_token(deadline).await?,
        };
        let mut answer = self.door.get(path, &token, deadline).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            self.token.refused(&token);
            token = self.new_token(deadline).await?;
            answer = self.door.get(path, &token, deadline).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => {
                self.token.refused(&token);
                Err(answer.into_refusal())
            }
            _ => Err(answer.into_refusal()),
        }
    }

    async fn new_token(&self, deadline: Instant) -> Result<token::Token, ImdsError> {
        let token = self.door.token(deadline).await?;
        self.token.put(token.clone());
        Ok(token)
    }
}

fn endpoint(variable: impl Fn(&str) -> Option<String>) -> Result<String, ImdsError> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(endpoint) = given("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
        return Ok(endpoint);
    }
    match given("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE") {
        None => Ok(IPV4.to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv4") => Ok(IPV4.to_owned()),
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => Ok(IPV6.to_owned()),
        Some(mode) => Err(ImdsError::Endpoint { endpoint: mode, why: "is neither IPv4 nor IPv6" }),
    }
}
