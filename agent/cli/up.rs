//! `herdsman up`: configure, start, and follow until it serves or fails. With systemd the service runs it, without it this process does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::follow::{Until, follow};
use super::screen::say;
use super::{exit, run};
use crate::config::{FlagOverrides, Layer, LayerKind};
use crate::configured::Configured;
use crate::control::client::Client;
use crate::paths::Dirs;

const UNIT: &str = "herdsman.service";
/// The drop-ins that `up` writes, and nobody else: a configuration file as it was given, and what the command line said.
const FILE_DROP_IN: &str = "90-up.toml";
const FLAGS_DROP_IN: &str = "91-up-flags.toml";

/// Arguments of `up`.
#[derive(Debug, clap::Args)]
pub(super) struct UpArgs {
    /// Where the app is: a git URL, a directory, or a configuration file (TOML); left out: as configured
    source: Option<String>,
    /// Branch, tag or commit of the git URL
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The app's directory inside the source
    #[arg(long, value_name = "DIR")]
    subdir: Option<String>,
    /// The start command, when it cannot be found out from the app's files
    #[arg(long, value_name = "COMMAND")]
    run: Option<String>,
    /// The build command; "" for none
    #[arg(long, value_name = "COMMAND")]
    build: Option<String>,
    /// The port that all workers share [default: 3000]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// The account that builds and runs the app
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How many workers: a number, or `cores` [default: cores]
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Where /health answers [default: 0.0.0.0:4373]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The path that each worker must answer before it counts as ready
    #[arg(long, value_name = "PATH")]
    probe: Option<String>,
    /// Whether there is instance metadata: auto, aws or none [default: auto]
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
}

/// Does it.
pub(super) fn up(args: UpArgs, dirs: &Dirs) -> anyhow::Result<u8> {
    let (file, flags) = sort(args)?;
    let given: Vec<Layer> =
        file.into_iter().chain((flags != FlagOverrides::default()).then(|| Layer::flags(&flags))).collect();
    let mut layers = Layer::read_dir(dirs.config())?;
    let service = sd_notify::booted().unwrap_or(false) && systemctl(&["cat", "--quiet", UNIT]);
    if service && !given.is_empty() {
        // What an earlier `up` wrote is replaced.
        layers.retain(|layer| !layer.kind.path().is_some_and(ours));
    }
    layers.extend(given.iter().cloned());
    // Everything is checked before anything is touched.
    let checked = Configured::new(layers.clone())?;
    if !service {
        if checked.config().source.is_none() {
            let told =
                "there is nothing to run: name a git URL, a directory or a configuration file (`herdsman up --help`)";
            return Err(exit::Usage(told.to_owned()).into());
        }
        return run::agent(layers, dirs);
    }
    let client = Client::new(&dirs.socket())?;
    let before = exit::block_on(async { Ok(client.status().await.ok()) })?;
    let changed = write(dirs.config(), &given)?;
    let verb = if changed { "restart" } else { "start" };
    if !systemctl(&[verb, "--no-block", UNIT]) {
        bail!("`systemctl {verb} {UNIT}` failed: are you root? `systemctl status {UNIT}` says more");
    }
    say(&format!("{UNIT}: {verb}"));
    let instead_of = before.filter(|_| changed).map(|status| status.agent.pid);
    exit::block_on(follow(&client, Until::Settled { instead_of }))
}

/// What the source is, by its looks; the values themselves are checked with the rest of the configuration.
fn sort(args: UpArgs) -> anyhow::Result<(Option<Layer>, FlagOverrides)> {
    let mut flags = FlagOverrides {
        cloud: args.cloud,
        reference: args.reference,
        subdir: args.subdir,
        build: args.build,
        run: args.run,
        port: args.port,
        user: args.user,
        count: args.workers,
        listen: args.listen,
        probe: args.probe,
        ..FlagOverrides::default()
    };
    let Some(source) = args.source else { return Ok((None, flags)) };
    let path = Path::new(&source);
    if path.is_dir() {
        let dir = path.canonicalize().with_context(|| format!("{source} cannot be found"))?;
        let dir = dir.to_str().with_context(|| format!("the name of {source} is not UTF-8"))?.to_owned();
        // A ref only makes sense for a repository: then the directory is a remote like any other.
        if flags.reference.is_some() { flags.git = Some(dir) } else { flags.path = Some(dir) }
    } else if path.is_file() {
        return Ok((Some(Layer::named(LayerKind::DropIn(path.to_owned()))?), flags));
    } else if source.contains("://") || source.contains('@') {
        flags.git = Some(source);
    } else {
        let told = format!(
            "{source} is neither a git URL (https://…, ssh://…, git@host:path) nor a directory or a configuration file that exists here"
        );
        return Err(exit::Usage(told).into());
    }
    Ok((None, flags))
}

fn ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE_DROP_IN || name == FLAGS_DROP_IN)
}

/// Writes the drop-ins, and says whether that changed anything.
fn write(config_dir: &Path, given: &[Layer]) -> anyhow::Result<bool> {
    if given.is_empty() {
        return Ok(false);
    }
    let dir = config_dir.join("conf.d");
    std::fs::create_dir_all(&dir).with_context(|| format!("{} could not be made", dir.display()))?;
    let mut changed = false;
    for name in [FILE_DROP_IN, FLAGS_DROP_IN] {
        let path = dir.join(name);
        let text =
            given.iter().find(|layer| (layer.kind == LayerKind::Flags) == (name == FLAGS_DROP_IN)).map(|l| &l.text);
        let there = std::fs::read_to_string(&path).ok();
        if there.as_ref() == text {
            continue;
        }
        changed = true;
        match text {
            Some(text) => replace(&path, text),
            None => std::fs::remove_file(&path),
        }
        .with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(changed)
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new: PathBuf = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, path)
}

fn systemctl(args: &[&str]) -> bool {
    Command::new("systemctl")
        .args(args)
        .stdout(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
