//! What to do next: pure functions over values.
//!
//! Nothing here waits, reads a clock, touches the world, logs or rolls dice: time and jitter come in as values, wishes go out as values.

pub mod aws;
pub mod clock;
mod drain;
pub mod event;
pub mod health;
pub mod hook;
pub mod ids;
pub mod life;
#[cfg(test)]
mod life_tests;
pub mod phase;
pub mod restart;
pub mod steering;
pub mod workers;
