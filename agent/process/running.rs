//! A process that runs: waited for, signalled, and known together with what descends from it.

use std::io;

use nix::sys::signal::Signal;
use tokio::process::Child;

use super::lines::{Reading, Tail};
use super::tree::Tree;
use super::{Exit, table};
use crate::ports::Gate;

/// A spawned process. Dropping it neither ends it nor waits for it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: i32,
    start_time: u64,
    gate: Option<Gate>,
    tree: Tree,
    readings: Vec<Reading>,
    tail: Tail,
}

impl Process {
    pub(super) fn new(
        child: Child,
        pid: i32,
        start_time: u64,
        gate: Option<Gate>,
        tree: Tree,
        readings: Vec<Reading>,
        tail: Tail,
    ) -> Self {
        Self { child, pid, start_time, gate, tree, readings, tail }
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// When it began, in clock ticks after boot: tells it from a later process of the same number.
    pub fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Its gate, if it was asked for; to be served at once, or the process hangs in `bind`.
    pub fn take_gate(&mut self) -> Option<Gate> {
        self.gate.take()
    }

    /// Waits for its end. After that [`Process::tail`] is complete; lines still on their way to the sink arrive, and end the channel.
    /// May be asked again, and may be cancelled.
    ///
    /// # Errors
    /// When the kernel knows no such child, which no code path of ours brings about.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        let status = self.child.wait().await?;
        for reading in &mut self.readings {
            reading.end().await;
        }
        Ok(status.into())
    }

    /// Waits for its end and leaves its output alone: what descends from it may have more to say, and would die of a closed pipe.
    /// May be asked again, and may be cancelled.
    ///
    /// # Errors
    /// As [`Process::wait`].
    pub async fn ended(&mut self) -> io::Result<Exit> {
        Ok(self.child.wait().await?.into())
    }

    /// Sends a signal to the process itself, not to its descendants. One that has ended is no error.
    ///
    /// # Errors
    /// When the agent may not.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        table::signal(self.pid, self.start_time, signal)
    }

    /// The process and all that descends from it, also after its end.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The last lines of its output, where that goes through the agent.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }
}
