//! Where a worker's output goes, and what it said last: straight to the journal under its own identifier, or through the agent to the terminal.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::decide::ids::Slot;
use crate::logging::{self, journal_identifier, to_journal};
use crate::process::output::JOURNAL;
use crate::process::{Line, Output, Process};
use crate::recent::Recent;

/// So many lines may wait between a worker and the terminal before the worker has to.
const LINES: usize = 256;
/// The journal is asked for the last lines, and has so long to answer.
const ASK_WITHIN: Duration = Duration::from_secs(2);
/// The last words of a worker have so long to get to the terminal.
const SHOW_WITHIN: Duration = Duration::from_secs(2);
/// So many of the last lines explain an end: Node.js writes as many beneath the message of an error that nobody caught.
const LAST: usize = 25;

/// The output of one slot's workers, one after the other.
#[derive(Debug)]
pub(super) struct Outlet {
    slot: Slot,
    recent: Recent,
    to_journal: bool,
    pumps: JoinSet<()>,
}

impl Outlet {
    pub(super) fn new(slot: Slot, recent: Recent) -> Self {
        let to_journal = to_journal() && Path::new(JOURNAL).exists();
        Self { slot, recent, to_journal, pumps: JoinSet::new() }
    }

    /// For the next worker.
    pub(super) fn open(&mut self) -> Output {
        while self.pumps.try_join_next().is_some() {}
        if self.to_journal {
            // Not by way of the agent: it is not in the path of the log, and its end breaks no pipe.
            return Output::Journal { identifier: journal_identifier(self.slot), socket: JOURNAL.into() };
        }
        let (sink, mut lines) = mpsc::channel::<Line>(LINES);
        let (slot, recent) = (self.slot, self.recent.clone());
        self.pumps.spawn_local(async move {
            while let Some(line) = lines.recv().await {
                let line = format!("[slot {slot}] {}", line.text);
                logging::to_terminal(&line);
                recent.push(line);
            }
        });
        Output::Pipe(sink)
    }

    /// Waits until all that the worker said has been shown; to be called once nothing of it is left to say more.
    pub(super) async fn finish(&mut self) {
        let shown = async { while self.pumps.join_next().await.is_some() {} };
        // A terminal that takes nothing more must not hold the slot.
        let _ = tokio::time::timeout(SHOW_WITHIN, shown).await;
    }

    /// The reason, and on further lines what the program said last.
    pub(super) async fn with_last_words(&self, mut why: String, process: &Process) -> String {
        let lines = self.last_lines(process).await;
        if !lines.is_empty() {
            why.push_str("\nit said last:");
            for line in lines {
                why.push_str("\n  ");
                why.push_str(&line);
            }
        }
        why
    }

    /// What the worker said last, oldest first.
    async fn last_lines(&self, process: &Process) -> Vec<String> {
        let mut lines =
            if self.to_journal { from_journal(self.slot, process.pid()).await } else { process.tail().lines() };
        lines.drain(..lines.len().saturating_sub(LAST));
        lines
    }
}

/// Best effort: an end is told without its last lines when the journal does not give them in time.
async fn from_journal(slot: Slot, pid: i32) -> Vec<String> {
    let mut ask = Command::new("journalctl");
    ask.args(["--quiet", "--no-pager", "--output=cat"]).arg(format!("--lines={LAST}"));
    ask.arg(format!("SYSLOG_IDENTIFIER={}", journal_identifier(slot))).arg(format!("_PID={pid}"));
    // The number may have been another worker's in an earlier life of this service.
    if let Ok(invocation) = std::env::var("INVOCATION_ID") {
        ask.arg(format!("_SYSTEMD_INVOCATION_ID={invocation}"));
    }
    let asked = async {
        // The journal takes lines in when it comes to it: what was written just before the end may still be on its way.
        let _ = Command::new("journalctl").arg("--sync").kill_on_drop(true).output().await;
        ask.kill_on_drop(true).output().await
    };
    match tokio::time::timeout(ASK_WITHIN, asked).await {
        Ok(Ok(said)) => String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
