//! `herdsman status`: is it serving, what release, since when, what is wrong, what happens next.

use super::exit;
use super::screen::{Mood, Paint, harmless, say};
use crate::control::api::{Status, Worker};
use crate::control::client::Client;
use crate::paths::Dirs;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Print everything as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Asks the agent and prints.
pub(super) async fn status(args: StatusArgs, dirs: &Dirs) -> anyhow::Result<u8> {
    let status = Client::new(&dirs.socket())?.status().await?;
    if args.json {
        say(&serde_json::to_string_pretty(&status)?);
    } else {
        say(&page(&status, Paint::detect()));
    }
    Ok(if status.health.http == 200 { exit::OK } else { exit::NOT_SERVING })
}

/// How the whole stands: good, on its way, bad.
pub(super) fn mood(status: &Status) -> Mood {
    match status.phase.as_str() {
        "in-service" => Mood::Good,
        "failed" => Mood::Bad,
        "degraded" if status.health.http != 200 => Mood::Bad,
        _ => Mood::Soso,
    }
}

fn page(status: &Status, paint: Paint) -> String {
    let mut lines = vec![format!("{} since {}", paint.by(&status.phase, mood(status)), status.since)];
    let mut row = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
    if let Some(reason) = &status.reason {
        row("reason", harmless(reason).replace('\n', "\n            "));
    }
    match &status.release {
        Some(release) => {
            row(
                "release",
                format!("{} (revision {}, active since {})", release.id, release.revision, release.activated_at),
            );
            row("source", harmless(&release.source));
        }
        None => row("release", "none yet".to_owned()),
    }
    if let Some(command) = &status.app.command {
        row("command", harmless(command));
    }
    if let Some(port) = status.app.port {
        row("port", port.to_string());
    }
    let listen = status.health.listen.as_deref().unwrap_or("nowhere");
    row("health", format!("{} {} on {listen}", status.health.http, status.health.status));
    if let Some(instance) = &status.instance {
        let group = instance.group.as_ref().map_or("no group".to_owned(), |group| format!("group {group}"));
        let lifecycle = instance.lifecycle.as_deref().unwrap_or("no lifecycle state");
        row("instance", format!("{} {} in {}, {group}, {lifecycle}", instance.id, instance.kind, instance.zone));
    }
    for hook in &status.hooks {
        row("hook", format!("{} ({}) is held", hook.name, hook.transition));
    }
    row("agent", format!("{} pid {}, up {}", status.agent.version, status.agent.pid, span(status.agent.uptime_s)));
    if !status.workers.is_empty() {
        lines.push(String::new());
        lines.push("  slot  pid      gen  state     since                 restarts  last exit".to_owned());
        lines.extend(status.workers.iter().map(|worker| worker_row(worker, paint)));
    }
    lines.join("\n")
}

fn worker_row(worker: &Worker, paint: Paint) -> String {
    let mood = match worker.state.as_str() {
        "ready" => Mood::Good,
        "waiting" => Mood::Bad,
        _ => Mood::Soso,
    };
    let pid = worker.pid.map_or("-".to_owned(), |pid| pid.to_string());
    let state = paint.by(&format!("{:<8}", worker.state), mood);
    let exit =
        worker.last_exit.as_deref().map(|exit| harmless(exit.lines().next().unwrap_or_default())).unwrap_or_default();
    let note = match (&worker.retry_at, worker.crash_loop) {
        (Some(at), true) => format!(" (crash loop; next try {at})"),
        (Some(at), false) => format!(" (next try {at})"),
        (None, _) => String::new(),
    };
    let row = format!(
        "  {:<4}  {pid:<7}  {:<3}  {state}  {:<20}  {:<8}  {exit}{note}",
        worker.slot.0, worker.generation.0, worker.since, worker.restarts
    );
    row.trim_end().to_owned()
}

fn span(seconds: u64) -> String {
    humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string()
}
