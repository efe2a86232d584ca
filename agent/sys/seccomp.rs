//! seccomp: installing a filter with a notification descriptor, and the calls on that descriptor (`seccomp_unotify(2)`).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

use super::{Filter, check};

/// A system call that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification {
    /// Names the call while it waits.
    pub id: u64,
    /// The thread that made it, as seen from this process.
    pub thread: i32,
    /// The number of the call.
    pub call: i32,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// A newer kernel may read or write more than the structure of today.
#[repr(C)]
struct Padded<T> {
    value: T,
    spare: [u64; 32],
}

/// Installs `program` for the calling thread. Allocates nothing: also called between fork and exec.
pub(super) fn install(program: &[Filter]) -> Result<RawFd, Errno> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut().cast() };
    let mut failed = Errno::EINVAL;
    // With the second flag (kernel 5.19) a signal does not make the program repeat a call that is being answered.
    for flags in [
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
    ] {
        // SAFETY: `program` describes live memory; `Filter` has the layout of `struct sock_filter`.
        match check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program) }) {
            Ok(gate) => return Ok(gate as RawFd),
            Err(Errno::EINVAL) => {}
            Err(errno) => failed = errno,
        }
    }
    Err(failed)
}

/// Installs `program` in a thread that then ends: says what the kernel, or whoever watches this process, has against it.
pub fn try_filter(program: &[Filter]) -> io::Result<()> {
    let attempt = || {
        // SAFETY: a call without pointers; it binds the calling thread alone.
        check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())?;
        // SAFETY: the descriptor is new and ours.
        install(program).map(|gate| drop(unsafe { OwnedFd::from_raw_fd(gate) }))
    };
    std::thread::scope(|scope| scope.spawn(attempt).join().unwrap_or(Err(Errno::EINVAL))).map_err(io::Error::from)
}

/// Takes the next waiting call. `None`: its caller went away meanwhile. Blocks when nothing waits; ask `poll` first.
pub fn receive(gate: BorrowedFd<'_>) -> Result<Option<Notification>, Errno> {
    loop {
        // SAFETY: zero is a valid value, and the one the kernel insists on.
        let mut padded: Padded<libc::seccomp_notif> = unsafe { mem::zeroed() };
        // SAFETY: the structure and its spare room are live memory of this frame.
        match check(unsafe { libc::ioctl(gate.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut padded) }.into()) {
            Ok(_) => {
                let libc::seccomp_notif { id, pid, data, .. } = padded.value;
                return Ok(Some(Notification { id, thread: pid.cast_signed(), call: data.nr, arguments: data.args }));
            }
            Err(Errno::EINTR) => {}
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
}

/// Whether the caller still waits. Only then does what was read of its memory and its `/proc` entries belong to it.
pub fn is_alive(gate: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: `id` is live memory of the size that the call reads.
    check(unsafe { libc::ioctl(gate.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &id) }.into()).is_ok()
}

/// Lets the call end. `None`: the kernel carries it out after all; `Some(0)`: it returns 0; `Some(errno)`: it fails.
/// An `ENOENT` error means that the caller has gone.
pub fn answer(gate: BorrowedFd<'_>, id: u64, result: Option<i32>) -> Result<(), Errno> {
    // SAFETY: zero is a valid value.
    let mut padded: Padded<libc::seccomp_notif_resp> = unsafe { mem::zeroed() };
    padded.value.id = id;
    match result {
        None => padded.value.flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
        Some(errno) => padded.value.error = -errno,
    }
    // SAFETY: as in `receive`.
    check(unsafe { libc::ioctl(gate.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &mut padded) }.into()).map(drop)
}

/// Puts a duplicate of `descriptor` at number `at` of the caller, in the place of what was there.
pub fn add_descriptor(
    gate: BorrowedFd<'_>,
    id: u64,
    descriptor: BorrowedFd<'_>,
    at: RawFd,
    close_on_exec: bool,
) -> Result<(), Errno> {
    let request = libc::seccomp_notif_addfd {
        id,
        flags: libc::SECCOMP_ADDFD_FLAG_SETFD as u32,
        srcfd: descriptor.as_raw_fd().cast_unsigned(),
        newfd: at.cast_unsigned(),
        newfd_flags: if close_on_exec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
    };
    // SAFETY: the size of the structure is part of the request's number.
    check(unsafe { libc::ioctl(gate.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ADDFD, &request) }.into()).map(drop)
}
