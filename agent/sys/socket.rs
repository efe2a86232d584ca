//! Two things that only `setsockopt` and `getsockopt` themselves can say about a listening socket.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Filter, check};

/// `SO_ATTACH_REUSEPORT_CBPF` of `asm-generic/socket.h` (x86_64 and aarch64).
const SO_ATTACH_REUSEPORT_CBPF: libc::c_int = 51;

/// Gives the reuseport group of `socket` the program that chooses who gets a new connection.
pub fn attach_reuseport_program(socket: BorrowedFd<'_>, program: &[Filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: `program` describes live memory; `Filter` has the layout of `struct sock_filter`.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            mem::size_of_val(&program) as libc::socklen_t,
        )
    };
    check(done.into()).map(drop).map_err(io::Error::from)
}

/// How many connections wait in a listening socket, and how many may (`TCP_INFO`).
pub fn accept_queue(socket: BorrowedFd<'_>) -> io::Result<(u32, u32)> {
    // SAFETY: zero is a valid value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes.
    let done = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &mut length)
    };
    check(done.into()).map_err(io::Error::from)?;
    // For a listening socket these two fields mean this (tcp_get_info in net/ipv4/tcp.c).
    Ok((info.tcpi_unacked, info.tcpi_sacked))
}
