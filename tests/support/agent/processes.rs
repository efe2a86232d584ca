//! Commands, the process table, and ports.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::timeout;

use super::PATIENCE;

/// Whether this process still runs: a zombie has ended.
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// All processes whose environment or command line holds this text.
pub fn processes_with(text: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let holds = |pid: &u32| {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let [environment, line] = ["environ", "cmdline"].map(read);
        String::from_utf8_lossy(&environment).contains(text) || String::from_utf8_lossy(&line).contains(text)
    };
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    pids.filter(|pid| alive(*pid) && holds(pid)).collect()
}

/// A port of 127.0.0.1 that was free a moment ago. Tests that run side by side do not get the same one: the numbers are dealt by process.
pub fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    loop {
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // Below the range from which the kernel takes ports for clients (32768 and up).
        let port = 10_000 + u16::try_from((std::process::id() * 37 + u32::from(n)) % 22_000).unwrap();
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// Kills whatever carries a tag of ours and works in this test's directory: nothing of a failed test may live on and hold a port.
pub(super) fn kill_tagged(dir: &Path) {
    let here = dir.display().to_string();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&environment);
        let ours = text.contains("HERDSMAN_WORKER=") && text.contains(&here);
        if let (true, Ok(pid)) = (ours, entry.file_name().to_string_lossy().parse()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let ended = timeout(PATIENCE, command.output()).await.expect("the command ends").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code(), text(&ended.stdout), text(&ended.stderr))
}
