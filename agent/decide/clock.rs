//! Time and chance as values: whoever decides is told what time it is and how the dice fell.

use std::ops::Add;
use std::time::Duration;

/// Time since the agent started; never goes back, whatever happens to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Uptime(pub Duration);

impl Uptime {
    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Uptime {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }
}

/// The moment of a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// What time it is.
    pub at: Uptime,
    /// A fresh number from 0 to 1, so that many instances do not do the same thing at the same time.
    pub jitter: f64,
}

/// A delay that doubles with each try, up to a cap, spread by a quarter either way.
///
/// `tries` counts from 0: the first delay is `first`.
#[must_use]
pub fn backoff(first: Duration, cap: Duration, tries: u32, jitter: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(tries.min(30))).min(cap);
    doubled.mul_f64(0.75 + 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    #[test]
    fn a_backoff_doubles_up_to_its_cap() {
        let delays: Vec<u64> = (0..7).map(|tries| backoff(SEC, 30 * SEC, tries, 0.5).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_backoff_is_spread_by_a_quarter() {
        assert_eq!(backoff(4 * SEC, 30 * SEC, 0, 0.0), 3 * SEC);
        assert_eq!(backoff(4 * SEC, 30 * SEC, 0, 1.0), 5 * SEC);
        assert_eq!(backoff(4 * SEC, 30 * SEC, u32::MAX, 0.5), 30 * SEC);
    }
}
