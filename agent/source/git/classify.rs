//! From what the git client says to what it means for us: try again, or tell a human.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use super::address::Address;
use super::ssh::{self, Meaning};
use crate::source::SourceError;

/// What was being done when it went wrong.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) address: &'a Address,
    /// Where the client was writing.
    pub(super) cache: &'a Path,
    /// The remote had asked for credentials.
    pub(super) asked: bool,
    /// What the `ssh` program said.
    pub(super) ssh: &'a str,
}

/// What the errors below an error add up to.
#[derive(Debug, Default)]
struct Seen {
    status: Option<u16>,
    disk_full: bool,
    network: bool,
    deepest: String,
}

pub(super) fn classify(error: gix::Error, context: Context<'_>) -> SourceError {
    let mut seen = Seen::default();
    visit(&error, &mut seen, 0);
    let url = context.address.public().to_owned();
    let detail = match seen.status {
        Some(status) => format!("HTTP {status}"),
        None => seen.deepest,
    };
    if seen.disk_full {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        return SourceError::DiskFull { dir: context.cache.to_owned(), source };
    }
    if context.address.is_ssh() && (seen.network || !context.ssh.is_empty()) {
        let detail = match context.ssh {
            "" => "the other side ended the session; why is on the agent's standard error".to_owned(),
            said => said.to_owned(),
        };
        return match ssh::meaning(context.ssh) {
            Meaning::Key => SourceError::Authentication { url, detail, source: Some(error) },
            Meaning::HostKey => SourceError::HostKey { url, detail, source: error },
            Meaning::Other => SourceError::Unreachable { url, detail, source: error },
        };
    }
    if context.asked {
        return SourceError::Authentication { url, detail, source: Some(error) };
    }
    match seen.status {
        Some(401 | 403 | 407) => SourceError::Authentication { url, detail, source: Some(error) },
        Some(404 | 410) => SourceError::NotFound { url, detail, source: Some(error) },
        Some(408 | 425 | 429 | 500..=599) => SourceError::Unreachable { url, detail, source: error },
        Some(_) => SourceError::Refused { url, detail, source: error },
        None if seen.network => SourceError::Unreachable { url, detail, source: error },
        None => SourceError::Refused { url, detail, source: error },
    }
}

/// Looks at an error and all below it. `std::io::Error` hides what it wraps from `source()`, and a tree of gix errors has
/// more than one branch, so both are opened by hand.
fn visit(error: &(dyn StdError + 'static), seen: &mut Seen, depth: u8) {
    if depth > 32 {
        return;
    }
    note(error, seen);
    if let Some(io) = error.downcast_ref::<io::Error>() {
        if let Some(inner) = io.get_ref() {
            visit(inner, seen, depth + 1);
        }
    } else if let Some(tree) = error.downcast_ref::<gix::Error>() {
        for one in tree.iter_errors().filter(|one| !one.is::<gix::Error>()) {
            visit(one, seen, depth + 1);
        }
    } else if let Some(source) = error.source() {
        visit(source, seen, depth + 1);
    }
}

fn note(error: &(dyn StdError + 'static), seen: &mut Seen) {
    if !error.is::<gix::Error>() {
        let text = error.to_string();
        if !text.is_empty() {
            seen.deepest = text;
        }
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        match io.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => seen.disk_full = true,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::TimedOut
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Interrupted => seen.network = true,
            _ => {}
        }
    }
    if let Some(http) = error.downcast_ref::<reqwest::Error>() {
        seen.status = seen.status.or(http.status().map(|status| status.as_u16()));
        seen.network |=
            http.is_connect() || http.is_timeout() || http.is_request() || http.is_body() || http.is_decode();
    }
}
