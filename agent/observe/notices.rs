//! What the group plans with this instance: the target lifecycle state in the metadata, looked at every two seconds, told when it changes.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::cloud::imds::Imds;
use crate::decide::event::Event;

/// The metadata service is on the machine's own host, and allows far more; the group's order should not wait.
const EVERY: Duration = Duration::from_secs(2);
/// One look may take so long before it counts as failed.
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// Watches for ever. Failures are told once until they end: the agent goes on with what it last knew.
pub async fn watch(imds: Rc<Imds>, events: mpsc::Sender<Event>) {
    let mut last = None;
    let mut failing = false;
    loop {
        match imds.target_lifecycle_state(Instant::now() + LOOK_WITHIN).await {
            Ok(target) => {
                if failing {
                    info!("the metadata service answers again");
                    failing = false;
                }
                if let Some(target) = target.filter(|target| last.as_ref() != Some(target)) {
                    info!(target_lifecycle_state = %target, "the group is taking the instance to {target}");
                    last = Some(target.clone());
                    if events.send(Event::Target(target)).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) if failing => debug!("the metadata service still does not answer: {error}"),
            Err(error) => {
                failing = true;
                warn!("the target lifecycle state cannot be read, asking on: {}", crate::words::chain(&error));
            }
        }
        tokio::time::sleep(EVERY.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
    }
}
