//! Where the instance is in its life.

use std::fmt;

use super::clock::Uptime;

/// A phase; see the picture in ARCHITECTURE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Who is this machine, and what does its user-data say?
    Identifying,
    /// The release is being fetched.
    Fetching {
        /// Since when.
        started: Uptime,
        /// Failures so far.
        failures: u32,
        /// When the next try is due; `None` while one is under way.
        retry_at: Option<Uptime>,
    },
    /// Dependencies are installed, the app is built.
    Building,
    /// The workers are started; none or not all of them serve yet.
    Starting,
    /// Every worker serves.
    InService,
    /// Fewer workers serve than wanted.
    Degraded,
    /// In a warm pool: fetched and built, workers not started.
    Warm,
    /// Out of service, still serving what comes, until the load balancer has let go.
    LettingGo {
        /// When to go on at the latest; `None`: only the group's own state tells.
        until: Option<Uptime>,
    },
    /// The workers were asked to end and finish what they have.
    Finishing {
        /// When the last of them is killed.
        until: Uptime,
    },
    /// No worker is left.
    Drained,
    /// And the group was told so: the instance may go.
    Released,
    /// The instance cannot serve; the reason is kept and told.
    Failed {
        /// When the release is tried again, where that may help.
        retry_at: Option<Uptime>,
    },
}

impl Phase {
    /// The word for people, logs and `status --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Identifying => "identifying",
            Self::Fetching { .. } => "fetching",
            Self::Building => "building",
            Self::Starting => "starting",
            Self::InService => "in-service",
            Self::Degraded => "degraded",
            Self::Warm => "warm",
            Self::LettingGo { .. } | Self::Finishing { .. } => "draining",
            Self::Drained => "drained",
            Self::Released => "released",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether the instance is on its way out, or gone.
    #[must_use]
    pub fn leaving(self) -> bool {
        match self {
            Self::LettingGo { .. } | Self::Finishing { .. } | Self::Drained | Self::Released => true,
            Self::Identifying
            | Self::Fetching { .. }
            | Self::Building
            | Self::Starting
            | Self::InService
            | Self::Degraded
            | Self::Warm
            | Self::Failed { .. } => false,
        }
    }

    /// Whether the way up has come to an end, good or bad: what `systemctl start` and `herdsman up` wait for.
    #[must_use]
    pub fn settled(self) -> bool {
        match self {
            Self::InService | Self::Degraded | Self::Warm | Self::Failed { .. } => true,
            Self::Identifying | Self::Fetching { .. } | Self::Building | Self::Starting => false,
            Self::LettingGo { .. } | Self::Finishing { .. } | Self::Drained | Self::Released => true,
        }
    }

    /// Whether workers may be started or run in this phase.
    #[must_use]
    pub fn runs_workers(self) -> bool {
        matches!(self, Self::Starting | Self::InService | Self::Degraded | Self::Failed { .. })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
