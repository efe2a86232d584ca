//! What is known of each slot, and what that makes of the whole.

use std::time::Duration;

use super::clock::Uptime;
use super::ids::{Generation, Slot};

/// Where the worker of one slot is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// Not started yet.
    Absent,
    /// Its process runs, but does not listen or answer yet.
    Starting,
    /// It serves.
    Ready,
    /// It ended; the next one starts after a delay.
    Waiting,
    /// It was asked to end.
    Stopping,
    /// It ended because it was asked to, and nothing of its process tree is left.
    Stopped,
}

impl WorkerState {
    /// The word for people and for `status --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// Something that happened to one slot's worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerNews {
    /// A process was started.
    Started {
        /// Its process id.
        pid: u32,
        /// Which process of this slot it is.
        generation: Generation,
    },
    /// It listens and its probe passed.
    Ready,
    /// It ended unasked, or could not be started.
    Failed {
        /// What happened, with its last output where there is some.
        why: String,
        /// Failures in a row.
        failures: u32,
        /// Whether that is a crash loop.
        looping: bool,
        /// The next try comes so much later.
        retry_in: Duration,
    },
    /// Its stop signal was sent.
    Stopping,
    /// It is gone as asked, with its whole process tree.
    Stopped {
        /// Whether it had to be killed.
        killed: bool,
    },
}

/// What is known of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotView {
    /// Which.
    pub slot: Slot,
    /// Of the process that runs now.
    pub pid: Option<u32>,
    /// Of the process that runs now or ran last; 0 before the first.
    pub generation: Generation,
    /// Where it is in its life.
    pub state: WorkerState,
    /// Since when it is in that state.
    pub since: Uptime,
    /// Unasked ends since the slot was made.
    pub restarts: u32,
    /// Unasked ends in a row.
    pub failures: u32,
    /// Whether the slot is in a crash loop.
    pub looping: bool,
    /// How the last process ended.
    pub last_exit: Option<String>,
    /// When the next try comes, while waiting.
    pub retry_at: Option<Uptime>,
}

/// All slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Workers {
    /// By slot number.
    pub slots: Vec<SlotView>,
}

impl Workers {
    /// So many slots, nothing started.
    #[must_use]
    pub fn wanted(count: u16, now: Uptime) -> Self {
        let slots = (0..count)
            .map(|n| SlotView {
                slot: Slot(n),
                pid: None,
                generation: Generation(0),
                state: WorkerState::Absent,
                since: now,
                restarts: 0,
                failures: 0,
                looping: false,
                last_exit: None,
                retry_at: None,
            })
            .collect();
        Self { slots }
    }

    /// Takes in what happened. News of a slot that does not exist changes nothing.
    pub fn learn(&mut self, slot: Slot, news: WorkerNews, now: Uptime) {
        let Some(view) = self.slots.get_mut(usize::from(slot.0)) else { return };
        view.since = now;
        view.retry_at = None;
        match news {
            WorkerNews::Started { pid, generation } => {
                view.pid = Some(pid);
                view.generation = generation;
                view.state = WorkerState::Starting;
            }
            WorkerNews::Ready => view.state = WorkerState::Ready,
            WorkerNews::Failed { why, failures, looping, retry_in } => {
                view.pid = None;
                view.state = WorkerState::Waiting;
                view.restarts = view.restarts.saturating_add(1);
                view.failures = failures;
                view.looping = looping;
                view.last_exit = Some(why);
                view.retry_at = Some(now + retry_in);
            }
            WorkerNews::Stopping => view.state = WorkerState::Stopping,
            WorkerNews::Stopped { killed } => {
                view.pid = None;
                view.state = WorkerState::Stopped;
                view.last_exit = Some(if killed { "killed after its stop timeout" } else { "stopped" }.to_owned());
            }
        }
    }

    /// How many serve.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.slots.iter().filter(|view| view.state == WorkerState::Ready).count()
    }

    /// Whether every slot serves, and there is one.
    #[must_use]
    pub fn all_ready(&self) -> bool {
        !self.slots.is_empty() && self.ready() == self.slots.len()
    }

    /// Whether nothing runs any more, nor will without being asked.
    #[must_use]
    pub fn gone(&self) -> bool {
        self.slots.iter().all(|view| matches!(view.state, WorkerState::Absent | WorkerState::Stopped))
    }

    /// Whether each slot has failed at least so often in a row.
    #[must_use]
    pub fn all_failed(&self, times: u32) -> bool {
        !self.slots.is_empty()
            && self.slots.iter().all(|view| view.state != WorkerState::Ready && view.failures >= times)
    }

    /// What is wrong, for people: the slots that do not serve although they should, and how their last process ended.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let failing: Vec<&SlotView> =
            self.slots.iter().filter(|view| view.failures > 0 && view.state != WorkerState::Ready).collect();
        let worst = failing.iter().max_by_key(|view| view.failures)?;
        let what = if worst.looping { "crash loop" } else { "failed" };
        let why = worst.last_exit.as_deref().unwrap_or("ended");
        Some(format!(
            "{} of {} workers do not serve; slot {}: {what} ({} in a row): {why}",
            failing.len(),
            self.slots.len(),
            worst.slot,
            worst.failures
        ))
    }
}
