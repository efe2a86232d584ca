//! Where the agent's own words go: the journal, with fields, when systemd connected us to it; else plain text on the standard error stream.

mod plain;
mod terminal;

use std::io::IsTerminal;
use std::os::fd::AsFd;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::plain::{Plain, Wall};
use self::terminal::Terminal;
pub use self::terminal::to_terminal;
use crate::decide::ids::Slot;

/// Whether our standard error stream is the journal's (`JOURNAL_STREAM`, systemd.exec(5)): inherited by others' terminals it is not.
#[must_use]
pub fn to_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stat) = nix::sys::stat::fstat(std::io::stderr().as_fd()) else { return false };
    named == format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// The journal's identifier (`SYSLOG_IDENTIFIER`) of a slot's output.
#[must_use]
pub fn journal_identifier(slot: Slot) -> String {
    format!("herdsman-slot-{slot}")
}

/// Starts logging. Away from the journal `HERDSMAN_LOG_FORMAT=json` gives one JSON object a line, for programs; what happened is its `event`.
///
/// The level comes from `HERDSMAN_LOG` (`info` when unset); the libraries beneath speak only of warnings.
pub fn start() {
    let directives = std::env::var("HERDSMAN_LOG").unwrap_or_else(|_| "warn,herdsman=info".to_owned());
    let filter = EnvFilter::try_new(&directives).unwrap_or_else(|_| EnvFilter::new("warn,herdsman=info"));
    let journal = if to_journal() { tracing_journald::layer().ok() } else { None };
    let registry = tracing_subscriber::registry().with(filter);
    // A second start (in tests) keeps the first.
    let _ = match journal {
        Some(journal) => registry
            .with(journal.with_field_prefix(Some("HERDSMAN".to_owned())).with_syslog_identifier("herdsman".to_owned()))
            .try_init(),
        None if std::env::var_os("HERDSMAN_LOG_FORMAT").is_some_and(|format| format == "json") => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(|| Terminal);
            registry.with(json.with_current_span(false).with_span_list(false).with_timer(Wall)).try_init()
        }
        None => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            let plain = tracing_subscriber::fmt::layer().with_writer(|| Terminal).with_ansi(colour).event_format(Plain);
            registry.with(plain).try_init()
        }
    };
}
