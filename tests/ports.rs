//! One port, many workers: real programs, the real kernel.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

#[path = "ports/cases.rs"]
mod cases;
#[path = "ports/rig.rs"]
mod rig;
#[path = "ports/sharing.rs"]
mod sharing;
#[path = "ports/spawning.rs"]
mod spawning;
#[path = "ports/steering.rs"]
mod steering;
#[path = "ports/trees.rs"]
mod trees;
