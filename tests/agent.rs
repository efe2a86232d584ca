//! The real agent with real programs on a machine without a cloud: what a user sees of it, good days and bad.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test program: to panic is how it reports"
)]

#[path = "agent/builds.rs"]
mod builds;
#[path = "agent/commands.rs"]
mod commands;
#[path = "agent/crashes.rs"]
mod crashes;
#[path = "agent/failures.rs"]
mod failures;
#[path = "agent/faults.rs"]
mod faults;
#[path = "agent/health.rs"]
mod health;
#[path = "agent/losses.rs"]
mod losses;
#[path = "agent/machine.rs"]
mod machine;
#[path = "agent/programs.rs"]
mod programs;
#[path = "agent/remote.rs"]
mod remote;
#[path = "agent/service.rs"]
mod service;
#[path = "agent/serving.rs"]
mod serving;
#[path = "agent/sharing.rs"]
mod sharing;
#[path = "agent/signals.rs"]
mod signals;
#[path = "agent/sources.rs"]
mod sources;
#[path = "support/agent.rs"]
#[allow(dead_code, unused_imports, reason = "each program that uses this module uses a part of it")]
mod support;
