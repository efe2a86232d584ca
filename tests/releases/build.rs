//! Builds with real programs: npm with a local dependency and no registry, failures, and builds that never end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use herdsman::act::release::build::{BuildError, build};
use herdsman::act::release::owner::Owner;
use herdsman::config::{Build, BuildRun};

use tokio::io::AsyncReadExt;

use super::repository::LONG;
use super::runner::AsOurselves;

/// Ourselves, with a home of our own.
pub fn owner(home: &Path) -> Owner {
    Owner {
        uid: nix::unistd::getuid().as_raw(),
        gid: nix::unistd::getgid().as_raw(),
        name: "app".to_owned(),
        home: home.to_owned(),
        shell: "/bin/sh".into(),
    }
}

pub async fn run(dir: &Path, home: &Path, config: &Build) -> (Result<(), BuildError>, Vec<String>) {
    let mut said = Vec::new();
    let env = BTreeMap::from([
        ("PORT".to_owned(), "80".to_owned()),
        ("NODE_ENV".to_owned(), "production".to_owned()),
        ("npm_config_offline".to_owned(), "true".to_owned()),
    ]);
    let mut listen = |line: &str| said.push(line.to_owned());
    let built = build(&AsOurselves, dir, config, Some(&owner(home)), &env, &mut listen).await;
    (built, said)
}

async fn shell(line: &str, timeout: Duration) -> (Result<(), BuildError>, Vec<String>) {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(dir.path(), home.path(), &Build { run: BuildRun::Command(line.to_owned()), timeout }).await
}

#[tokio::test]
async fn output_comes_line_by_line_and_the_step_says_why() {
    let (built, said) = shell("echo one; echo two >&2; echo ${PORT-none} $CI $USER", LONG).await;
    built.unwrap();
    assert!(said[0].starts_with("build.run → /bin/sh -c echo one"), "{said:?}");
    for line in ["one", "two", "none true app"] {
        assert!(said.iter().any(|said| said == line), "{line}: {said:?}");
    }
}

#[tokio::test]
async fn a_build_sees_nothing_of_our_environment() {
    let (built, said) = shell("env", LONG).await;
    built.unwrap();
    let mut names: Vec<&str> = said[1..].iter().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    // The shell adds some of its own.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    assert_eq!(names, ["CI", "HOME", "LANG", "LOGNAME", "NODE_ENV", "PATH", "SHELL", "USER", "npm_config_offline"]);
}

#[tokio::test]
async fn a_failing_build_tells_its_status_and_its_last_lines() {
    let (built, _) = shell("for i in $(seq 30); do echo line $i; done; exit 3", LONG).await;
    let error = built.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("exit status 3") && text.contains("line 30") && text.contains("line 11\n"), "{text}");
    assert!(!text.contains("line 10\n") && !error.is_transient(), "{text}");
}

#[tokio::test]
async fn a_program_that_is_missing_is_told_with_advice() {
    let (built, _) = shell("no-such-program-at-all", LONG).await;
    let text = built.unwrap_err().to_string();
    assert!(text.contains("exit status 127") && text.contains("install it on the image"), "{text}");
}

#[tokio::test]
async fn a_build_that_hangs_is_killed_with_all_it_has_started() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("alive");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The grandchild holds the pipe open for writing for as long as it lives.
    let line = format!(
        "(exec 9>{0}; echo up >&9; trap '' TERM; sleep 1000 & wait) & echo started; sleep 1000",
        fifo.display()
    );
    let build = Build { run: BuildRun::Command(line), timeout: Duration::from_secs(5) };
    let mut alive = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (built, _) = run(dir.path(), home.path(), &build).await;
    let error = built.unwrap_err();
    assert!(matches!(error, BuildError::TimedOut { .. }), "{error:?}");
    assert!(error.to_string().contains("`build.timeout` (5s)"), "{error}");
    // The end of the pipe comes when nobody has it open any more.
    let mut heard = String::new();
    let end = tokio::time::timeout(LONG, alive.read_to_string(&mut heard)).await;
    end.expect("the grandchild is gone").unwrap();
    assert_eq!(heard, "up\n");
}

#[tokio::test]
async fn a_broken_package_json_is_told_with_its_place() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("package.json"), "{\n  \"name\": ,\n}").unwrap();
    let (built, _) = run(dir.path(), home.path(), &Build { run: BuildRun::Detect, timeout: LONG }).await;
    let text = built.unwrap_err().to_string();
    assert!(text.contains("package.json") && text.contains("line 2 column 11"), "{text}");
}

#[tokio::test]
async fn a_missing_installer_is_told_before_anything_runs() {
    let (dir, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("package.json"), r#"{"dependencies": {"a": "1"}}"#).unwrap();
    std::fs::write(dir.path().join("bun.lock"), "").unwrap();
    if std::path::Path::new("/usr/local/bin/bun").exists() || std::path::Path::new("/usr/bin/bun").exists() {
        return;
    }
    let (built, said) = run(dir.path(), home.path(), &Build { run: BuildRun::Detect, timeout: LONG }).await;
    let error = built.unwrap_err();
    assert!(matches!(error, BuildError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("install Bun"), "{error}");
    assert_eq!(said, ["bun.lock → bun install --frozen-lockfile"]);
}
