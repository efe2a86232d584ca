//! The configuration as it becomes known: the machine's own files first, then user-data, then the app's file; each step checked as a whole.

use std::num::NonZeroU16;

use crate::config::{Config, Count, Layer, Problems, merge};
use crate::decide::event::Settings;

/// Layers and what they come to.
#[derive(Debug, Clone)]
pub struct Configured {
    layers: Vec<Layer>,
    config: Config,
}

impl Configured {
    /// These layers, merged.
    ///
    /// # Errors
    /// With every problem in them.
    pub fn new(layers: Vec<Layer>) -> Result<Self, Problems> {
        let config = merge(&layers)?;
        Ok(Self { layers, config })
    }

    /// The same with one layer more; which layer wins is a matter of their kinds, not of the order in which they became known.
    ///
    /// # Errors
    /// With every problem in all of them.
    pub fn with(&self, layer: Option<Layer>) -> Result<Self, Problems> {
        match layer {
            Some(layer) => Self::new(self.layers.iter().cloned().chain([layer]).collect()),
            None => Ok(self.clone()),
        }
    }

    /// The values.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What of them the decisions depend on.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let Config { source, workers, lifecycle, .. } = &self.config;
        Settings {
            workers: match workers.count {
                Count::Fixed(count) => count.get(),
                Count::Cores => cores().get(),
            },
            has_source: source.is_some(),
            source_deadline: source.as_ref().map(|source| source.deadline).unwrap_or_default(),
            drain_timeout: lifecycle.drain_timeout,
            unready_wait: lifecycle.unready_wait,
        }
    }
}

/// The cores this process may use (its affinity and its cgroup's quota are taken into account), 256 at most.
fn cores() -> NonZeroU16 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    u16::try_from(cores.min(256)).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MIN)
}
