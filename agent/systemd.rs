//! What systemd is told: READY, STATUS, STOPPING, WATCHDOG, EXTEND_TIMEOUT (sd_notify(3)). Nothing is decided here.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::decide::phase::Phase;
use crate::seen::Seen;

/// A long start or stop is extended by so much, again and again as long as it goes on.
const EXTEND_BY: Duration = Duration::from_secs(60);
/// How often; well before the extension ends.
const EXTEND_EVERY: Duration = Duration::from_secs(15);

/// Tells systemd how things stand until the loop ends; does nothing where systemd does not listen.
pub async fn notify(mut seen: watch::Receiver<Seen>) {
    let watchdog = sd_notify::watchdog_enabled();
    let mut told = Told::default();
    let mut extend = tokio::time::interval(EXTEND_EVERY);
    extend.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        {
            let now = seen.borrow_and_update();
            told.update(&now, watchdog);
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            _ = extend.tick() => told.extend(),
        }
    }
}

#[derive(Default)]
struct Told {
    status: String,
    ready: bool,
    stopping: bool,
    turns: u64,
    last_ping: Option<tokio::time::Instant>,
}

impl Told {
    fn update(&mut self, seen: &Seen, watchdog: Option<Duration>) {
        let life = &seen.life;
        let status = status_line(seen);
        let mut states = Vec::new();
        if status != self.status {
            states.push(NotifyState::Status(&status));
        }
        if !self.ready && life.phase().settled() {
            self.ready = true;
            states.push(NotifyState::Ready);
        }
        if !self.stopping && life.phase().leaving() && life.stop_asked() {
            self.stopping = true;
            states.push(NotifyState::Stopping);
            states.push(NotifyState::ExtendTimeoutUsec(micros(EXTEND_BY)));
        }
        if let Some(every) = watchdog {
            // Only a turn of the driver's loop feeds the watchdog: this task may live on when the loop does not.
            let due = self.last_ping.is_none_or(|at| at.elapsed() >= every / 4);
            if due && seen.turns != self.turns {
                self.turns = seen.turns;
                self.last_ping = Some(tokio::time::Instant::now());
                states.push(NotifyState::Watchdog);
            }
        }
        send(&states);
        self.status = status;
    }

    fn extend(&self) {
        if !self.ready || self.stopping {
            send(&[NotifyState::ExtendTimeoutUsec(micros(EXTEND_BY))]);
        }
    }
}

fn status_line(seen: &Seen) -> String {
    let life = &seen.life;
    let phase = life.phase();
    let mut line = phase.word().to_owned();
    if let Some(release) = life.release() {
        line.push_str(&format!(", release {release}"));
    }
    if matches!(phase, Phase::Starting | Phase::InService | Phase::Degraded) {
        line.push_str(&format!(", {} of {} workers ready", life.workers().ready(), life.wanted()));
    }
    if let Some(reason) = life.reason() {
        let first = reason.lines().next().unwrap_or_default();
        line.push_str(&format!(": {}", first.chars().take(300).collect::<String>()));
    }
    line
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn send(states: &[NotifyState<'_>]) {
    if states.is_empty() {
        return;
    }
    if let Err(error) = sd_notify::notify(states) {
        debug!("systemd was not told: {error}");
    }
}
