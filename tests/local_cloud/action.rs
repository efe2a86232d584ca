//! A lifecycle action: one hook that waits for one instance, and how long.

use std::time::Duration;

use super::options::HookSpec;
use super::state::Moment;

/// A hook that waits for this instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub hook: String,
    pub token: String,
    heartbeat: Duration,
    pub default_result: String,
    heartbeat_until: Moment,
    global_until: Moment,
}

impl Action {
    pub fn new(hook: &HookSpec, now: Moment) -> Self {
        Self {
            hook: hook.name.clone(),
            token: token(),
            heartbeat: hook.heartbeat(),
            default_result: hook.default_result.clone(),
            heartbeat_until: now + hook.heartbeat(),
            global_until: now + hook.global(),
        }
    }

    /// A heartbeat came.
    pub fn beat(&mut self, now: Moment) {
        self.heartbeat_until = now + self.heartbeat;
    }

    /// When it has waited too long.
    pub fn ends(&self) -> Moment {
        self.heartbeat_until.min(self.global_until)
    }
}

/// 36 characters, shaped as a UUID.
fn token() -> String {
    let mut hex = format!("{:032x}", fastrand::u128(..));
    for at in [20, 16, 12, 8] {
        hex.insert(at, '-');
    }
    hex
}
