//! Blocking work with an end: a time-out for whoever waits, an interrupt flag for whoever works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::SourceError;

/// Raises the flag when whoever waited has gone (time-out, cancelled, done).
struct Interrupt(Arc<AtomicBool>);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What happens to work that is still busy when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// It may hang on the network: it is interrupted and left behind; it must not write where others do.
    Abandon,
    /// It is local and looks at the flag: it is interrupted and waited for, so that nobody writes after we returned.
    Await,
}

/// Runs `work` where it may block, for `within` at most.
///
/// # Errors
/// Those of `work`, and [`SourceError::TimedOut`].
pub(super) async fn bounded<T, W>(what: &str, within: Duration, late: Late, work: W) -> Result<T, SourceError>
where
    T: Send + 'static,
    W: FnOnce(&AtomicBool) -> Result<T, SourceError> + Send + 'static,
{
    let flag = Arc::new(AtomicBool::new(false));
    let interrupt = Interrupt(flag.clone());
    let mut running = tokio::task::spawn_blocking(move || work(&flag));
    let ended = match tokio::time::timeout(within, &mut running).await {
        Ok(ended) => ended,
        Err(_) => {
            drop(interrupt);
            if late == Late::Await {
                // What it says does not matter any more: it was cut short.
                let _ = running.await;
            }
            return Err(SourceError::TimedOut { what: what.to_owned(), after: within });
        }
    };
    match ended {
        Ok(result) => result,
        Err(join) => Err(SourceError::Broken { what: what.to_owned(), source: join }),
    }
}
