//! Where things live on the instance, and where instead for several agents, or unprivileged ones, on one machine.

use std::path::{Path, PathBuf};

/// The directories of one agent.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Dirs {
    /// Where releases and state are kept [default: /var/lib/herdsman, or ~/.local/state/herdsman when not root]
    #[arg(long, env = "HERDSMAN_STATE_DIR", value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
    /// Where the control socket is [default: /run/herdsman, or $XDG_RUNTIME_DIR/herdsman when not root]
    #[arg(long, env = "HERDSMAN_RUN_DIR", value_name = "DIR", global = true)]
    run_dir: Option<PathBuf>,
    /// Where herdsman.toml and conf.d are
    #[arg(long, env = "HERDSMAN_CONFIG_DIR", value_name = "DIR", global = true, default_value = "/etc/herdsman")]
    config_dir: PathBuf,
}

impl Dirs {
    /// Releases, sources and state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        let own = || match (root(), home()) {
            (false, Some(home)) => home.join(".local/state/herdsman"),
            _ => PathBuf::from("/var/lib/herdsman"),
        };
        absolute(self.state_dir.clone().unwrap_or_else(own))
    }

    /// The control socket's directory.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        let own = || match (root(), std::env::var_os("XDG_RUNTIME_DIR")) {
            (true, _) => PathBuf::from("/run/herdsman"),
            (false, Some(dir)) => Path::new(&dir).join("herdsman"),
            (false, None) => self.state().join("run"),
        };
        absolute(self.run_dir.clone().unwrap_or_else(own))
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// The machine's configuration.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config_dir
    }
}

fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
