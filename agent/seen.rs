//! What others see of the driver's loop: the last decision, and that the loop is alive.

use std::sync::Arc;

use crate::decide::life::Life;

/// What others see of the loop.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What is known and decided.
    pub life: Arc<Life>,
    /// Counts the turns of the loop: it grows as long as the loop is alive.
    pub turns: u64,
}
