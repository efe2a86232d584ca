//! The vocabulary between the world and the decisions: what happened, and what is to be done.

use std::time::Duration;

use super::aws::TargetState;
use super::hook::{Answer, Call, Way};
use super::ids::{ReleaseId, Slot};
use super::workers::WorkerNews;

/// What of the configuration the decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `workers.count`, resolved.
    pub workers: u16,
    /// `source` is configured.
    pub has_source: bool,
    /// `source.deadline`.
    pub source_deadline: Duration,
    /// `lifecycle.drain_timeout`.
    pub drain_timeout: Duration,
    /// `lifecycle.unready_wait`; `None`: by whether there is a group.
    pub unready_wait: Option<Duration>,
}

/// What is known of the machine once the metadata service was asked, or need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Whether this is an EC2 instance, so that Auto Scaling may have plans with it.
    pub in_cloud: bool,
    /// The settings with user-data merged in.
    pub settings: Settings,
    /// What its user-data was.
    pub user_data: UserData,
}

/// What became of the user-data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserData {
    /// There is none, or it is for somebody else.
    NotOurs,
    /// It is a configuration, and merged into the settings.
    Taken,
    /// It is a configuration with problems, told in words: the machine's own goes on.
    Refused(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is known which machine this is, or that it is no cloud's.
    Identified(Identified),
    /// The metadata service does not answer; it is asked on, but need not be waited for.
    IdentityDelayed {
        /// In words.
        why: String,
    },
    /// The target lifecycle state in the metadata changed (or was read for the first time).
    Target(TargetState),
    /// SIGTERM or SIGINT.
    StopAsked,
    /// `herdsman drain`.
    DrainAsked,
    /// The source's revision is there, as a directory.
    Fetched {
        /// Its release.
        release: ReleaseId,
    },
    /// It is not.
    FetchFailed {
        /// In words.
        why: String,
        /// Whether trying again may help.
        transient: bool,
    },
    /// The release is built and active.
    Built {
        /// Which.
        release: ReleaseId,
        /// The settings with the app's own file merged in.
        settings: Settings,
    },
    /// It could not be made ready.
    BuildFailed {
        /// In words.
        why: String,
    },
    /// News of one slot.
    Worker(Slot, WorkerNews),
    /// What Auto Scaling answered.
    Hook(Way, Answer),
    /// Time has passed.
    Tick,
}

/// Something to be done. Doing it twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Resolve the source and fetch its revision; answered by `Fetched` or `FetchFailed`.
    Fetch,
    /// Make this release ready and active; answered by `Built` or `BuildFailed`.
    Build(ReleaseId),
    /// Stop fetching and building, and kill what runs for it.
    AbandonRelease,
    /// Note that this release has served.
    MarkGood(ReleaseId),
    /// Start one worker a slot, and keep one there.
    StartWorkers,
    /// Ask every worker to end, kill what is left after this time.
    StopWorkers {
        /// At most; the workers' own stop timeout may be shorter.
        within: Duration,
    },
    /// Make this call to Auto Scaling; answered by `Hook`.
    CallHook(Way, Call),
    /// The agent is done and leaves.
    Leave,
}
