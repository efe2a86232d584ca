//! How a release is started: which command, found where, and as directly as can be, so that signals reach the program.

mod line;
mod procfile;
mod scripts;

use std::ffi::OsString;
use std::path::Path;

use self::line::Line;
pub use self::line::LineError;
use self::scripts::{Followed, follow};
use super::files::{Files, ReadError};
use super::package::{Package, PackageError};
use super::runtime::{MissingRuntime, Runtimes};

/// Files that are started when nothing says how.
const WELL_KNOWN: [&str; 10] = [
    "app.js",
    "index.js",
    "server.js",
    "dist/index.js",
    "dist/app.js",
    "build/index.js",
    "build/app.js",
    "index.ts",
    "bin.ts",
    "main.py",
];

/// How a release is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCommand {
    /// The program, by its absolute path, and its arguments.
    pub argv: Vec<OsString>,
    /// What the command line assigns; it goes over everything else.
    pub env: Vec<(String, String)>,
    /// Where the command was found, such as `package.json scripts.start`.
    pub found_in: String,
    /// What the owner of the program should be told: scripts that are left out.
    pub notes: Vec<String>,
}

/// Why a release cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nothing says how to start it.
    #[error(
        "nothing says how to start this release: no `app.run`, no `web:` line in a Procfile, no `scripts.start` in a \
         package.json, and none of {}; write in herdsman.toml, for instance:\n[app]\nrun = \"node server.js\"",
        WELL_KNOWN.join(", ")
    )]
    Nothing,
    /// A command line that means nothing.
    #[error("{found_in}: {line:?}: {source}")]
    Line {
        /// Where it stands.
        found_in: String,
        /// The line.
        line: String,
        /// What is wrong with it.
        #[source]
        source: LineError,
    },
    /// Scripts that run each other for ever.
    #[error("{found_in} comes back to scripts.{script}")]
    Loop {
        /// The way there.
        found_in: String,
        /// Where it closes.
        script: String,
    },
    /// The program is not there.
    #[error("{found_in}: {source}")]
    Missing {
        /// Where the command was found.
        found_in: String,
        /// Which program, and what to do.
        source: MissingRuntime,
    },
    /// A file that decides about it cannot be read.
    #[error("the release cannot be looked into")]
    Read(#[from] ReadError),
    /// The `package.json` is broken.
    #[error(transparent)]
    Package(#[from] PackageError),
}

/// How the release in `dir` is started: `run` (`app.run`), else the Procfile, else `package.json`, else a well-known file.
///
/// # Errors
/// When nothing says how, or the program is not there.
pub fn find(run: Option<&str>, dir: &Path, runtimes: &Runtimes) -> Result<StartCommand, StartError> {
    let files = Files::open(dir)?;
    let (line, found_in) = match written(run, &files)? {
        Some(found) => found,
        None => well_known(&files, runtimes)?,
    };
    let package = match understood_alone(&line) {
        true => Package::default(),
        false => package(&files)?.unwrap_or_default(),
    };
    let Followed { line, through, left_out } = follow(&line, &found_in, &package)?;
    let found_in = through.iter().fold(found_in, |place, name| format!("{place} → scripts.{name}"));
    let notes = left_out.iter().map(|name| {
        format!("scripts.{name} is not run, because scripts are started without their package manager; run it in `build.run`")
    });
    let notes = notes.collect();
    match line {
        Line::Shell(script) => {
            let argv = ["/bin/sh".into(), "-c".into(), script.into()].into();
            Ok(StartCommand { argv, env: Vec::new(), found_in, notes })
        }
        Line::Direct { env, words } => {
            let name = words.first().map(String::as_str).unwrap_or_default();
            let program =
                runtimes.find(name).map_err(|source| StartError::Missing { found_in: found_in.clone(), source })?;
            let arguments = words.iter().skip(1).map(OsString::from);
            let argv = std::iter::once(program.into_os_string()).chain(arguments).collect();
            Ok(StartCommand { argv, env, found_in, notes })
        }
    }
}

/// The command that someone wrote down.
fn written(run: Option<&str>, files: &Files) -> Result<Option<(String, String)>, StartError> {
    if let Some(run) = run {
        return Ok(Some((run.to_owned(), "app.run".to_owned())));
    }
    if let Some(text) = files.read("Procfile")?
        && let Some(command) = procfile::command(&text, "web")
    {
        return Ok(Some((command.to_owned(), "Procfile web".to_owned())));
    }
    let start = package(files)?.and_then(|package| package.scripts.get("start").cloned());
    Ok(start.map(|line| (line, "package.json scripts.start".to_owned())))
}

/// The first well-known file, and what runs it: the runtime whose lockfile is there, else the language's usual one.
fn well_known(files: &Files, runtimes: &Runtimes) -> Result<(String, String), StartError> {
    let file = WELL_KNOWN.into_iter().find(|name| files.has(name)).ok_or(StartError::Nothing)?;
    let is_bun = files.has("bun.lock") || files.has("bun.lockb");
    let is_deno = files.has("deno.json") || files.has("deno.jsonc");
    let deno = "deno run --allow-all";
    let program = match file.rsplit('.').next() {
        Some("py") => "python3",
        _ if is_bun => "bun",
        _ if is_deno => deno,
        // Node.js runs TypeScript from 22.18 on, and only some of it; bun and deno run all of it.
        Some("ts") if runtimes.find("bun").is_err() && runtimes.find("deno").is_ok() => deno,
        Some("ts") => "bun",
        _ => "node",
    };
    Ok((format!("{program} {file}"), file.to_owned()))
}

/// Whether the line starts a program without the help of a package manager: a broken `package.json` is then none of our
/// business.
fn understood_alone(line: &str) -> bool {
    match line::understand(line) {
        Ok(Line::Direct { words, .. }) => {
            let runs_scripts = ["npm", "yarn", "pnpm", "bun"].map(Some).contains(&words.first().map(String::as_str));
            !runs_scripts && words.get(1).map(String::as_str) != Some("--run")
        }
        Ok(Line::Shell(_)) | Err(_) => true,
    }
}

fn package(files: &Files) -> Result<Option<Package>, StartError> {
    Ok(files.read("package.json")?.map(|text| Package::parse(&text)).transpose()?)
}

#[cfg(test)]
mod tests;
