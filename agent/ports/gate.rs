//! One worker's gate attended: each waiting call is looked at, answered, and told of.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use nix::errno::Errno;
use tokio::sync::mpsc;

use super::caller::{self, Duplicate};
use super::listeners::{Bound, Run};
use super::notify::{Answer, Call, Gate, Wish};
use super::sockets::is_tcp;
use super::{PortEvent, PortKeeper, owner};
use crate::decide::steering::Seat;

/// Who stands at the gate.
#[derive(Debug)]
pub(super) struct Attendant<'a> {
    pub(super) keeper: &'a PortKeeper,
    pub(super) seat: Seat,
    pub(super) run: Run,
    pub(super) gate: Gate,
    pub(super) events: mpsc::Sender<PortEvent>,
}

impl Attendant<'_> {
    /// Ends when nobody is left behind the gate.
    pub(super) async fn serve(self) -> io::Result<()> {
        while let Some(call) = self.gate.next().await? {
            let (answer, event) = self.decide(&call);
            self.gate.answer(&call, answer)?;
            if let Some(event) = event {
                self.tell(event).await;
            }
        }
        Ok(())
    }

    fn decide(&self, call: &Call) -> (Answer, Option<PortEvent>) {
        match call.wish {
            Wish::BindOther => (Answer::Continue, None),
            Wish::Bind(at) if at.port() != self.keeper.port() => (Answer::Continue, None),
            Wish::Bind(at) => self.with_socket(call, |found| self.bind(call, found, at)),
            Wish::Listen { backlog } => self.with_socket(call, |found| self.listen(found, backlog)),
        }
    }

    /// A socket that cannot be had is left to the kernel, but not silently.
    fn with_socket(
        &self,
        call: &Call,
        task: impl FnOnce(&Duplicate) -> (Answer, Option<PortEvent>),
    ) -> (Answer, Option<PortEvent>) {
        match caller::duplicate(call.thread, call.descriptor) {
            Ok(found) if self.gate.is_alive(call) => task(&found),
            Ok(_) => (Answer::Continue, None),
            // Not a socket at all, or a caller that has gone: the kernel says so itself.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::ESRCH | libc::ENOENT)) => {
                (Answer::Continue, None)
            }
            Err(error) => (Answer::Continue, Some(PortEvent::Unwatched { seat: self.seat, error })),
        }
    }

    fn bind(&self, call: &Call, found: &Duplicate, at: SocketAddr) -> (Answer, Option<PortEvent>) {
        let bound = self.keeper.with(|listeners| {
            listeners.concerns(&found.socket, at).then(|| listeners.bind(self.seat, self.run, &found.socket, at))
        });
        match bound {
            None => (Answer::Continue, None),
            Some(Ok(Bound::Own)) => (Answer::Done, None),
            Some(Ok(Bound::Instead(socket))) => match self.gate.place(call, socket.as_fd(), found.close_on_exec) {
                Ok(()) => (Answer::Done, None),
                Err(error) => self.refuse(error),
            },
            Some(Err(error)) => self.refuse(error),
        }
    }

    fn listen(&self, found: &Duplicate, backlog: i32) -> (Answer, Option<PortEvent>) {
        match self.keeper.with(|listeners| listeners.listen(&found.socket, backlog)) {
            Some(Ok(())) => (Answer::Done, Some(PortEvent::Listening { seat: self.seat, pid: found.pid })),
            Some(Err(error)) => self.refuse(error),
            None => (Answer::Continue, self.elsewhere(found)),
        }
    }

    fn elsewhere(&self, found: &Duplicate) -> Option<PortEvent> {
        let address = is_tcp(&found.socket).then(|| found.socket.local_addr().ok()?.as_socket())?;
        let address = address.filter(|address| address.port() != 0)?;
        Some(PortEvent::ListeningElsewhere { seat: self.seat, pid: found.pid, address })
    }

    fn refuse(&self, error: io::Error) -> (Answer, Option<PortEvent>) {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EINVAL));
        (Answer::Deny(errno), Some(PortEvent::Refused { seat: self.seat, error, owner: None }))
    }

    async fn tell(&self, event: PortEvent) {
        let event = match event {
            PortEvent::Refused { seat, error, .. } if error.kind() == io::ErrorKind::AddrInUse => {
                let port = self.keeper.port();
                // A walk through /proc: not for the thread that answers the other workers.
                let owner = tokio::task::spawn_blocking(move || owner::find(port)).await.unwrap_or(None);
                PortEvent::Refused { seat, error, owner }
            }
            other => other,
        };
        // A supervisor that no longer listens has given the worker up; its calls are answered to the end all the same.
        let _ = self.events.send(event).await;
    }
}
