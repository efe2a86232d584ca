//! Real git repositories, made on the fly by the `git` program with nothing of the machine's configuration.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use herdsman::config::{Origin, Source};
use tempfile::TempDir;

/// Generous: the machine may be busy.
pub const LONG: Duration = Duration::from_secs(120);

/// A repository with a work tree.
pub struct Repository {
    dir: TempDir,
}

impl Repository {
    /// An empty repository whose branch is `main`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repo = Self { dir };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// One commit with an `app.js` that says `text`.
    pub fn with_app(text: &str) -> Self {
        let repo = Self::new();
        repo.write("app.js", text);
        repo.commit("first");
        repo
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let full = self.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&full, text).unwrap();
        full
    }

    /// Commits everything; the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git here; what it printed, trimmed.
    pub fn git(&self, args: &[&str]) -> String {
        let out = isolated(Command::new("git").arg("-C").arg(self.path()).args(args)).output().unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }
}

/// Without the machine's and the user's git configuration.
pub fn isolated(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "C")
        .env("GIT_COMMITTER_EMAIL", "c@example.com")
}

/// A git source.
pub fn source(url: impl Into<String>, reference: Option<&str>) -> Source {
    Source {
        origin: Origin::Git { url: url.into(), reference: reference.map(str::to_owned) },
        subdir: None,
        deadline: LONG,
    }
}
