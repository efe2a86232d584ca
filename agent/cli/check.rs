//! `herdsman check`: whether a configuration holds, and what it comes to.
//!
//! Reads only; it asks no cloud and touches nothing, so it can run on a laptop, in CI and on an instance that serves.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::config::{Effective, Layer, LayerKind, Problems, effective};

/// When there are problems; 1 is left for herdsman's own failures.
const PROBLEMS: u8 = 2;

/// Check a configuration without running anything.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Files to check instead of this machine's configuration; later ones win.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The app's own herdsman.toml, which may not set everything.
    #[arg(long, value_name = "FILE")]
    pub app: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// Checks the files named, or what is in `config_dir`, and answers: on stdout, problems for people on stderr. 0 is good, 2 is problems.
#[must_use]
pub fn run(args: &CheckArgs, config_dir: &Path) -> ExitCode {
    let answer = answer(args, config_dir);
    // Who has closed the pipe does not want to read it; the exit code still says how it went.
    let _ = if answer.good || args.json {
        writeln!(std::io::stdout(), "{}", answer.text)
    } else {
        writeln!(std::io::stderr(), "{}", answer.text)
    };
    if answer.good { ExitCode::SUCCESS } else { ExitCode::from(PROBLEMS) }
}

struct Answer {
    good: bool,
    text: String,
}

fn answer(args: &CheckArgs, config_dir: &Path) -> Answer {
    let checked = layers(args, config_dir).and_then(|layers| Ok((effective(&layers)?, layers)));
    let text = match &checked {
        Ok((values, layers)) if args.json => {
            let files: Vec<_> = layers.iter().map(|layer| layer.kind.to_string()).collect();
            json!({ "ok": true, "files": files, "values": values, "problems": [] }).to_string()
        }
        Err(problems) if args.json => json!({ "ok": false, "problems": problems }).to_string(),
        Ok((values, layers)) => summary(config_dir, values, layers),
        Err(problems) => problems.to_string(),
    };
    Answer { good: checked.is_ok(), text }
}

/// The layers that were asked for; when some cannot be read, the problems of all of them.
fn layers(args: &CheckArgs, config_dir: &Path) -> Result<Vec<Layer>, Problems> {
    let mut layers = Vec::new();
    let mut unread: Option<Problems> = None;
    let mut keep = |read: Result<Vec<Layer>, Problems>| match read {
        Ok(read) => layers.extend(read),
        Err(problems) => unread = Some(unread.take().map_or(problems.clone(), |earlier| earlier.and(problems))),
    };
    if args.files.is_empty() {
        keep(Layer::read_dir(config_dir));
    }
    let named = args.files.iter().cloned().map(LayerKind::DropIn);
    for kind in named.chain(args.app.iter().cloned().map(LayerKind::App)) {
        keep(Layer::named(kind).map(|layer| vec![layer]));
    }
    match unread {
        None => Ok(layers),
        Some(unread) => Err(match effective(&layers) {
            Ok(_) => unread,
            Err(wrong) => unread.and(wrong),
        }),
    }
}

fn summary(config_dir: &Path, values: &[Effective], layers: &[Layer]) -> String {
    let mut lines = vec![match layers {
        [] => format!("ok: no configuration in {}, so the defaults hold", config_dir.display()),
        [one] => format!("ok: {}", one.kind),
        several => format!("ok: {} files", several.len()),
    }];
    let width =
        |text: fn(&Effective) -> &str| values.iter().map(|value| text(value).chars().count()).max().unwrap_or(0);
    let (keys, texts) = (width(|value| &value.key), width(|value| &value.value).min(40));
    for Effective { key, value, from } in values {
        let from = from.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
        lines.push(format!("  {key:keys$}  {value:texts$}  {from}"));
    }
    if !values.iter().any(|value| matches!(value.key.as_str(), "source.git" | "source.path")) {
        lines.push("  no source yet: user-data or the command line must name one".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
