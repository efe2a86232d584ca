//! Sockets for the app port: told apart, and made.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::decide::steering::Address;

/// Whether `socket` is TCP, multipath or not.
pub fn is_tcp(socket: &Socket) -> bool {
    matches!(socket.protocol(), Ok(Some(Protocol::TCP | Protocol::MPTCP)))
}

/// The group that `socket` belongs to once bound to `at`.
///
/// # Errors
/// What `getsockopt` says.
pub fn address_of(socket: &Socket, at: SocketAddr) -> io::Result<Address> {
    Ok(Address { ip: at.ip(), only_v6: at.is_ipv6() && socket.only_v6()? })
}

/// A plain TCP socket with the settings of `socket` that matter before `bind` to `at`.
///
/// # Errors
/// What the kernel says.
pub fn plain_like(socket: &Socket, at: SocketAddr) -> io::Result<Socket> {
    let plain = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    plain.set_nonblocking(socket.nonblocking()?)?;
    if at.is_ipv6() {
        plain.set_only_v6(socket.only_v6()?)?;
    }
    Ok(plain)
}

/// Binds `socket` to `at` so that others of ours can join it there. The `first` of ours tolerates nobody: another program that also
/// shares its port would otherwise be joined unnoticed, and steered by us.
///
/// # Errors
/// What `bind` says.
pub fn bind_shared(socket: &Socket, at: SocketAddr, first: bool) -> io::Result<()> {
    // Connections that were closed a moment ago are no reason to refuse; listeners still are.
    socket.set_reuse_address(true)?;
    if !first {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&SockAddr::from(at))?;
    socket.set_reuse_port(true)
}

/// A socket bound to `port` of all addresses, IPv6 and IPv4 where there is IPv6.
///
/// # Errors
/// What `bind` says.
pub fn listener_anywhere(port: u16, first: bool) -> io::Result<(Socket, SocketAddr)> {
    match listener_at(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), first) {
        Err(error) if no_ipv6(&error) => listener_at(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), first),
        bound => bound,
    }
}

fn listener_at(at: SocketAddr, first: bool) -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    bind_shared(&socket, at, first)?;
    Ok((socket, at))
}

fn no_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::ENOPROTOOPT))
}
