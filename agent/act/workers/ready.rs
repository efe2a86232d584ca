//! "Spawned" is not "ready": a worker is ready once it listens on the port it should and its probe passes.

use std::net::SocketAddr;
use std::time::Duration;

use nix::unistd::Pid;
use tokio::sync::mpsc;
use tracing::debug;

use super::recipe::Recipe;
use crate::config::Share;
use crate::decide::ids::Slot;
use crate::decide::steering::Seat;
use crate::ports::{PortEvent, PortKeeper};

/// A worker without a port is taken for ready when it has run so long.
const RUNS_FOR: Duration = Duration::from_secs(1);
/// One probe may take so long.
const PROBE_WITHIN: Duration = Duration::from_secs(5);
/// Between two probes: at first, and at most.
const PROBE_EVERY: Duration = Duration::from_millis(20);
const PROBE_EVERY_MOST: Duration = Duration::from_secs(1);

/// What a worker did at its gate, and what its probe said: the reasons it may not be ready for.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    listening: Option<Pid>,
    elsewhere: Option<SocketAddr>,
    refused: Option<String>,
    unwatched: Option<String>,
    probe: Option<String>,
}

impl Complaints {
    /// Takes in what happened at the gate.
    pub(super) fn hear(&mut self, event: PortEvent) {
        match event {
            PortEvent::Listening { pid, .. } => self.listening = Some(pid),
            PortEvent::ListeningElsewhere { address, .. } => self.elsewhere = Some(address),
            PortEvent::Refused { error, owner, .. } => {
                let owner = owner.map(|owner| format!("; {owner} has it")).unwrap_or_default();
                self.refused = Some(format!("the port could not be had: {error}{owner}"));
            }
            PortEvent::Unwatched { error, .. } => {
                self.unwatched = Some(format!("its socket could not be looked at: {error}"));
            }
        }
    }

    /// The process that called `listen` on the app port.
    pub(super) fn listener(&self) -> Option<Pid> {
        self.listening
    }

    /// What is known against it.
    pub(super) fn told(&self) -> Option<String> {
        self.refused.clone().or_else(|| self.unwatched.clone()).or_else(|| self.probe.clone())
    }

    /// Why it is not ready in time, in words.
    pub(super) fn not_ready(&self, recipe: &Recipe, slot: Slot) -> String {
        let within = humantime::format_duration(recipe.ready_timeout);
        match (self.listening, self.told(), self.elsewhere) {
            (_, Some(told), _) => format!("not ready within {within}: {told}"),
            (None, None, Some(address)) => format!(
                "not ready within {within}: the program listens on {address}, but `app.port` is {}: set one to the other, \
                 or let the program listen on the port in PORT",
                recipe.port
            ),
            _ => format!(
                "not ready within {within} (`workers.ready_timeout`): waited until the program listens on port {}",
                recipe.port_of(slot)
            ),
        }
    }
}

/// Returns once the worker is ready; it never says no: whoever calls has a time limit.
pub(super) async fn until_ready(
    recipe: &Recipe,
    keeper: &PortKeeper,
    seat: Seat,
    inbox: &mut mpsc::Receiver<PortEvent>,
    complaints: &mut Complaints,
) {
    match recipe.share {
        Share::None => return tokio::time::sleep(RUNS_FOR).await,
        Share::SocketActivation => {}
        Share::Transparent | Share::Ports => {
            while complaints.listener().is_none() {
                match inbox.recv().await {
                    Some(event) => complaints.hear(event),
                    None => return std::future::pending().await,
                }
            }
        }
    }
    let Some(path) = &recipe.probe else {
        if recipe.share == Share::SocketActivation {
            // Its socket was there before it: that it runs is all that can be seen without a probe.
            tokio::time::sleep(RUNS_FOR).await;
        }
        return;
    };
    let mut every = PROBE_EVERY;
    loop {
        match keeper.probe(seat, path, PROBE_WITHIN).await {
            Ok(_) => {
                complaints.probe = None;
                return;
            }
            Err(error) => {
                debug!(slot = seat.slot.0, "slot {}: the probe failed: {error}", seat.slot);
                complaints.probe =
                    Some(format!("the probe of {path} (`health.probe`) failed: {}", crate::words::chain(&error)));
            }
        }
        tokio::time::sleep(every).await;
        every = (every * 2).min(PROBE_EVERY_MOST);
    }
}
