//! One port, many workers: unmodified programs listen on it, the kernel spreads the connections, the agent accepts none.
//!
//! A worker's `bind` and `listen` wait at its gate until the agent has answered (`notify`, `gate`). The agent does them itself on a
//! duplicate of the worker's socket and keeps that duplicate (`listeners`), so that a crash loses no waiting connection and the
//! kernel's order of sockets is always known; from that order follows who gets new connections (`decide::steering`, `steer`) and how
//! to ask one worker alone (`probe`). Nothing here starts or ends a process.

pub mod caller;
pub mod event;
pub mod filter;
mod gate;
pub mod keeper;
pub mod listeners;
pub mod notify;
pub mod owner;
pub mod probe;
mod sockets;
pub mod steer;
pub mod support;

pub use event::{PortEvent, Waiting};
pub use keeper::PortKeeper;
pub use notify::Gate;
pub use probe::ProbeError;
pub use support::{INSTEAD, Unsupported, let_connections_move, supported};
