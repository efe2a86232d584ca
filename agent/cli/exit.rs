//! Exit codes, and how a failed command says what happened. The codes are documented in `herdsman --help` and stay as they are.

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use crate::config::Problems;
use crate::control::client::ClientError;

/// It worked.
pub(super) const OK: u8 = 0;
/// It failed.
pub(super) const FAILED: u8 = 1;
/// The configuration or the command line is wrong.
pub(super) const USAGE: u8 = 2;
/// No agent is running here.
pub(super) const NO_AGENT: u8 = 3;
/// The agent runs, but the instance is not serving.
pub(super) const NOT_SERVING: u8 = 4;

/// The command line asks for something that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// Prints the error, if it is one, and gives the exit code that fits it.
pub(super) fn report(result: anyhow::Result<u8>) -> ExitCode {
    let code = match result {
        Ok(code) => code,
        Err(error) => {
            // Who has closed the stream does not want to read it; the exit code still says how it went.
            let _ = writeln!(std::io::stderr(), "herdsman: {}", crate::words::chain(error.as_ref()));
            code_of(&error)
        }
    };
    code.into()
}

fn code_of(error: &anyhow::Error) -> u8 {
    if error.is::<Problems>() || error.is::<Usage>() {
        return USAGE;
    }
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::NotRunning(_)) => NO_AGENT,
        Some(
            ClientError::Forbidden(_)
            | ClientError::Stuck(_)
            | ClientError::Refused(_)
            | ClientError::Version { .. }
            | ClientError::Transport { .. },
        )
        | None => FAILED,
    }
}

/// Runs a command, or a part of one, on a runtime of its own.
pub(super) fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}
