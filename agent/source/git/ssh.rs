//! The `ssh` program: how it is called, and what its words mean.

use std::path::{Path, PathBuf};

use super::address::Address;
use crate::source::SourceError;

/// How many of its last lines are told.
const LINES: usize = 3;

/// The command, which writes its own words to `log`: they are then there, whole, when the connection ends. What the other
/// side says still goes to the agent's standard error.
///
/// It never prompts, and never sits on a connection that is dead. Host keys are checked as the machine's ssh configuration
/// says (the default refuses an unknown one): an instance has no memory in which "trust on first use" would pay off, so we
/// do not choose that for its owner, who bakes `/etc/ssh/ssh_known_hosts` into the image or decides otherwise in
/// `/etc/ssh/ssh_config.d/`.
pub(super) fn command(log: &Path) -> String {
    let log = log.to_string_lossy();
    format!(
        "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -E {}",
        shell_words::quote(&log)
    )
}

/// An error where the address needs the program and it is not there: the shell that starts it would only say so to itself.
pub(super) fn check(address: &Address) -> Result<(), SourceError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).map(|dir: PathBuf| dir.join("ssh")).any(|program| program.is_file());
    if address.is_ssh() && !there {
        return Err(SourceError::NoProgram { url: address.public().to_owned(), program: "ssh" });
    }
    Ok(())
}

/// The last lines it wrote, on one line; empty when it said nothing.
pub(super) fn said(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

/// What its words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The other side does not like our key.
    Key,
    /// We do not like the other side's key.
    HostKey,
    /// Anything else: the network, or nothing said at all.
    Other,
}

/// Reads the words of OpenSSH, which are English whatever the locale.
pub(super) fn meaning(said: &str) -> Meaning {
    if said.contains("Host key verification failed") {
        Meaning::HostKey
    } else if said.contains("Permission denied") || said.contains("Too many authentication failures") {
        Meaning::Key
    } else {
        Meaning::Other
    }
}
