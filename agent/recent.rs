//! The last lines of output that came through the agent, for `herdsman logs` where there is no journal. Bounded; nothing grows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// So many lines are kept.
const KEEP: usize = 1000;

/// The lines; a clone is another handle on the same.
#[derive(Debug, Clone, Default)]
pub struct Recent(Arc<Mutex<VecDeque<String>>>);

impl Recent {
    /// Adds a line, forgetting the oldest when there are too many.
    pub fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= KEEP {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
