//! When a worker that ended is started again: at once if it had lived well, ever later if it keeps failing, never not at all.

use std::time::Duration;

use super::clock::backoff;

/// A worker that was ready for so long had a good life: what ends it is news, not the next failure in a row.
const GOOD_LIFE: Duration = Duration::from_secs(10);
/// The delay after the second failure in a row; the first costs none.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// A crash loop is tried again no later than this: slowly, but for ever.
const MAX_DELAY: Duration = Duration::from_secs(30);
/// From so many failures in a row on it is called a crash loop.
const LOOP: u32 = 3;

/// The failures of one slot since its last good life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restarts {
    failures: u32,
}

impl Restarts {
    /// A worker ended unasked; `ready_for` is how long it had been ready (zero if it never was). Returns how long to wait.
    pub fn on_end(&mut self, ready_for: Duration, jitter: f64) -> Duration {
        if ready_for >= GOOD_LIFE {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        match self.failures {
            1 => Duration::ZERO,
            n => backoff(FIRST_DELAY, MAX_DELAY, n - 2, jitter).min(MAX_DELAY),
        }
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(self) -> u32 {
        self.failures
    }

    /// Whether this is a crash loop.
    #[must_use]
    pub fn looping(self) -> bool {
        self.failures >= LOOP
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_failure_costs_no_time_and_the_next_ever_more() {
        let mut restarts = Restarts::default();
        let delays: Vec<u128> = (0..10).map(|_| restarts.on_end(Duration::ZERO, 0.5).as_millis()).collect();
        assert_eq!(delays, [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert!(restarts.looping());
    }

    #[test]
    fn a_good_life_is_forgiven() {
        let mut restarts = Restarts::default();
        for _ in 0..8 {
            restarts.on_end(Duration::from_secs(9), 0.5);
        }
        assert_eq!(restarts.on_end(GOOD_LIFE, 0.5), Duration::ZERO);
        assert!(!restarts.looping());
    }

    proptest! {
        #[test]
        fn no_worker_is_given_up(lives in proptest::collection::vec((0_u64..60, 0.0..1.0_f64), 0..200)) {
            let mut restarts = Restarts::default();
            for (lived, jitter) in lives {
                prop_assert!(restarts.on_end(Duration::from_secs(lived), jitter) <= MAX_DELAY);
            }
        }
    }
}
