//! What is to go wrong. Counters count down with each request that they spoil.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Faults of the Auto Scaling API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiFaults {
    /// Close every connection without an answer.
    pub down: bool,
    /// Answer so many milliseconds later.
    pub slow_ms: u64,
    /// By action: answer "Rate exceeded" so many times.
    pub throttle: BTreeMap<String, u32>,
    /// By action: do it, then close the connection without an answer, so many times.
    pub lose_answer: BTreeMap<String, u32>,
    /// Actions that the role may not call.
    pub deny: Vec<String>,
    /// Answer 500 so many times.
    pub failing: u32,
    /// Say that the credentials are expired, so many times.
    pub expired: u32,
}

/// Faults of one instance's IMDS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImdsFaults {
    /// As with `HttpEndpoint=disabled`: 403 to everything.
    pub off: bool,
    /// Close every connection without an answer.
    pub down: bool,
    /// Answer so many milliseconds later.
    pub slow_ms: u64,
    /// Answer 401 to so many GETs, whatever their token.
    pub unauthorized: u32,
    /// Answer 500 so many times.
    pub failing: u32,
    /// Answer 429 so many times.
    pub throttled: u32,
    /// `target-lifecycle-state` is 404, as before the group has filled it.
    pub no_target: bool,
    /// Answer a web page, as a captive portal would.
    pub html: bool,
    /// The role's credentials are 404, as before the role has reached the instance.
    pub no_role: bool,
}

impl ApiFaults {
    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }
}

impl ImdsFaults {
    pub fn slow(&self) -> Duration {
        Duration::from_millis(self.slow_ms)
    }
}

/// Uses one up, if there is one left.
pub fn take(counter: &mut u32) -> bool {
    let left = *counter > 0;
    *counter = counter.saturating_sub(1);
    left
}

/// As [`take`], of the counter of one action.
pub fn take_of(counters: &mut BTreeMap<String, u32>, action: &str) -> bool {
    counters.get_mut(action).is_some_and(take)
}
