//! Reading the process table (`/proc`), and signals that cannot hit the wrong process.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// Its short name.
    pub comm: String,
    /// `Z` is a process that has ended and waits for its parent to notice.
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// How many threads it has.
    pub threads: u32,
    /// When it began, in clock ticks after boot: with the number, this names a process for good.
    pub start_time: u64,
}

impl Stat {
    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        // Where only the first thread has ended, the process looks like a zombie and works on.
        !matches!(self.state, 'Z' | 'X' | 'x') || self.threads > 1
    }
}

/// What is known of `pid`; `None` when there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(text: &str) -> Option<Stat> {
    // The name may hold anything, blanks and parentheses too.
    let (head, rest) = text.rsplit_once(')')?;
    let (pid, comm) = head.split_once('(')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse().ok();
    Some(Stat {
        pid: pid.trim().parse().ok()?,
        comm: comm.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        threads: fields.get(17)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// The numbers of all processes.
pub fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether `pid` was started with this variable, as far as this process may see.
pub fn has_variable(pid: i32, name_and_value: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == name_and_value)
}

/// Whether `pid` was started with a variable that begins so, as far as this process may see.
pub fn has_variable_with(pid: i32, beginning: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(beginning))
}

/// Opens the process that has this number *and* began then: whatever is done with the descriptor concerns no other.
///
/// # Errors
/// `NotFound` when that process has ended.
pub fn open(pid: i32, start_time: u64) -> io::Result<OwnedFd> {
    let number = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
    let opened = match pidfd_open(number, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Err(io::ErrorKind::NotFound.into()),
        opened => opened?,
    };
    // Looked at after opening: if it is the right one now, it was when it was opened.
    match stat(pid) {
        Some(stat) if stat.start_time == start_time => Ok(opened),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Sends a signal to the process that has this number and began then. One that has ended is no error.
///
/// # Errors
/// When this process may not.
pub fn signal(pid: i32, start_time: u64, signal: nix::sys::signal::Signal) -> io::Result<()> {
    let signal = Signal::from_named_raw(signal as i32).ok_or(io::ErrorKind::InvalidInput)?;
    match open(pid, start_time) {
        Ok(process) => match pidfd_send_signal(process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_blanks_is_read() {
        let line = "77 (a) b (c) S 1 70 60 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0";
        let expected = Stat {
            pid: 77,
            comm: "a) b (c".into(),
            state: 'S',
            parent: 1,
            group: 70,
            session: 60,
            threads: 1,
            start_time: 4711,
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse("77 (a) S 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_process_with_another_start_is_never_signalled() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id() as i32;
        let begun = stat(pid).unwrap().start_time;
        signal(pid, begun + 1, nix::sys::signal::Signal::SIGKILL).unwrap();
        assert_eq!(open(pid, begun + 1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(child.try_wait().unwrap().is_none());
        signal(pid, begun, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert_eq!(super::super::Exit::from(child.wait().unwrap()).signal, Some(15));
        signal(pid, begun, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}
