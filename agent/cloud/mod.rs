//! Clients of AWS: they know its APIs and nothing of our phases.
//!
//! A client says what AWS said, or why it could not ask. When to ask, and what follows from an answer, is for others.

pub mod autoscaling;
pub mod dmi;
pub mod imds;

pub use autoscaling::{ApiError, AutoScaling};
pub use dmi::is_ec2;
pub use imds::{Identity, Imds, ImdsError, Timeouts};
