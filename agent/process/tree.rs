//! Everything that a spawned process has left behind: found, signalled, killed. Daemons that forked twice and left their session too.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rustix::process::{Signal as RawSignal, pidfd_send_signal};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::cgroup;
use super::table::{self, Stat};
use crate::sys;

/// So many looks at a tree that starts ever new processes while it is killed.
const KILL_LOOKS: usize = 50;

/// How long dying may take: a process that waits for a disk that does not answer cannot be killed.
const DYING: Duration = Duration::from_secs(10);

/// A process that belongs to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub pid: i32,
    /// When it began, in clock ticks after boot.
    pub start_time: u64,
    /// Its short name.
    pub comm: String,
}

/// What descends from one spawned process.
#[derive(Debug, Clone)]
pub struct Tree {
    roots: Arc<Roots>,
}

/// By what the members are known.
#[derive(Debug)]
pub(super) struct Roots {
    /// The spawned process, which leads a process group.
    pub(super) pid: i32,
    /// When it began.
    pub(super) start_time: u64,
    /// The session that it was born in.
    pub(super) session: i32,
    /// `NAME=value`, in the environment of all descendants.
    pub(super) variable: Vec<u8>,
    /// The cgroup it was put in.
    pub(super) cgroup: Option<PathBuf>,
}

impl Tree {
    pub(super) fn new(roots: Roots) -> Self {
        Self { roots: Arc::new(roots) }
    }

    /// The members that still run. Reads the whole process table: not for a loop.
    pub fn members(&self) -> Vec<Member> {
        self.roots.members()
    }

    /// Sends a signal to every member; says how many there were.
    ///
    /// # Errors
    /// The last refusal, after all were tried.
    pub fn signal_all(&self, signal: Signal) -> io::Result<usize> {
        let members = self.members();
        let mut outcome = Ok(members.len());
        for member in members {
            if let Err(error) = table::signal(member.pid, member.start_time, signal) {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Sends SIGKILL to every member, and to what they bring forth meanwhile, without waiting for their end. One that has got it starts
    /// nothing any more, so this ends with the first look that finds nobody new.
    pub fn kill_now(&self) {
        let mut killed = Vec::new();
        for _ in 0..KILL_LOOKS {
            let new: Vec<Member> = self.members().into_iter().filter(|member| !killed.contains(&member.pid)).collect();
            if new.is_empty() {
                return;
            }
            for member in new {
                // What is gone needs no signal, and what refuses one cannot be helped from here.
                let _ = table::signal(member.pid, member.start_time, Signal::SIGKILL);
                killed.push(member.pid);
            }
        }
    }

    /// Kills every member, and what they bring forth meanwhile, until none is left. Returns those that outlived it, for instance in
    /// a system call that never ends; none is the rule.
    pub async fn kill(&self) -> Vec<Member> {
        let deadline = Instant::now() + DYING;
        loop {
            let members = self.find().await;
            if members.is_empty() || Instant::now() >= deadline {
                return members;
            }
            if let Some(path) = &self.roots.cgroup {
                // Older kernels (< 5.14) have no such file; the signals below do without.
                let _ = cgroup::kill(path);
            }
            let mut unkillable = true;
            for member in &members {
                match kill(member) {
                    Ok(dying) => {
                        unkillable = false;
                        // Readable means ended. Where it cannot be watched the next look tells.
                        if let Ok(ended) = sys::watch(dying) {
                            let _ = timeout_at(deadline, ended.readable()).await;
                        }
                    }
                    Err(error) => unkillable &= error.kind() != io::ErrorKind::NotFound,
                }
            }
            if unkillable {
                return members;
            }
        }
    }

    async fn find(&self) -> Vec<Member> {
        let roots = Arc::clone(&self.roots);
        spawn_blocking(move || roots.members()).await.unwrap_or_else(|_| self.members())
    }
}

fn kill(member: &Member) -> io::Result<std::os::fd::OwnedFd> {
    let process = table::open(member.pid, member.start_time)?;
    pidfd_send_signal(&process, RawSignal::KILL)?;
    Ok(process)
}

impl Roots {
    fn members(&self) -> Vec<Member> {
        let in_cgroup: BTreeSet<i32> = self.cgroup.as_deref().map(cgroup::members).unwrap_or_default();
        let group_is_ours = self.group_is_ours();
        let me = std::process::id() as i32;
        let belongs = |stat: &Stat| {
            in_cgroup.contains(&stat.pid)
                || (group_is_ours && stat.group == self.pid && stat.session == self.session)
                || table::has_variable(stat.pid, &self.variable)
        };
        table::all()
            .into_iter()
            .filter(|pid| *pid != me && *pid != 1)
            .filter_map(table::stat)
            // Nobody is older than the ancestor; this also spares reading the environment of most.
            .filter(|stat| stat.is_alive() && stat.start_time >= self.start_time && belongs(stat))
            .map(|Stat { pid, start_time, comm, .. }| Member { pid, start_time, comm })
            .collect()
    }

    /// Once the leader has gone and its number has been given to another process, a group of that number is somebody else's.
    fn group_is_ours(&self) -> bool {
        table::stat(self.pid).is_none_or(|leader| leader.start_time == self.start_time)
    }
}
