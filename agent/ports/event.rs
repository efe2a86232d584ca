//! What the port has to tell a supervisor.

use std::io;
use std::net::SocketAddr;

use nix::unistd::Pid;

use super::owner::Owner;
use crate::decide::steering::Seat;

/// Something a worker did at its gate.
#[derive(Debug)]
pub enum PortEvent {
    /// It listens on the app port, from now on. Comes again when it calls `listen` again.
    Listening {
        /// Where it sits.
        seat: Seat,
        /// The process that called.
        pid: Pid,
    },
    /// It is about to listen for TCP at another address (and may do so besides the app port).
    ListeningElsewhere {
        /// Where it sits.
        seat: Seat,
        /// The process that called.
        pid: Pid,
        /// Where it listens.
        address: SocketAddr,
    },
    /// It could not have the app port, and has been told so.
    Refused {
        /// Where it sits.
        seat: Seat,
        /// What the kernel said.
        error: io::Error,
        /// Who has the port, when that is why and it could be found out.
        owner: Option<Owner>,
    },
    /// Its socket could not be looked at: its `bind` or `listen` went through unshared.
    Unwatched {
        /// Where it sits.
        seat: Seat,
        /// Why.
        error: io::Error,
    },
}

/// Connections that a worker has not yet accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many wait.
    pub now: u32,
    /// How many may.
    pub most: u32,
}
