//! How a child tells its parent, between fork and exec, of its notification descriptor or of what failed.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use super::check;
use super::child::Step;

/// What a child says to its parent over `ExecPlan::report`.
#[derive(Debug)]
pub enum Report {
    /// The notification descriptor of its seccomp filter.
    Gate(OwnedFd),
    /// It could not go on.
    Failed(Step, Errno),
    /// It closed the channel: the program runs, if nothing else was said.
    End,
}

/// Says what failed. Allocates nothing.
pub(super) fn send_failure(socket: RawFd, step: Step, errno: Errno) {
    let errno = (errno as i32).to_ne_bytes();
    let message = [step as u8, errno[0], errno[1], errno[2], errno[3]];
    // SAFETY: five bytes of live memory.
    unsafe { libc::send(socket, message.as_ptr().cast(), message.len(), libc::MSG_NOSIGNAL) };
}

/// Sends `descriptor` with one byte, from the child: allocates nothing.
pub(super) fn send_descriptor(socket: RawFd, descriptor: RawFd) -> Result<(), Errno> {
    let mut control = [0_u64; 4];
    let mut byte = [0_u8; 1];
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: `control` is aligned and holds one control message of one descriptor (24 bytes); all pointers are live.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast::<RawFd>(), descriptor);
        check(libc::sendmsg(socket, &message, libc::MSG_NOSIGNAL) as _).map(drop)
    }
}

/// Waits for what the child says next.
pub fn receive_report(socket: BorrowedFd<'_>) -> Result<Report, Errno> {
    let mut bytes = [0_u8; 5];
    let mut parts = [io::IoSliceMut::new(&mut bytes)];
    let mut control = nix::cmsg_space!([RawFd; 1]);
    let (length, received) = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(message) => {
                let received = message.cmsgs()?.find_map(|control| match control {
                    ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
                    _ => None,
                });
                break (message.bytes, received);
            }
        }
    };
    if let Some(descriptor) = received {
        // SAFETY: the kernel has just made this descriptor for us.
        return Ok(Report::Gate(unsafe { OwnedFd::from_raw_fd(descriptor) }));
    }
    let [step, a, b, c, d] = bytes;
    match (length, Step::ALL.get(usize::from(step))) {
        (5, Some(step)) => Ok(Report::Failed(*step, Errno::from_raw(i32::from_ne_bytes([a, b, c, d])))),
        _ => Ok(Report::End),
    }
}
