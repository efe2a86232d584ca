//! Whether this machine can do it, found out by doing it.

use std::fs;
use std::io;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{Pid, getpid};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::filter;
use crate::sys;

/// Why the port cannot be shared by unmodified programs here. All of it is told together with the way out.
#[derive(Debug, thiserror::Error)]
pub enum Unsupported {
    /// The kernel is too old to place a descriptor.
    #[error("sharing the port needs Linux 5.9 or newer, this is {release}; {INSTEAD}")]
    Kernel {
        /// As `uname -r` says.
        release: String,
    },
    /// The filter cannot be installed.
    #[error(
        "sharing the port needs a seccomp filter with notifications, which cannot be installed here (in a container, or under a \
         supervisor that watches this process itself?); {INSTEAD}"
    )]
    Filter {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A call that the agent needs is denied.
    #[error(
        "sharing the port needs the system call {call}, which is denied here (SystemCallFilter= of the unit?); {INSTEAD}"
    )]
    Denied {
        /// Its name.
        call: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// What to do about it.
pub const INSTEAD: &str = "set workers.share = \"ports\" or \"socket-activation\", or workers.count = 1";

/// Tries everything that sharing the port needs, on this process itself.
///
/// # Errors
/// The first thing that is missing.
pub fn supported() -> Result<(), Unsupported> {
    let release =
        nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default();
    if !is_new_enough(&release) {
        return Err(Unsupported::Kernel { release });
    }
    sys::try_filter(&filter::program()).map_err(|source| Unsupported::Filter { source })?;
    let me = rustix::process::getpid();
    let opened = pidfd_open(me, PidfdFlags::empty()).map_err(denied("pidfd_open"))?;
    let own = rustix::io::fcntl_dupfd_cloexec(&opened, 0).map_err(denied("fcntl"))?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&own);
    pidfd_getfd(&opened, number, PidfdGetfdFlags::empty()).map_err(denied("pidfd_getfd"))?;
    let (source, mut copy) = ([7_u8], [0_u8]);
    let remote = [RemoteIoVec { base: source.as_ptr().addr(), len: 1 }];
    read_memory(getpid(), &mut copy, &remote).map_err(denied("process_vm_readv"))
}

fn read_memory(pid: Pid, into: &mut [u8], from: &[RemoteIoVec]) -> nix::Result<()> {
    process_vm_readv(pid, &mut [io::IoSliceMut::new(into)], from).map(drop)
}

fn denied<E: Into<io::Error>>(call: &'static str) -> impl FnOnce(E) -> Unsupported {
    move |source| Unsupported::Denied { call, source: source.into() }
}

fn is_new_enough(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 9)
}

/// Lets connections that wait in a closing socket move to another of its group, instead of being reset (Linux 5.14).
///
/// # Errors
/// When the kernel is older, or this process may not set it.
pub fn let_connections_move() -> io::Result<()> {
    let setting = "/proc/sys/net/ipv4/tcp_migrate_req";
    if fs::read_to_string(setting)?.trim() == "1" {
        return Ok(());
    }
    fs::write(setting, "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_can_share_a_port() {
        supported().unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("Seccomp:\t0"), "trying it leaves nothing behind: {status}");
    }

    #[test]
    fn kernels_are_told_apart_by_their_first_two_numbers() {
        for (release, enough) in [
            ("6.1.0-18-cloud-amd64", true),
            ("5.10.0", true),
            ("5.9", true),
            ("5.8.18", false),
            ("4.19", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(release), enough, "{release}");
        }
    }
}
