//! One task, one worker: it starts it, waits until it is ready, replaces it when it ends, and stops it. Nobody else touches the process.

pub mod crew;
mod output;
mod ready;
pub mod recipe;
mod slot;
mod stop;
