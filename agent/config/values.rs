//! What the rest of the agent sees of the configuration: values that hold, and need no further check.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

/// The whole configuration of one agent, all layers merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[instance]`: what kind of machine this is.
    pub instance: Instance,
    /// `[source]`: where releases come from; none yet while user-data may still name it.
    pub source: Option<Source>,
    /// `[build]`: how a release is made ready.
    pub build: Build,
    /// `[app]`: how the program is started.
    pub app: App,
    /// `[workers]`: how many, and how they live.
    pub workers: Workers,
    /// `[health]`: what the load balancer asks, and what the workers are asked.
    pub health: Health,
    /// `[lifecycle]`: budgets of the way out.
    pub lifecycle: Lifecycle,
}

/// `[instance]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Whether there is a cloud to ask.
    pub cloud: Cloud,
}

/// `instance.cloud`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// AWS when the firmware (DMI) says Amazon EC2 or a metadata endpoint is set; never found out by a time-out.
    Auto,
    /// AWS, whatever the firmware says.
    Aws,
    /// Any Linux machine: no metadata, no group.
    None,
}

/// `[source]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where from.
    pub origin: Origin,
    /// `subdir`: the app's directory inside the source, relative, without `..`.
    pub subdir: Option<PathBuf>,
    /// `deadline`: how long an unreachable source is asked again before the instance is given up.
    pub deadline: Duration,
}

/// Exactly one of `git` and `path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A git remote (`https://`, `http://`, `ssh://`, `git@host:path`, `file://` or an absolute path).
    Git {
        /// The remote's address; may not carry a password.
        url: String,
        /// Branch, tag or commit; the remote's default branch when left out.
        reference: Option<String>,
    },
    /// A directory of this machine.
    Path(PathBuf),
}

/// `[build]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What is run.
    pub run: BuildRun,
    /// How long it may take before its whole process tree is killed.
    pub timeout: Duration,
}

/// `build.run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildRun {
    /// Left out: the lockfile decides.
    Detect,
    /// `""`: nothing is to be built.
    Nothing,
    /// This command line, by `/bin/sh`.
    Command(String),
}

/// `[app]`. Its `Debug` tells the variables' names alone: their values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// The start command; found out (Procfile, package.json, well-known files) when left out.
    pub run: Option<String>,
    /// The one port all workers share.
    pub port: NonZeroU16,
    /// The account for build and workers; never root. Left out: see `process::account`.
    pub user: Option<String>,
    /// Added to the workers' and the build's environment.
    pub env: BTreeMap<String, String>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, port, user, env } = self;
        let env: Vec<_> = env.keys().collect();
        f.debug_struct("App").field("run", run).field("port", port).field("user", user).field("env", &env).finish()
    }
}

/// `[workers]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// How many.
    pub count: Count,
    /// How they come to share the port.
    pub share: Share,
    /// Asks a worker to end.
    pub stop_signal: Signal,
    /// How long it then has before its whole process tree is killed.
    pub stop_timeout: Duration,
    /// How long a new worker has to listen and to answer its probe.
    pub ready_timeout: Duration,
}

/// `workers.count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// One a core this process may use.
    Cores,
    /// Just so many, 1 to 256.
    Fixed(NonZeroU16),
}

/// `workers.share`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Any unmodified program: `bind` and `listen` are watched, the kernel spreads the connections.
    Transparent,
    /// The worker is handed one listening socket of its own (`LISTEN_FDS`, `LISTEN_PID`).
    SocketActivation,
    /// Each worker has a port of its own: `app.port` + slot, in `PORT`.
    Ports,
    /// No port at all (queue workers).
    None,
}

/// `[health]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Where `/health` answers.
    pub listen: SocketAddr,
    /// The path asked of each worker, beginning with `/`; left out: listening is enough.
    pub probe: Option<String>,
}

/// `[lifecycle]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle {
    /// How long the workers have to finish, from the moment the load balancer has let go.
    pub drain_timeout: Duration,
    /// How long to go on serving with `/health` at 503 where nothing tells that the load balancer has let go.
    /// Left out: 60 s in a group (twice the default health check interval of 30 s), 0 without one.
    pub unready_wait: Option<Duration>,
}
