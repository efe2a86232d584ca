//! What a worker is made from: the release, its start command, the account, and how it shares the port.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;

use crate::config::Share;
use crate::decide::ids::{Generation, ReleaseId, Slot};
use crate::process::{Account, Cgroup, Herd, Launch, Output};

/// Everything the workers of one release have in common.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The release.
    pub release: ReleaseId,
    /// Its directory by its own name, not by way of `current`: what is switched later does not change what runs.
    pub dir: PathBuf,
    /// The program, by its absolute path, and its arguments.
    pub argv: Vec<OsString>,
    /// The environment, but for what differs between slots.
    pub env: BTreeMap<OsString, OsString>,
    /// Whose processes; `None`: as the agent.
    pub account: Option<Account>,
    /// The herd they belong to.
    pub herd: Herd,
    /// How many.
    pub count: u16,
    /// How they come to share the port.
    pub share: Share,
    /// `app.port`.
    pub port: u16,
    /// `health.probe`.
    pub probe: Option<String>,
    /// `workers.stop_signal`.
    pub stop_signal: Signal,
    /// `workers.stop_timeout`.
    pub stop_timeout: Duration,
    /// `workers.ready_timeout`.
    pub ready_timeout: Duration,
}

/// Where the recipe of the active release is found; none before the first.
pub type RecipeCell = watch::Sender<Option<Rc<Recipe>>>;

impl Recipe {
    /// The port of this slot's worker.
    #[must_use]
    pub fn port_of(&self, slot: Slot) -> u16 {
        match self.share {
            // Checked with the configuration: the last slot's port exists.
            Share::Ports => self.port.saturating_add(slot.0),
            Share::Transparent | Share::SocketActivation | Share::None => self.port,
        }
    }

    /// Whether the worker's `bind` and `listen` are watched.
    #[must_use]
    pub fn gated(&self) -> bool {
        matches!(self.share, Share::Transparent | Share::Ports)
    }

    /// A worker for this slot.
    #[must_use]
    pub fn launch(&self, slot: Slot, generation: Generation, output: Output, cgroup: Option<Cgroup>) -> Launch {
        let mut env = self.env.clone();
        let mut set = |name: &str, value: String| env.insert(name.into(), value.into());
        if self.share != Share::None {
            set("PORT", self.port_of(slot).to_string());
        }
        set("HERDSMAN_SLOT", slot.to_string());
        set("HERDSMAN_RELEASE", self.release.to_string());
        // What Node programs take for "not a developer's machine"; `app.env` may say otherwise.
        env.entry("NODE_ENV".into()).or_insert_with(|| "production".into());
        Launch {
            argv: self.argv.clone(),
            env: env.into_iter().collect(),
            cwd: self.dir.clone(),
            account: self.account.clone(),
            output,
            tag: self.herd.tag(&format!("slot-{slot}-g{generation}")),
            cgroup,
            yields: false,
            gate: self.gated(),
            handed: None,
        }
    }

    /// The start command in words.
    #[must_use]
    pub fn command(&self) -> String {
        let words: Vec<_> =
            self.argv.iter().map(|word| shell_words::quote(&word.to_string_lossy()).into_owned()).collect();
        words.join(" ")
    }
}
