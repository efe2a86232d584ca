//! The sockets kept of the app port: a duplicate of every worker's, so that a crash loses no waiting connection.
//!
//! Keeps the table of [`Steering`] in step with the kernel. Never waits, and knows nothing of processes.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use socket2::{Domain, Protocol, Socket};

use super::probe::Route;
use super::sockets::{address_of, bind_shared, is_tcp, listener_anywhere, plain_like};
use super::steer;
use crate::decide::steering::{Address, Seat, Steering, probe_source};
use crate::sys;

/// How many connections may wait where the agent itself opens the socket; the kernel takes `net.core.somaxconn` if that is less.
const BACKLOG: i32 = 4096;

/// All sockets of one port.
#[derive(Debug)]
pub struct Listeners {
    port: u16,
    kept: Vec<Kept>,
    steering: Steering,
    latest_run: u64,
}

/// One stay of a worker in a seat: tells what the present worker has bound from what its forerunner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run(u64);

#[derive(Debug)]
struct Kept {
    seat: Seat,
    address: Address,
    exact: SocketAddr,
    socket: Socket,
    cookie: u64,
    run: Run,
}

/// What becomes of a `bind`.
#[derive(Debug)]
pub enum Bound {
    /// The caller's own socket is bound now.
    Own,
    /// This one, bound already, is to take its place.
    Instead(Socket),
}

impl Listeners {
    /// Nobody listens yet on `port`.
    pub fn new(port: u16) -> Self {
        Self { port, kept: Vec::new(), steering: Steering::default(), latest_run: 0 }
    }

    /// A worker takes a seat.
    pub fn begin_run(&mut self) -> Run {
        self.latest_run += 1;
        Run(self.latest_run)
    }

    /// Whether a `bind` of `socket` to `at` is about the app port. Anything else is none of our business.
    pub fn concerns(&self, socket: &Socket, at: SocketAddr) -> bool {
        at.port() == self.port
            && is_tcp(socket)
            && socket.domain().is_ok_and(|domain| domain == Domain::for_address(at))
    }

    /// Binds `socket`, a duplicate of a worker's, or finds the one kept for it.
    ///
    /// Bound here and not by the worker: the address cannot change after it was looked at, the outcome is known, and
    /// a port below 1024 needs no right of the worker's.
    ///
    /// # Errors
    /// What `bind` says, for the worker to hear.
    pub fn bind(&mut self, seat: Seat, run: Run, socket: &Socket, at: SocketAddr) -> io::Result<Bound> {
        let address = address_of(socket, at)?;
        let cookie = socket.cookie()?;
        if let Some(kept) = self.kept.iter_mut().find(|kept| kept.cookie == cookie) {
            // A signal made the program repeat the call that was being answered.
            kept.run = run;
            return Ok(Bound::Own);
        }
        if let Some(kept) =
            self.kept.iter_mut().find(|kept| kept.seat == seat && kept.address == address && kept.exact == at)
        {
            // Both descriptors of the worker shared one open file before; now it shares the kept one's.
            kept.socket.set_nonblocking(socket.nonblocking()?)?;
            kept.run = run;
            return Ok(Bound::Instead(kept.socket.try_clone()?));
        }
        let (kept, bound) = if socket.protocol()? == Some(Protocol::MPTCP) {
            // The kernel takes no steering program for these, and a load balancer speaks plain TCP.
            let plain = plain_like(socket, at)?;
            (plain.try_clone()?, Bound::Instead(plain))
        } else {
            (socket.try_clone()?, Bound::Own)
        };
        bind_shared(&kept, at, self.kept.is_empty())?;
        self.keep(seat, run, kept, address, at)?;
        Ok(bound)
    }

    fn keep(&mut self, seat: Seat, run: Run, socket: Socket, address: Address, exact: SocketAddr) -> io::Result<()> {
        let cookie = socket.cookie()?;
        self.kept.push(Kept { seat, address, exact, socket, cookie, run });
        Ok(())
    }

    /// `listen` on a kept socket; `None` when `socket` is not one. The kernel is told whom to steer to before this returns.
    pub fn listen(&mut self, socket: &Socket, backlog: i32) -> Option<io::Result<()>> {
        let cookie = socket.cookie().ok()?;
        let place = self.kept.iter().position(|kept| kept.cookie == cookie)?;
        Some(self.listen_at(place, backlog))
    }

    fn listen_at(&mut self, place: usize, backlog: i32) -> io::Result<()> {
        // Whoever fell silent unnoticed (a worker may shut its socket down) left the group before this one enters it.
        self.forget_silent();
        let kept = &self.kept[place];
        kept.socket.listen(backlog)?;
        self.steering.listening(kept.address, kept.seat);
        self.steer()
    }

    /// A listening socket of the seat that the agent opens itself (socket activation), kept like the others.
    ///
    /// # Errors
    /// What `bind` says.
    pub fn open(&mut self, seat: Seat) -> io::Result<OwnedFd> {
        let run = self.begin_run();
        let place = match self.kept.iter().position(|kept| kept.seat == seat) {
            Some(place) => place,
            None => {
                let (socket, at) = listener_anywhere(self.port, self.kept.is_empty())?;
                let address = address_of(&socket, at)?;
                self.keep(seat, run, socket, address, at)?;
                self.kept.len() - 1
            }
        };
        self.kept[place].run = run;
        self.kept[place].socket.set_nonblocking(false)?;
        self.listen_at(place, BACKLOG)?;
        Ok(self.kept[place].socket.try_clone()?.into())
    }

    /// Whether the seat gets new connections. Who begins to serve gives up what only a forerunner in the seat had bound.
    ///
    /// # Errors
    /// When the kernel takes no new program: the old one stays.
    pub fn set_serving(&mut self, seat: Seat, serving: bool) -> io::Result<()> {
        if serving && let Some(run) = self.kept.iter().filter(|kept| kept.seat == seat).map(|kept| kept.run.0).max() {
            self.close(|kept| kept.seat == seat && kept.run.0 < run);
        }
        self.steering.set_serving(seat, serving);
        self.forget_silent();
        self.steer()
    }

    /// Closes all sockets of the seat. What waits in them goes to the others of its group where `tcp_migrate_req` is set
    /// and is reset where it is not. A worker that still lives is left with a dead socket.
    ///
    /// # Errors
    /// When the kernel takes no new program.
    pub fn release(&mut self, seat: Seat) -> io::Result<()> {
        self.steering.set_serving(seat, false);
        self.close(|kept| kept.seat == seat);
        self.forget_silent();
        self.steer()
    }

    fn close(&mut self, chosen: impl Fn(&Kept) -> bool) {
        self.forget_silent();
        for kept in self.kept.extract_if(.., |kept| chosen(kept)) {
            // Closing alone would not do: whoever else still has it open would keep it in the group, and our table would be wrong.
            let _ = kept.socket.shutdown(Shutdown::Both);
            self.steering.closed(kept.address, kept.seat);
        }
    }

    /// Brings the table in line with sockets that stopped listening by themselves.
    fn forget_silent(&mut self) {
        for kept in &self.kept {
            if self.steering.index(kept.address, kept.seat).is_some() && !kept.socket.is_listener().unwrap_or(false) {
                self.steering.closed(kept.address, kept.seat);
            }
        }
    }

    fn steer(&self) -> io::Result<()> {
        for address in self.steering.addresses() {
            let first = self.steering.members(address).first();
            if let Some(kept) = self.kept.iter().find(|kept| kept.address == address && Some(&kept.seat) == first) {
                steer::attach(kept.socket.as_fd(), &self.steering.program(address))?;
            }
        }
        Ok(())
    }

    /// How a probe reaches the seat; `None` while it listens nowhere.
    pub fn route(&self, seat: Seat) -> Option<Route> {
        let listening = |kept: &&Kept| kept.seat == seat && self.steering.index(kept.address, seat).is_some();
        let best = self.kept.iter().filter(listening).max_by_key(|kept| kept.address.fits_loopback())?;
        let index = self.steering.index(best.address, seat)?;
        let fit = best.address.fits_loopback();
        // The kernel prefers the narrower group, whoever is in it: between releases that listen differently there are two.
        let shadowed = self.steering.addresses().any(|address| address.fits_loopback() > fit);
        let steered =
            |ip: Ipv4Addr| Route { to: SocketAddr::new(ip.into(), self.port), from: Some(probe_source(index)) };
        Some(match best.exact {
            SocketAddr::V4(exact) if fit.is_none() => steered(*exact.ip()),
            SocketAddr::V4(_) if shadowed => steered(Ipv4Addr::new(127, 0, 0, 2)),
            SocketAddr::V6(mut exact) if fit.is_none() || shadowed => {
                if exact.ip().is_unspecified() {
                    exact.set_ip(Ipv6Addr::LOCALHOST);
                }
                Route { to: exact.into(), from: None }
            }
            _ => steered(Ipv4Addr::LOCALHOST),
        })
    }

    /// Connections that wait for the seat to accept them, and how many may; the fullest socket counts.
    pub fn queue(&self, seat: Seat) -> Option<(u32, u32)> {
        let queues =
            self.kept.iter().filter(|kept| kept.seat == seat).filter_map(|kept| {
                kept.socket.is_listener().ok()?.then(|| sys::accept_queue(kept.socket.as_fd()).ok())?
            });
        queues.max()
    }
}

#[cfg(test)]
mod tests;
