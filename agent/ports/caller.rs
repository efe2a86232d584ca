//! Looking into the process behind a waiting call: its sockets and their flags.

use std::fs;
use std::io;
use std::os::fd::RawFd;

use nix::unistd::Pid;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::Socket;

/// A duplicate of a caller's socket: the same open file, so what is set on it is set for the caller too.
#[derive(Debug)]
pub struct Duplicate {
    /// The socket.
    pub socket: Socket,
    /// Whether the caller's descriptor is closed by exec.
    pub close_on_exec: bool,
    /// The process that the calling thread belongs to.
    pub pid: Pid,
}

/// Duplicates `descriptor` of the process of `thread`. The caller asks afterwards whether the call still waits.
///
/// # Errors
/// `EPERM` when this process may not trace the other one, `EBADF` when there is no such descriptor.
pub fn duplicate(thread: Pid, descriptor: RawFd) -> io::Result<Duplicate> {
    let pid = process_of(thread)?;
    let opened = pidfd_open(rustix_pid(pid)?, PidfdFlags::empty())?;
    let socket = Socket::from(pidfd_getfd(opened, descriptor, PidfdGetfdFlags::empty())?);
    let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}"))?;
    let flags = octal_field(&info, "flags:").ok_or(io::ErrorKind::InvalidData)?;
    Ok(Duplicate { socket, close_on_exec: flags & libc::O_CLOEXEC != 0, pid })
}

fn rustix_pid(pid: Pid) -> io::Result<rustix::process::Pid> {
    rustix::process::Pid::from_raw(pid.as_raw()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The thread group: older kernels open no pidfd of a mere thread.
fn process_of(thread: Pid) -> io::Result<Pid> {
    let status = fs::read_to_string(format!("/proc/{thread}/status"))?;
    let group = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    group.map(Pid::from_raw).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn octal_field(text: &str, name: &str) -> Option<i32> {
    let field = text.lines().find_map(|line| line.strip_prefix(name))?;
    i32::from_str_radix(field.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_duplicate_is_the_same_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = duplicate(nix::unistd::gettid(), listener.as_raw_fd()).unwrap();
        assert_eq!(found.socket.local_addr().unwrap().as_socket(), listener.local_addr().ok());
        assert!(found.close_on_exec);
        assert_eq!(found.pid, Pid::this());
        duplicate(nix::unistd::gettid(), 9999).unwrap_err();
    }
}
