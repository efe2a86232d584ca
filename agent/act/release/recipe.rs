//! From a release that is ready to the recipe of its workers: the start command, the environment, the account.

use std::path::Path;
use std::path::PathBuf;

use tracing::warn;

use super::environment::environment;
use super::owner::Owner;
use super::runtime::Runtimes;
use super::start;
use crate::act::workers::recipe::Recipe;
use crate::config::Config;
use crate::decide::ids::ReleaseId;
use crate::process::{Account, Herd};
use crate::words::chain;

/// How the workers of the release in `dir` are started.
///
/// # Errors
/// When nothing says how to start it, or its program is not there; in words.
pub(super) fn recipe(
    id: &ReleaseId,
    dir: &Path,
    config: &Config,
    count: u16,
    account: Option<Account>,
    owner: Option<&Owner>,
    herd: &Herd,
) -> Result<Recipe, String> {
    let own_home = std::env::var_os("HOME").map(PathBuf::from);
    let home = owner.map(|owner| owner.home.as_path()).or(own_home.as_deref());
    let runtimes = Runtimes::new(dir, home);
    let command = start::find(config.app.run.as_deref(), dir, &runtimes).map_err(|error| chain(&error))?;
    for note in &command.notes {
        warn!("{note}");
    }
    let mut env = environment(owner, &runtimes.path_variable(), &config.app.env);
    env.extend(command.env.into_iter().map(|(name, value)| (name.into(), value.into())));
    Ok(Recipe {
        release: id.clone(),
        dir: dir.to_owned(),
        argv: command.argv,
        env,
        account,
        herd: herd.clone(),
        count,
        share: config.workers.share,
        port: config.app.port.get(),
        probe: config.health.probe.clone(),
        stop_signal: config.workers.stop_signal,
        stop_timeout: config.workers.stop_timeout,
        ready_timeout: config.workers.ready_timeout,
    })
}
