//! Processes: whose rights they get, how they start, where their output goes, how they end, and what they leave behind.
//! Knows programs, not workers: policy (restart, stop, replace) is the supervisor's.

pub mod account;
pub mod cgroup;
pub mod error;
pub mod exit;
pub mod herd;
pub mod lines;
pub mod output;
pub mod running;
pub mod spawn;
pub mod table;
pub mod tree;

pub use account::{Account, AccountError};
pub use cgroup::{Cgroup, Cgroups};
pub use error::SpawnError;
pub use exit::Exit;
pub use herd::Herd;
pub use lines::{Line, LineSink, Stream, Tail};
pub use output::{Output, journal_stream};
pub use running::Process;
pub use spawn::{Launch, ProcessTag};
pub use tree::{Member, Tree};
