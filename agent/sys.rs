//! The system calls that no crate wraps safely, and the only `unsafe` of the program: what a child does between fork and exec
//! (`child`), the seccomp notification calls (`seccomp`) and two socket options (`socket`). Nothing is decided here; every function
//! is a thin, checked door.
#![allow(unsafe_code)]

mod child;
mod report;
mod seccomp;
mod socket;

pub use child::{ExecPlan, Step, exec_in_child};
pub use report::{Report, receive_report};
pub use seccomp::{Notification, add_descriptor, answer, is_alive, receive, try_filter};
pub use socket::{accept_queue, attach_reuseport_program};

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One instruction of a classic BPF program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Filter {
    /// The operation.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// The result of a system call, its error taken from `errno`.
fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    if result < 0 { Err(Errno::last()) } else { Ok(result) }
}

/// Watches a descriptor for something to read.
///
/// # Errors
/// When the runtime's poll does not take it.
pub fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always gives the same number, which is open until the `AsyncFd` drops it.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}
