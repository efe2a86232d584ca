//! The gate: where a worker's `bind` and `listen` wait until the agent has answered. Knows calls and answers, no policy.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use tokio::io::unix::AsyncFd;

use crate::sys;

/// The agent's end of one worker's seccomp filter.
///
/// While it lives, somebody must ask [`Gate::next`] and answer, or the worker hangs in `bind`. Once it is dropped, every
/// further `bind` and `listen` of the worker fails with `ENOSYS`.
#[derive(Debug)]
pub struct Gate {
    notifications: AsyncFd<OwnedFd>,
}

/// A call that waits for its answer.
#[derive(Debug)]
pub struct Call {
    id: u64,
    /// The thread that made it.
    pub thread: Pid,
    /// The socket it is about: a descriptor of the caller, not of ours.
    pub descriptor: RawFd,
    /// What it wants.
    pub wish: Wish,
}

/// What a waiting call wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// `bind` to an internet address.
    Bind(SocketAddr),
    /// `bind` to something else, or to what cannot be read.
    BindOther,
    /// `listen`.
    Listen {
        /// How many connections may wait.
        backlog: i32,
    },
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The kernel carries it out.
    Continue,
    /// It has been done: it returns 0.
    Done,
    /// It fails.
    Deny(Errno),
}

impl Gate {
    /// Takes the notification descriptor of a filter.
    ///
    /// # Errors
    /// When the runtime cannot watch it.
    pub fn new(notifications: OwnedFd) -> io::Result<Self> {
        Ok(Self { notifications: sys::watch(notifications)? })
    }

    /// The next call; `None` once nobody is left behind the gate.
    ///
    /// # Errors
    /// When the descriptor fails, which nothing mends.
    pub async fn next(&self) -> io::Result<Option<Call>> {
        loop {
            // The descriptor knows no non-blocking mode: asked without need, it would stop the whole agent.
            let mut ready = self.notifications.readable().await?;
            let state = waiting(self.notifications.as_fd())?;
            if state.contains(PollFlags::POLLIN) {
                if let Some(notification) = sys::receive(self.notifications.as_fd())?
                    && let Some(call) = self.understand(&notification)
                {
                    return Ok(Some(call));
                }
            } else if state.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
                return Ok(None);
            } else {
                ready.clear_ready();
            }
        }
    }

    /// `None` when the caller has gone.
    fn understand(&self, notification: &sys::Notification) -> Option<Call> {
        let [descriptor, second, third, ..] = notification.arguments;
        let thread = Pid::from_raw(notification.thread);
        let wish = if i64::from(notification.call) == libc::SYS_listen {
            Wish::Listen { backlog: second as i32 }
        } else {
            read_address(thread, second, third).map_or(Wish::BindOther, Wish::Bind)
        };
        let call = Call { id: notification.id, thread, descriptor: descriptor as RawFd, wish };
        // What was read may have been another process's memory, if the caller died and its number was given away.
        self.is_alive(&call).then_some(call)
    }

    /// Whether the caller still waits; what was read from its `/proc` entries is only then its own.
    pub fn is_alive(&self, call: &Call) -> bool {
        sys::is_alive(self.notifications.as_fd(), call.id)
    }

    /// Puts `socket` in the place of the socket that the call is about.
    ///
    /// # Errors
    /// `ENOENT` when the caller has gone.
    pub fn place(&self, call: &Call, socket: BorrowedFd<'_>, close_on_exec: bool) -> io::Result<()> {
        Ok(sys::add_descriptor(self.notifications.as_fd(), call.id, socket, call.descriptor, close_on_exec)?)
    }

    /// Ends the call. A caller that has gone needs no answer.
    ///
    /// # Errors
    /// When the descriptor fails.
    pub fn answer(&self, call: &Call, answer: Answer) -> io::Result<()> {
        let result = match answer {
            Answer::Continue => None,
            Answer::Done => Some(0),
            Answer::Deny(errno) => Some(errno as i32),
        };
        match sys::answer(self.notifications.as_fd(), call.id, result) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn waiting(descriptor: BorrowedFd<'_>) -> io::Result<PollFlags> {
    let mut polled = [PollFd::new(descriptor, PollFlags::POLLIN)];
    loop {
        match poll(&mut polled, PollTimeout::ZERO) {
            Ok(_) => return Ok(polled[0].revents().unwrap_or(PollFlags::empty())),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The socket address in the memory of `thread`, if it is an internet one.
fn read_address(thread: Pid, at: u64, length: u64) -> Option<SocketAddr> {
    let mut bytes = [0_u8; size_of::<libc::sockaddr_in6>()];
    let length = bytes.len().min(usize::try_from(length).ok()?);
    let remote = [RemoteIoVec { base: usize::try_from(at).ok()?, len: length }];
    let read = process_vm_readv(thread, &mut [IoSliceMut::new(&mut bytes[..length])], &remote).ok()?;
    parse_address(bytes.get(..read)?)
}

/// Reads a `sockaddr_in` or a `sockaddr_in6` (whose last field old programs leave out).
fn parse_address(bytes: &[u8]) -> Option<SocketAddr> {
    let family = i32::from(u16::from_ne_bytes(*bytes.first_chunk()?));
    let port = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
    if family == libc::AF_INET && bytes.len() >= size_of::<libc::sockaddr_in>() {
        let ip: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
        return Some(SocketAddrV4::new(Ipv4Addr::from(ip), port).into());
    }
    if family == libc::AF_INET6 {
        let flow = u32::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
        let ip: [u8; 16] = *bytes.get(8..)?.first_chunk()?;
        let scope = bytes.get(24..).and_then(|rest| rest.first_chunk()).map_or(0, |scope| u32::from_ne_bytes(*scope));
        return Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope).into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_addresses_are_read_and_others_are_not() {
        let mut v4 = vec![2, 0, 0x0b, 0xb8, 127, 0, 0, 1];
        assert_eq!(parse_address(&v4), None, "cut short");
        v4.extend([0; 8]);
        assert_eq!(parse_address(&v4), Some("127.0.0.1:3000".parse().unwrap()));
        let mut v6 = vec![10, 0, 0x0b, 0xb8, 0, 0, 0, 0];
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        assert_eq!(parse_address(&v6), Some("[::1]:3000".parse().unwrap()), "without a scope");
        v6.extend(2_u32.to_ne_bytes());
        assert_eq!(parse_address(&v6), Some("[::1%2]:3000".parse().unwrap()));
        for other in [&b""[..], b"\x02", b"\x01\0/run/socket", b"\x0a\0\x0b\xb8"] {
            assert_eq!(parse_address(other), None);
        }
    }
}
