//! The loop: one event in, one decision, its effects out. Every change of phase is logged here, once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::decide::event::{Effect, Event};
use crate::decide::life::Life;
use crate::decide::phase::Phase;
use crate::seen::Seen;

/// The loop turns at least so often, so that the watchdog sees it alive.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// Carries effects out. Must not wait: what takes time goes on in tasks and is answered by an event.
pub trait Hands {
    /// Does it, or starts doing it.
    fn perform(&mut self, effect: Effect);
}

/// Runs until the life says that the agent may leave, or nobody can send events any more.
pub async fn run(
    mut life: Life,
    clock: Clock,
    mut events: mpsc::Receiver<Event>,
    hands: &mut impl Hands,
    seen: &watch::Sender<Seen>,
) {
    loop {
        let nap = clock.instant(clock.uptime() + LONGEST_NAP);
        let wake = life.wake_at().map_or(nap, |at| clock.instant(at).min(nap));
        let event = tokio::select! {
            event = events.recv() => match event {
                Some(event) => event,
                None => return,
            },
            () = tokio::time::sleep_until(wake) => Event::Tick,
        };
        let before = (life.phase(), life.reason());
        let effects;
        (life, effects) = life.step(event, clock.now());
        log_transition(before.0, before.1.as_deref(), &life);
        seen.send_modify(|seen| {
            seen.life = Arc::new(life.clone());
            seen.turns = seen.turns.wrapping_add(1);
        });
        for effect in effects {
            if effect == Effect::Leave {
                return;
            }
            hands.perform(effect);
        }
    }
}

fn log_transition(before: Phase, reason_before: Option<&str>, life: &Life) {
    let (phase, was) = (life.phase().word(), before.word());
    let release = life.release().map(ToString::to_string).unwrap_or_default();
    let reason = life.reason();
    let reason = reason.as_deref();
    let why = reason.map(|why| format!(": {why}")).unwrap_or_default();
    if phase != was {
        match life.phase() {
            Phase::Failed { .. } => {
                error!(event = "phase", phase, was, release, reason, "{was} → {phase}, the instance cannot serve{why}")
            }
            Phase::Degraded => warn!(event = "phase", phase, was, release, reason, "{was} → {phase}{why}"),
            _ => info!(event = "phase", phase, was, release, reason, "{was} → {phase}{why}"),
        }
    } else if let Some(reason) = reason.filter(|_| reason != reason_before) {
        // The rest of it was told with the event that brought it about, and a crash loop brings it again and again.
        let reason = reason.lines().next().unwrap_or_default();
        if life.phase().leaving() {
            info!(event = "reason", phase, release, reason, "{phase}: {reason}");
        } else {
            warn!(event = "reason", phase, release, reason, "{phase}: {reason}");
        }
    }
}
