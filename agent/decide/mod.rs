//! What to do next: pure functions over values.
//!
//! Nothing here waits, reads a clock, touches the world, logs or rolls dice: time and jitter come in as values, wishes go out as values.

pub mod ids;
