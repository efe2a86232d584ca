//! Runs the build's commands: as the app's account, output line by line, and nothing left of them afterwards.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::act::release::build::{Command, Ended, RunCommand, RunError};
use crate::process::{Account, Exit, Herd, Launch, Output, Tree};
use crate::recent::Recent;

/// After the first process has ended, what it left running has so long to write its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// So many lines may wait between a build and whoever reads them.
const LINES: usize = 256;

/// Runs commands as one account.
#[derive(Debug)]
pub(super) struct Runner {
    account: Option<Account>,
    herd: Herd,
}

impl Runner {
    /// As this account; `None`: as the agent. What is started belongs to the herd.
    pub(super) fn new(account: Option<Account>, herd: Herd) -> Self {
        Self { account, herd }
    }
}

/// A line of the build for those who read the terminal, the journal or `herdsman logs`.
pub(super) fn show(recent: &Recent, line: &str) {
    if crate::logging::to_journal() {
        tracing::info!(target: "herdsman::build", "{line}");
    } else {
        let line = format!("[build] {line}");
        crate::logging::to_terminal(&line);
        recent.push(line);
    }
}

impl RunCommand for Runner {
    async fn run(
        &self,
        command: Command,
        within: Duration,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, RunError> {
        let program = command.argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
        let failed = |source| RunError { program: program.clone(), source };
        let (sink, mut lines) = mpsc::channel(LINES);
        let launch = Launch {
            argv: command.argv,
            env: command.env.into_iter().collect(),
            cwd: command.cwd,
            account: self.account.clone(),
            output: Output::Pipe(sink),
            tag: self.herd.tag("build"),
            cgroup: None,
            // A build takes every core it gets: `/health` goes first.
            yields: true,
            gate: false,
            handed: None,
        };
        let mut process = launch.spawn().map_err(|error| failed(std::io::Error::other(error)))?;
        let _leash = Leash(process.tree().clone());
        let out_of_time = tokio::time::sleep(within);
        tokio::pin!(out_of_time);
        let exit = loop {
            tokio::select! {
                exit = process.wait() => break Some(exit.map_err(failed)?),
                Some(line) = lines.recv() => on_line(&line.text),
                () = &mut out_of_time => break None,
            }
        };
        process.tree().kill().await;
        while let Ok(Some(line)) = tokio::time::timeout(LAST_LINES, lines.recv()).await {
            on_line(&line.text);
        }
        Ok(match exit {
            None => Ended::TimedOut,
            Some(Exit { code: Some(code), .. }) => Ended::Exited(code),
            Some(exit) => Ended::Signaled(exit.signal.unwrap_or_default()),
        })
    }
}

/// Kills what was started when nobody waits for it any more: a build that was given up leaves nothing running.
struct Leash(Tree);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.kill_now();
    }
}
