//! What `/health` answers, from what is known.

use super::life::Life;
use super::phase::Phase;

/// The answer, without its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether the load balancer may send requests: HTTP 200, else 503.
    pub serving: bool,
    /// One word: `ok`, `degraded`, `starting`, `warm`, `draining` or `failed`.
    pub status: &'static str,
}

/// In service with every worker, or with at least one.
#[must_use]
pub fn health(life: &Life) -> Health {
    let some_serve = life.workers().ready() > 0;
    let (serving, status) = match life.phase() {
        Phase::InService => (some_serve, "ok"),
        Phase::Degraded if some_serve => (true, "degraded"),
        Phase::Degraded | Phase::Failed { .. } => (false, "failed"),
        Phase::Identifying | Phase::Fetching { .. } | Phase::Building | Phase::Starting => (false, "starting"),
        Phase::Warm => (false, "warm"),
        Phase::LettingGo { .. } | Phase::Finishing { .. } | Phase::Drained | Phase::Released => (false, "draining"),
    };
    Health { serving, status }
}
