//! Signals as events: SIGTERM and SIGINT ask the agent to end (the second one at once), SIGHUP does not kill it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::decide::event::Event;

/// The signals, caught from the moment this is made.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// Passes them on for ever.
    pub async fn pass_on(mut self, events: mpsc::Sender<Event>) {
        loop {
            let name = tokio::select! {
                _ = self.term.recv() => "SIGTERM",
                _ = self.int.recv() => "SIGINT",
                _ = self.hup.recv() => {
                    warn!("SIGHUP changes nothing: run `herdsman up` or restart the service to take a new configuration");
                    continue;
                }
            };
            info!(signal = name, "{name}: asked to stop");
            if events.send(Event::StopAsked).await.is_err() {
                return;
            }
        }
    }
}
