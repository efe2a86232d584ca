//! The values while the layers are laid over each other: each knows where it came from.
//!
//! The defaults live here and nowhere else. What can only be missing by intention is an `Option`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::problems::Place;
use super::values::{
    App, Build, BuildRun, Cloud, Config, Count, Health, Instance, Lifecycle, Origin, Share, Source, Workers,
};

/// A value and where it was set; `from` is none for a default.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) from: Option<From>,
}

/// Where a value was set.
#[derive(Debug, Clone)]
pub(super) struct From {
    /// The layer's number in the order of precedence.
    pub(super) layer: usize,
    pub(super) place: Place,
}

/// One field for each key of the table in `keys`.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) cloud: Placed<Cloud>,
    pub(super) git: Option<Placed<String>>,
    pub(super) path: Option<Placed<PathBuf>>,
    pub(super) reference: Option<Placed<String>>,
    pub(super) subdir: Option<Placed<PathBuf>>,
    pub(super) deadline: Placed<Duration>,
    pub(super) build: Option<Placed<BuildRun>>,
    pub(super) build_timeout: Placed<Duration>,
    pub(super) run: Option<Placed<String>>,
    pub(super) port: Placed<NonZeroU16>,
    pub(super) user: Option<Placed<String>>,
    pub(super) env: Option<Placed<BTreeMap<String, String>>>,
    pub(super) count: Placed<Count>,
    pub(super) share: Placed<Share>,
    pub(super) stop_signal: Placed<Signal>,
    pub(super) stop_timeout: Placed<Duration>,
    pub(super) ready_timeout: Placed<Duration>,
    pub(super) listen: Placed<SocketAddr>,
    pub(super) probe: Option<Placed<String>>,
    pub(super) drain_timeout: Placed<Duration>,
    pub(super) unready_wait: Option<Placed<Duration>>,
}

const PORT: NonZeroU16 = match NonZeroU16::new(3000) {
    Some(port) => port,
    None => NonZeroU16::MIN,
};

impl Draft {
    /// What holds when no layer says anything.
    pub(super) fn defaults() -> Self {
        Self {
            cloud: Placed::default(Cloud::Auto),
            git: None,
            path: None,
            reference: None,
            subdir: None,
            deadline: Placed::default(Duration::from_secs(5 * 60)),
            build: None,
            build_timeout: Placed::default(Duration::from_secs(10 * 60)),
            run: None,
            port: Placed::default(PORT),
            user: None,
            env: None,
            count: Placed::default(Count::Cores),
            share: Placed::default(Share::Transparent),
            stop_signal: Placed::default(Signal::SIGTERM),
            stop_timeout: Placed::default(Duration::from_secs(30)),
            ready_timeout: Placed::default(Duration::from_secs(60)),
            listen: Placed::default(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 4373))),
            probe: None,
            drain_timeout: Placed::default(Duration::from_secs(5 * 60)),
            unready_wait: None,
        }
    }

    /// The values alone; call it only when the rules between keys hold.
    pub(super) fn into_config(self) -> Config {
        let reference = self.reference.map(Placed::into_value);
        let origin = match (self.git, self.path) {
            (Some(git), _) => Some(Origin::Git { url: git.value, reference }),
            (None, Some(path)) => Some(Origin::Path(path.value)),
            (None, None) => None,
        };
        // `.` stands for the source's own root, which is what no subdir means.
        let subdir = self.subdir.map(Placed::into_value).filter(|dir| !dir.as_os_str().is_empty());
        let deadline = self.deadline.value;
        Config {
            instance: Instance { cloud: self.cloud.value },
            source: origin.map(|origin| Source { origin, subdir, deadline }),
            build: Build {
                run: self.build.map_or(BuildRun::Detect, Placed::into_value),
                timeout: self.build_timeout.value,
            },
            app: App {
                run: self.run.map(Placed::into_value),
                port: self.port.value,
                user: self.user.map(Placed::into_value),
                env: self.env.map(Placed::into_value).unwrap_or_default(),
            },
            workers: Workers {
                count: self.count.value,
                share: self.share.value,
                stop_signal: self.stop_signal.value,
                stop_timeout: self.stop_timeout.value,
                ready_timeout: self.ready_timeout.value,
            },
            health: Health { listen: self.listen.value, probe: self.probe.map(Placed::into_value) },
            lifecycle: Lifecycle {
                drain_timeout: self.drain_timeout.value,
                unready_wait: self.unready_wait.map(Placed::into_value),
            },
        }
    }
}

impl<T> Placed<T> {
    fn default(value: T) -> Self {
        Self { value, from: None }
    }

    fn into_value(self) -> T {
        self.value
    }

    /// The number of the layer that set it; none for a default.
    pub(super) fn layer(&self) -> Option<usize> {
        self.from.as_ref().map(|from| from.layer)
    }
}
