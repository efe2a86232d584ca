//! `herdsman run`: the agent in the foreground, as systemd starts it.

use std::path::PathBuf;

use super::exit;
use crate::config::{Layer, LayerKind};
use crate::paths::Dirs;
use crate::{logging, run};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// Read this file instead of herdsman.toml and conf.d in the configuration directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until asked to stop.
pub(super) fn run(args: RunArgs, dirs: &Dirs) -> anyhow::Result<u8> {
    let layers = match args.config {
        Some(file) => vec![Layer::named(LayerKind::Baked(file))?],
        None => Layer::read_dir(dirs.config())?,
    };
    agent(layers, dirs)
}

/// Runs an agent with these layers.
pub(super) fn agent(layers: Vec<Layer>, dirs: &Dirs) -> anyhow::Result<u8> {
    logging::start();
    let local = tokio::task::LocalSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(local.run_until(run::run(layers, dirs)))?;
    // What still blocks in a thread (a fetch that was given up) is not waited for.
    runtime.shutdown_background();
    Ok(exit::OK)
}
