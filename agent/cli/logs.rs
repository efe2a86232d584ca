//! `herdsman logs`: from the journal where the agent is a service, else the last lines that came through the agent.

use std::process::Command;

use anyhow::Context;

use super::exit;
use super::screen::{harmless, say};
use crate::control::client::Client;
use crate::decide::ids::Slot;
use crate::logging::journal_identifier;
use crate::paths::Dirs;

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub(super) struct LogsArgs {
    /// Go on with what comes (with the journal only)
    #[arg(short, long)]
    follow: bool,
    /// Only the worker in this slot
    #[arg(long, value_name = "N")]
    slot: Option<u16>,
    /// So many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    lines: u32,
}

/// Prints.
pub(super) async fn logs(args: LogsArgs, dirs: &Dirs) -> anyhow::Result<u8> {
    if sd_notify::booted().unwrap_or(false) && unit_known() {
        return journal(&args);
    }
    let lines = Client::new(&dirs.socket())?.logs().await?;
    let prefix = args.slot.map(|slot| format!("[slot {slot}]"));
    let chosen: Vec<&String> =
        lines.iter().filter(|line| prefix.as_ref().is_none_or(|prefix| line.starts_with(prefix.as_str()))).collect();
    let from = chosen.len().saturating_sub(usize::try_from(args.lines).unwrap_or(usize::MAX));
    for line in chosen.get(from..).unwrap_or_default() {
        say(&harmless(line));
    }
    if args.follow {
        anyhow::bail!("there is no journal to follow here: the agent's terminal shows what comes");
    }
    Ok(exit::OK)
}

fn unit_known() -> bool {
    let shown = Command::new("systemctl").args(["cat", "--quiet", "herdsman.service"]).output();
    shown.is_ok_and(|shown| shown.status.success())
}

fn journal(args: &LogsArgs) -> anyhow::Result<u8> {
    let mut command = Command::new("journalctl");
    command.args(["--unit", "herdsman.service", "--lines", &args.lines.to_string()]);
    if args.follow {
        command.arg("--follow");
    }
    if let Some(slot) = args.slot {
        command.args(["--identifier", &journal_identifier(Slot(slot))]);
    }
    let status = command.status().context("journalctl could not be run")?;
    Ok(u8::try_from(status.code().unwrap_or(1)).unwrap_or(exit::FAILED))
}
