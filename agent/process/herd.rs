//! The mark that all processes of one state directory carry, and the end of those that a dead agent has left running.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::spawn::{ProcessTag, TAG_VARIABLE};
use super::table;
use super::tree::Member;

/// What is left over has so long to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// And so long to die; a process that waits for a disk that does not answer cannot be killed.
const DYING: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// All processes that are started for one state directory. Whoever holds that directory's lock is the only one to start any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Herd(String);

impl Herd {
    /// The herd of this directory. Known by the directory itself and not by its name, which another container may use too.
    ///
    /// # Errors
    /// When the directory cannot be looked at.
    pub fn of(state: &Path) -> io::Result<Self> {
        let about = std::fs::metadata(state)?;
        Ok(Self(format!("{:x}.{:x}:", about.dev(), about.ino())))
    }

    /// A tag for a process of the herd.
    #[must_use]
    pub fn tag(&self, label: &str) -> ProcessTag {
        ProcessTag::unique(&format!("{}{label}", self.0))
    }

    /// Ends what runs for this directory, to be called by the holder of its lock before it starts anything: asks each process to
    /// end, kills what does not, and says so. It would hold the port, and nobody would ever stop it.
    pub async fn end_what_is_left(&self) {
        let left = self.members().await;
        if left.is_empty() {
            return;
        }
        let named: Vec<String> = left.iter().map(|member| format!("{} {}", member.pid, member.comm)).collect();
        warn!("ending what an agent that died has left running: {}", named.join(", "));
        signal(&left, Signal::SIGTERM);
        if !self.wait(GRACE, None).await.is_empty() {
            warn!("killing what did not end");
            self.kill_what_is_left().await;
        }
    }

    /// Kills what runs for this directory, and waits until it has gone.
    pub async fn kill_what_is_left(&self) {
        for member in self.wait(DYING, Some(Signal::SIGKILL)).await {
            warn!(pid = member.pid, "process {} ({}) cannot be killed", member.pid, member.comm);
        }
    }

    /// Waits until nobody is left, sending the signal to whoever is, at most so long.
    async fn wait(&self, within: Duration, send: Option<Signal>) -> Vec<Member> {
        let deadline = Instant::now() + within;
        loop {
            let left = self.members().await;
            if left.is_empty() || Instant::now() >= deadline {
                return left;
            }
            if let Some(send) = send {
                signal(&left, send);
            }
            sleep(LOOK).await;
        }
    }

    /// Whoever carries the mark, this process aside.
    async fn members(&self) -> Vec<Member> {
        let mark = format!("{TAG_VARIABLE}={}", self.0).into_bytes();
        let look = move || {
            let me = std::process::id() as i32;
            let marked = |pid: &i32| *pid != me && *pid != 1 && table::has_variable_with(*pid, &mark);
            let alive = table::all().into_iter().filter(marked).filter_map(table::stat).filter(table::Stat::is_alive);
            alive.map(|stat| Member { pid: stat.pid, start_time: stat.start_time, comm: stat.comm }).collect()
        };
        // A walk through /proc; the worst that a panic there could mean is that nothing is found.
        spawn_blocking(look).await.unwrap_or_default()
    }
}

fn signal(members: &[Member], signal: Signal) {
    for member in members {
        if let Err(error) = table::signal(member.pid, member.start_time, signal) {
            warn!(pid = member.pid, "process {} could not be signalled: {error}", member.pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command};

    use super::*;

    fn with(tag: &ProcessTag, script: &str) -> Child {
        Command::new("/bin/sh").args(["-c", script]).env(TAG_VARIABLE, tag.as_str()).process_group(0).spawn().unwrap()
    }

    #[tokio::test]
    async fn what_is_left_is_asked_and_then_killed_and_another_herd_is_spared() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (herd, other) = (Herd::of(ours.path()).unwrap(), Herd::of(theirs.path()).unwrap());
        let ready = ours.path().join("ready");
        let deaf = format!("trap '' TERM; touch {}; while :; do sleep 0.1; done", ready.display());
        let mut children =
            [with(&herd.tag("mild"), "sleep 600"), with(&herd.tag("deaf"), &deaf), with(&other.tag("x"), "sleep 600")];
        while !ready.exists() {
            sleep(LOOK).await;
        }
        herd.end_what_is_left().await;
        let ends: Vec<_> = children.iter_mut().map(|child| child.try_wait().unwrap()).collect();
        let signals: Vec<_> = ends.iter().map(|end| end.and_then(|status| status.signal())).collect();
        other.end_what_is_left().await;
        let spared = children[2].wait().unwrap().signal();
        assert_eq!((signals, spared), (vec![Some(15), Some(9), None], Some(15)));
    }
}
