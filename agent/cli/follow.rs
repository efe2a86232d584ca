//! Follows an agent until it has come to where it was sent, and prints each step once.

use std::time::Duration;

use super::exit;
use super::screen::{Paint, harmless, say};
use super::status::mood;
use crate::control::api::Status;
use crate::control::client::{Client, ClientError};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// An agent that was just started has so long to open its socket.
const APPEARS_WITHIN: Duration = Duration::from_secs(20);

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// It serves, or has settled elsewhere.
    Settled {
        /// The agent that was there before and is being replaced: it is on its way out, and not the one to wait for.
        instead_of: Option<u32>,
    },
    /// Its workers are gone.
    Drained,
}

/// Follows; the exit code says whether it came to a good end.
pub(super) async fn follow(client: &Client, until: Until) -> anyhow::Result<u8> {
    let mut silent_since = tokio::time::Instant::now();
    let paint = Paint::detect();
    let (mut last, mut seen) = (String::new(), false);
    loop {
        match client.status().await {
            Ok(status) => {
                silent_since = tokio::time::Instant::now();
                let line = line(&status, paint);
                if line != last {
                    say(&line);
                    last = line;
                }
                let old = matches!(until, Until::Settled { instead_of: Some(pid) } if pid == status.agent.pid);
                if let (false, Some(code)) = (old, end(&status, until)) {
                    return Ok(code);
                }
                seen |= !old;
            }
            // An agent that leaves after its drain has done what was asked for.
            Err(ClientError::NotRunning(_)) if seen && until == Until::Drained => return Ok(exit::OK),
            Err(ClientError::NotRunning(_)) if !seen && silent_since.elapsed() < APPEARS_WITHIN => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn end(status: &Status, until: Until) -> Option<u8> {
    match (until, status.phase.as_str()) {
        (Until::Drained, "drained" | "released") => Some(exit::OK),
        (Until::Settled { .. }, "in-service" | "warm") => Some(exit::OK),
        (Until::Settled { .. }, "degraded") if status.health.http == 200 => Some(exit::OK),
        (Until::Settled { .. }, "failed" | "draining" | "drained" | "released") => Some(exit::FAILED),
        _ => None,
    }
}

fn line(status: &Status, paint: Paint) -> String {
    let mut line = format!("{:<11}", status.phase);
    line = paint.by(&line, mood(status));
    let ready = status.workers.iter().filter(|worker| worker.state == "ready").count();
    if !status.workers.is_empty() {
        line.push_str(&format!(" {ready} of {} workers ready", status.workers_wanted));
    }
    if let (Some(release), true) = (&status.release, status.workers.is_empty()) {
        line.push_str(&format!(" release {}", release.id));
    }
    if let Some(reason) = &status.reason {
        line.push_str(&format!(": {}", harmless(reason)));
    }
    line.trim_end().to_owned()
}
