//! What goes over the socket, and what `herdsman status --json` prints. Versioned: a field is added, never changed in meaning.

use serde::{Deserialize, Serialize};

use crate::decide::ids::{Generation, GroupName, InstanceId, ReleaseId, Revision, Slot};

/// The version of these types.
pub const VERSION: u32 = 1;

/// How the instance stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// [`VERSION`] of the agent that answers.
    pub version: u32,
    /// The agent itself.
    pub agent: Agent,
    /// Where the instance is in its life.
    pub phase: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// What is wrong or waited for.
    pub reason: Option<String>,
    /// Whether the way up has come to an end, good or bad.
    pub settled: bool,
    /// The active release.
    pub release: Option<Release>,
    /// The app.
    pub app: App,
    /// How many workers there should be.
    pub workers_wanted: u16,
    /// Each slot.
    pub workers: Vec<Worker>,
    /// What `/health` says.
    pub health: Health,
    /// The machine, where a cloud knows it.
    pub instance: Option<Instance>,
    /// The lifecycle hooks that hold the instance now.
    pub hooks: Vec<Hook>,
}

/// The agent itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Agent {
    /// Of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since its start.
    pub uptime_s: u64,
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    /// The name of its directory.
    pub id: ReleaseId,
    /// What the source resolved to.
    pub revision: Revision,
    /// The source, as configured.
    pub source: String,
    /// RFC 3339.
    pub activated_at: String,
}

/// The app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct App {
    /// The start command and where it was found.
    pub command: Option<String>,
    /// The port the workers share.
    pub port: Option<u16>,
}

/// One slot and the worker in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worker {
    /// Its number.
    pub slot: Slot,
    /// Of the running process.
    pub pid: Option<u32>,
    /// Which process of the slot it is.
    pub generation: Generation,
    /// `absent`, `starting`, `ready`, `waiting`, `stopping` or `stopped`.
    pub state: String,
    /// Unasked ends so far.
    pub restarts: u32,
    /// Since when it is in this state, RFC 3339.
    pub since: String,
    /// Whether it is in a crash loop.
    pub crash_loop: bool,
    /// How the last process ended.
    pub last_exit: Option<String>,
    /// When the next one starts, RFC 3339.
    pub retry_at: Option<String>,
}

/// What `/health` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Health {
    /// One word.
    pub status: String,
    /// 200 or 503.
    pub http: u16,
    /// Where it answers.
    pub listen: Option<String>,
}

/// The machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// Instance id.
    pub id: InstanceId,
    /// Instance type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Region.
    pub region: String,
    /// Availability zone.
    pub zone: String,
    /// Image id.
    pub image: String,
    /// The Auto Scaling group, once known.
    pub group: Option<GroupName>,
    /// The target lifecycle state in the metadata, or the state that Auto Scaling answered, which says more.
    pub lifecycle: Option<String>,
}

/// A lifecycle hook that holds the instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Its transition.
    pub transition: String,
}

/// A refusal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub error: String,
}
