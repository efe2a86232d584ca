//! Who asked for what, and what came of it: kept in order, for tests to look at and to wait for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// One request and its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Real milliseconds since the emulator began.
    pub at_ms: u64,
    /// `imds` or `autoscaling`.
    pub api: &'static str,
    /// Whose it is, where that can be told.
    pub instance: Option<String>,
    /// `GET /latest/…` or the action's name.
    pub action: String,
    pub parameters: BTreeMap<String, String>,
    /// The status, with the error's code behind it; `cut` where the connection was closed.
    pub outcome: String,
}

impl Call {
    /// Whether it did what was asked.
    pub fn is_good(&self) -> bool {
        self.outcome == "200"
    }
}

/// All calls so far.
#[derive(Debug)]
pub struct Calls {
    began: Instant,
    all: Mutex<Vec<Call>>,
    count: watch::Sender<usize>,
}

impl Calls {
    pub fn new() -> Self {
        Self { began: Instant::now(), all: Mutex::default(), count: watch::Sender::new(0) }
    }

    pub fn record(
        &self,
        api: &'static str,
        instance: Option<String>,
        action: String,
        parameters: BTreeMap<String, String>,
        outcome: String,
    ) {
        let at_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Call { at_ms, api, instance, action, parameters, outcome });
        self.count.send_replace(all.len());
    }

    pub fn all(&self) -> Vec<Call> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The calls of one action of the Auto Scaling API.
    pub fn of(&self, action: &str) -> Vec<Call> {
        self.all().into_iter().filter(|call| call.action == action).collect()
    }

    /// Waits until `wanted` calls, past ones included, are as `like` says.
    pub async fn wait(&self, wanted: usize, within: Duration, like: impl Fn(&Call) -> bool) -> Vec<Call> {
        let deadline = Instant::now() + within;
        let mut count = self.count.subscribe();
        loop {
            let found: Vec<Call> = self.all().into_iter().filter(&like).collect();
            if found.len() >= wanted {
                return found;
            }
            let more = timeout_at(deadline, count.changed()).await;
            assert!(
                more.is_ok(),
                "{} of {wanted} calls came within {within:?}; all calls: {:#?}",
                found.len(),
                self.all()
            );
        }
    }
}
