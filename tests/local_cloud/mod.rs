//! An Auto Scaling group on this machine: its API, its balancer's view, and an IMDS of its own for each instance.
//!
//! For tests (`LocalCloud::start`) and, as the program `local-cloud`, for people. It imitates the documented rules alone; the referees under
//! `tests/referees/` are there because it was written by the people whom it examines. Everything listens on loopback.

// Each program that uses this module uses a part of it.
#![allow(dead_code, unused_imports)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod action;
mod autoscaling;
mod calls;
mod control;
mod faults;
mod http;
mod imds;
mod options;
mod server;
mod state;
mod world;

pub use calls::Call;
pub use faults::{ApiFaults, ImdsFaults};
pub use imds::{ACCOUNT, ROLE};
pub use options::{HookSpec, InstanceOptions, LAUNCHING, Options, TERMINATING};
pub use server::LocalCloud;
pub use state::{Balancer, Group, Member, Refusal, Wish};
pub use world::Instance;
