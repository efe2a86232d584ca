//! herdsman takes an EC2 instance of an Auto Scaling group from "booted" to "terminated".
//!
//! ```text
//!  world ──► observe/ ──Event──► driver ──► decide/ (pure) ──Effect──► driver ──► act/ ──► world
//!                                  ▲                                                │
//!                                  └───────────── Event (it worked / it failed) ────┘
//! ```
//! A module stands above what it uses; nothing points back up (`tests/architecture.rs` reads the sources and says so).
//! `decide` and `cloud` are the ground floor; `run` is the only place that wires everyone.

pub mod act;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod configured;
pub mod control;
pub mod decide;
pub mod driver;
pub mod facts;
pub mod logging;
pub mod observe;
pub mod paths;
pub mod ports;
pub mod process;
pub mod recent;
pub mod run;
pub mod seen;
pub mod source;
pub mod sys;
pub mod systemd;
pub mod tls;
pub mod words;
