//! The control socket: HTTP over a Unix socket that only root and the group `herdsman` may open.

pub mod api;
pub mod client;
pub mod server;
mod status;
