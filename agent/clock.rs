//! The one place that reads a clock and rolls dice for the decisions.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::decide::clock::{Now, Uptime};

/// The agent's clock: monotonic since its start, with the wall clock of that moment for people.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_wall: SystemTime,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the anchor from which times are shown to people")]
    pub fn start() -> Self {
        Self { started: Instant::now(), started_wall: SystemTime::now() }
    }

    /// Time since the start.
    #[must_use]
    pub fn uptime(&self) -> Uptime {
        Uptime(self.started.elapsed())
    }

    /// This moment, with fresh jitter.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { at: self.uptime(), jitter: fastrand::f64() }
    }

    /// The moment in which `uptime` is reached, for sleeping; far in the future if it never is.
    #[must_use]
    pub fn instant(&self, uptime: Uptime) -> Instant {
        let year = Duration::from_secs(365 * 24 * 3600);
        self.started + uptime.0.min(year)
    }

    /// What the wall clock showed, or will show, at `uptime`, as RFC 3339. A clock that was set since is not followed.
    #[must_use]
    pub fn wall(&self, uptime: Uptime) -> String {
        let at = self.started_wall.checked_add(uptime.0).unwrap_or(self.started_wall);
        humantime::format_rfc3339_seconds(at).to_string()
    }
}
