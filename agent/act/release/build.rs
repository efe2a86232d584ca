//! Making a release ready: the steps of the plan, one after the other, as the app's account, within one time-out.

mod plan;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::plan::{Step, plan};
use super::environment::{Environment, environment};
use super::files::{Files, ReadError};
use super::owner::Owner;
use super::package::{Package, PackageError};
use super::runtime::{MissingRuntime, Runtimes};
use crate::config::Build;

/// How many of the last lines an error keeps.
const TAIL: usize = 20;
/// The longest line an error keeps, in characters.
const WIDTH: usize = 500;

/// A program to run: nothing is inherited that is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program, by its absolute path, and its arguments.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Environment,
    /// Its working directory.
    pub cwd: PathBuf,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// It was not finished in time; it and everything it had started has been killed.
    TimedOut,
}

/// A program that could not be started or watched.
#[derive(Debug, thiserror::Error)]
#[error("failed to run {program}")]
pub struct RunError {
    /// The program.
    pub program: String,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// The one door to the process table that a build needs. Whoever implements it also knows the account to run as.
pub trait RunCommand {
    /// Runs the command without standard input, in a process group of its own, and hands each line of its output and
    /// errors to `on_line`. After `within` the whole tree of processes is killed. Nothing of it is left when this returns,
    /// or when the future is dropped.
    ///
    /// # Errors
    /// When it cannot be started or watched.
    fn run(
        &self,
        command: Command,
        within: Duration,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> impl Future<Output = Result<Ended, RunError>> + Send;
}

/// Why a release could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file that decides about the build cannot be read.
    #[error("the release cannot be looked into")]
    Read(#[from] ReadError),
    /// The `package.json` is broken.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A program that the build needs is not there.
    #[error("{step}: {source}")]
    Missing {
        /// The step's reason.
        step: String,
        /// Which program, and what to do.
        source: MissingRuntime,
    },
    /// A step said that it failed.
    #[error("{step}: {how}{hint}{}", lines(.tail))]
    Failed {
        /// The step's reason.
        step: String,
        /// `exit status 1`, `signal 9`.
        how: String,
        /// What to do, if we know.
        hint: &'static str,
        /// The last lines it said.
        tail: Vec<String>,
        /// Whether it looks as if the network was at fault.
        transient: bool,
    },
    /// The time for the whole build was over.
    #[error("{step}: not finished within `build.timeout` ({}){}", humantime::format_duration(*.after), lines(.tail))]
    TimedOut {
        /// The step's reason.
        step: String,
        /// The time for all steps.
        after: Duration,
        /// The last lines it said.
        tail: Vec<String>,
    },
    /// A program could not be run at all.
    #[error("{step}: {source}")]
    Run {
        /// The step's reason.
        step: String,
        /// Which one, and why.
        #[source]
        source: RunError,
    },
}

impl BuildError {
    /// Whether the same build may work a little later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Failed { transient, .. } => *transient,
            Self::Read(_) | Self::Package(_) | Self::Missing { .. } | Self::TimedOut { .. } | Self::Run { .. } => false,
        }
    }
}

/// Builds the release in `dir` as `config` says; what is run and said goes to `on_line`, line by line.
///
/// # Errors
/// The first step that did not work; the release is then not to be used.
pub async fn build(
    runner: &impl RunCommand,
    dir: &Path,
    config: &Build,
    owner: Option<&Owner>,
    app_env: &BTreeMap<String, String>,
    on_line: &mut (dyn FnMut(&str) + Send),
) -> Result<(), BuildError> {
    let files = Files::open(dir)?;
    let package = files.read("package.json")?.map(|text| Package::parse(&text)).transpose()?;
    let steps = plan(&files.names()?, package.as_ref(), &config.run);
    let own_home = std::env::var_os("HOME").map(PathBuf::from);
    let home = owner.map(|owner| owner.home.as_path()).or(own_home.as_deref());
    let runtimes = Runtimes::new(dir, home);
    let mut env = environment(owner, &runtimes.path_variable(), app_env);
    env.insert("CI".into(), "true".into());
    // Nothing may listen there yet.
    env.remove(std::ffi::OsStr::new("PORT"));

    let deadline = tokio::time::Instant::now() + config.timeout;
    for step in steps {
        on_line(&step.reason);
        let program = step.argv.first().map(String::as_str).unwrap_or_default();
        let program =
            runtimes.find(program).map_err(|source| BuildError::Missing { step: step.reason.clone(), source })?;
        let arguments = step.argv.iter().skip(1).map(OsString::from);
        let argv = std::iter::once(program.into_os_string()).chain(arguments).collect();
        let command = Command { argv, env: env.clone(), cwd: dir.to_owned() };
        let mut tail = VecDeque::new();
        let mut listen = |line: &str| {
            on_line(line);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line.chars().take(WIDTH).collect::<String>());
        };
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        let ended = runner.run(command, left, &mut listen).await;
        judge(step, ended, tail.into(), config.timeout)?;
    }
    Ok(())
}

fn judge(step: Step, ended: Result<Ended, RunError>, tail: Vec<String>, after: Duration) -> Result<(), BuildError> {
    let (how, hint) = match ended {
        Ok(Ended::Exited(0)) => return Ok(()),
        Ok(Ended::Exited(status)) => (format!("exit status {status}"), advice(status)),
        Ok(Ended::Signaled(9)) => ("ended by signal 9".to_owned(), MEMORY),
        Ok(Ended::Signaled(signal)) => (format!("ended by signal {signal}"), ""),
        Ok(Ended::TimedOut) => {
            return Err(BuildError::TimedOut { step: step.reason, after, tail });
        }
        Err(source) => {
            return Err(BuildError::Run { step: step.reason, source });
        }
    };
    let transient = step.network && tail.iter().any(|line| NETWORK.iter().any(|sign| line.contains(sign)));
    Err(BuildError::Failed { step: step.reason, how, hint, tail, transient })
}

const MEMORY: &str = "; the kernel may have run out of memory: build on a larger instance, or deploy a built release";

/// What the shell's own statuses mean.
fn advice(status: i32) -> &'static str {
    match status {
        127 => {
            "; a program that it calls is not on this machine: install it on the image or add it to the dependencies"
        }
        126 => "; a file that it calls is not executable",
        _ => "",
    }
}

/// What installers say when it was the network's fault.
const NETWORK: [&str; 10] = [
    "ECONNRESET",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "Temporary failure in name resolution",
    "Connection refused",
    "Read timed out",
    "error sending request",
];

fn lines(tail: &[String]) -> String {
    if tail.is_empty() { String::new() } else { format!("\nit said last:\n  {}", tail.join("\n  ")) }
}
