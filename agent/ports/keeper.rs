//! The keeper of the app port: what a supervisor sees of this directory.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::mpsc;

use super::gate::Attendant;
use super::listeners::Listeners;
use super::notify::Gate;
use super::probe::{self, ProbeError};
use super::{PortEvent, Waiting};
use crate::decide::ids::Slot;
use crate::decide::steering::Seat;

/// Keeps the listening sockets of one port, lets workers share them, and steers. A handle: clones speak of the same port.
#[derive(Debug, Clone)]
pub struct PortKeeper {
    port: u16,
    // Held for a few system calls, never across an await.
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    listeners: Listeners,
    seats: u32,
}

impl PortKeeper {
    /// The keeper of `port`, which is nobody's yet.
    pub fn new(port: u16) -> Self {
        Self { port, inner: Arc::new(Mutex::new(Inner { listeners: Listeners::new(port), seats: 0 })) }
    }

    /// The port kept.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new seat for a worker of `slot`. The replacement of a crashed worker takes its forerunner's seat instead.
    pub fn seat(&self, slot: Slot) -> Seat {
        let mut inner = self.lock();
        inner.seats += 1;
        Seat { slot, number: inner.seats }
    }

    /// Answers the calls of the worker in `seat` until its whole process tree has gone. Somebody must drive this from the moment
    /// the worker is spawned; dropped earlier, the worker can neither `bind` nor `listen` any more. A full `events` makes its next
    /// call wait.
    ///
    /// # Errors
    /// When the notification descriptor fails.
    pub async fn serve_gate(&self, seat: Seat, gate: Gate, events: mpsc::Sender<PortEvent>) -> io::Result<()> {
        let run = self.with(Listeners::begin_run);
        Attendant { keeper: self, seat, run, gate, events }.serve().await
    }

    /// A listening socket of the seat for a worker that takes it as descriptor 3 (`Launch::handed`).
    ///
    /// # Errors
    /// When the port is taken, or may not be had.
    pub fn open(&self, seat: Seat) -> io::Result<OwnedFd> {
        self.with(|listeners| listeners.open(seat))
    }

    /// Whether the worker in `seat` gets new connections. While nobody does, every listening worker gets them.
    ///
    /// To be taken back before a worker is asked to stop: though it closes its socket, the duplicate kept here goes on taking
    /// connections, for a replacement that may not come.
    ///
    /// # Errors
    /// When the kernel takes no new program: the steering stays as it was.
    pub fn set_serving(&self, seat: Seat, serving: bool) -> io::Result<()> {
        self.with(|listeners| listeners.set_serving(seat, serving))
    }

    /// Asks the worker in `seat`, and no other (but see `ports::probe` on IPv6), for `path`.
    ///
    /// # Errors
    /// Anything but a 2xx or 3xx answer in time.
    pub async fn probe(&self, seat: Seat, path: &str, within: Duration) -> Result<StatusCode, ProbeError> {
        let route = self.with(|listeners| listeners.route(seat)).ok_or(ProbeError::NotListening { port: self.port })?;
        probe::probe(route, path, within).await
    }

    /// How many connections wait for the worker in `seat`; `None` while it does not listen.
    pub fn waiting(&self, seat: Seat) -> Option<Waiting> {
        self.with(|listeners| listeners.queue(seat)).map(|(now, most)| Waiting { now, most })
    }

    /// Gives the seat up and closes its sockets: after a crash loop, or when a retired worker has gone. Connections that wait in
    /// them move to the other workers where [`super::let_connections_move`] worked, else they are reset.
    ///
    /// # Errors
    /// When the kernel takes no new program.
    pub fn release(&self, seat: Seat) -> io::Result<()> {
        self.with(|listeners| listeners.release(seat))
    }

    /// Does something short with the sockets.
    pub(super) fn with<T>(&self, task: impl FnOnce(&mut Listeners) -> T) -> T {
        task(&mut self.lock().listeners)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The table is whole between any two of its own calls, so a panic elsewhere does not spoil it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
