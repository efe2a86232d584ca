//! herdsman takes an EC2 instance of an Auto Scaling group from "booted" to "terminated".
//!
//! ```text
//!  world ──► observe/ ──Event──► driver ──► decide/ (pure) ──Effect──► driver ──► act/ ──► world
//!                                  ▲                                                │
//!                                  └───────────── Event (it worked / it failed) ────┘
//! ```
//! A module stands above what it uses; nothing points back up (`tests/architecture.rs` reads the sources and says so).
//! `decide` and `cloud` are the ground floor; `run` is the only place that wires everyone.

pub mod cloud;
pub mod config;
pub mod decide;
pub mod ports;
pub mod process;
pub mod source;
pub mod sys;
