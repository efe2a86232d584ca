//! The session token of IMDSv2: kept in memory, renewed before its end, shown to nobody.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderValue;
use tokio::time::Instant;

/// What is asked for: six hours, the most there is. Source: EC2 user guide.
pub(super) const TTL_SECONDS: u64 = 21_600;

/// A longer token than this is none.
const LONGEST: usize = 1024;

/// A token and when it is to be renewed.
#[derive(Clone)]
pub(super) struct Token {
    header: HeaderValue,
    renew_at: Instant,
}

impl Token {
    /// Takes the service's answer, or tells what is wrong with it.
    pub(super) fn new(body: &[u8], ttl: Option<u64>, now: Instant) -> Result<Self, &'static str> {
        let text = body.trim_ascii();
        if text.is_empty() || text.len() > LONGEST || !text.iter().all(u8::is_ascii_graphic) || text[0] == b'<' {
            return Err("the answer is no token");
        }
        let mut header = HeaderValue::from_bytes(text).map_err(|_| "the answer is no token")?;
        header.set_sensitive(true);
        let ttl = Duration::from_secs(ttl.unwrap_or(TTL_SECONDS).min(TTL_SECONDS));
        // A twentieth early: a request that is under way must not see its token end.
        Ok(Self { header, renew_at: now + ttl.mul_f64(0.95) })
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The token in use, if any.
#[derive(Debug, Default)]
pub(super) struct TokenCache(Mutex<Option<Token>>);

impl TokenCache {
    /// The token, while it is good.
    pub(super) fn get(&self, now: Instant) -> Option<Token> {
        self.lock().clone().filter(|token| now < token.renew_at)
    }

    pub(super) fn put(&self, token: Token) {
        *self.lock() = Some(token);
    }

    /// Drops the token that the service refused, unless another call has renewed it already.
    pub(super) fn refused(&self, token: &Token) {
        let mut kept = self.lock();
        if kept.as_ref().is_some_and(|kept| kept.header == token.header) {
            *kept = None;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end() {
        let cache = TokenCache::default();
        cache.put(Token::new(b"abc\n", Some(100), Instant::now()).unwrap());
        tokio::time::advance(Duration::from_secs(94)).await;
        assert_eq!(cache.get(Instant::now()).unwrap().header(), "abc");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(cache.get(Instant::now()).is_none());
    }

    #[tokio::test]
    async fn only_the_refused_token_is_dropped() {
        let cache = TokenCache::default();
        let old = Token::new(b"old", None, Instant::now()).unwrap();
        cache.put(Token::new(b"new", None, Instant::now()).unwrap());
        cache.refused(&old);
        let new = cache.get(Instant::now()).unwrap();
        assert_eq!(new.header(), "new");
        cache.refused(&new);
        assert!(cache.get(Instant::now()).is_none());
    }

    #[tokio::test]
    async fn an_answer_that_is_no_token_is_refused_and_a_token_is_never_shown() {
        for answer in [&b""[..], b"<html>", b"two words", b"\x1b[31m", "tökén".as_bytes(), &[b'a'; 2000]] {
            assert!(Token::new(answer, None, Instant::now()).is_err());
        }
        let token = Token::new(b"AQAE-secret", None, Instant::now()).unwrap();
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
    }
}
