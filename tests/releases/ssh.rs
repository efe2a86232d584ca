//! ssh sources with a stand-in for the `ssh` program: which options it is given, and what its words are taken for.
//!
//! `PATH` belongs to the whole process, so each test starts this program once more with another one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use herdsman::source::{fetch, resolve};

use super::repository::{LONG, Repository, isolated, source};

/// Fetches what `SSH_TEST_URL` names, as the other tests ask for it, and says how it went.
#[tokio::test]
#[ignore = "the other half of the tests below"]
async fn the_other_half() {
    let source = source(std::env::var("SSH_TEST_URL").unwrap(), None);
    let (cache, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let said = async {
        let revision = resolve(&source, cache.path(), LONG).await?;
        fetch(&source, &revision, cache.path(), into.path(), LONG).await?;
        Ok::<_, herdsman::source::SourceError>(std::fs::read_to_string(into.path().join("app.js")).unwrap())
    };
    let said = match said.await {
        Ok(text) => format!("fetched {text}"),
        Err(error) => format!("transient {}: {error}", error.is_transient()),
    };
    std::fs::write(std::env::var("SSH_TEST_SAID").unwrap(), said).unwrap();
}

/// What the other half said with this script for an `ssh`, and the arguments that it was called with.
fn with_ssh(script: &str, url: &str) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (said, called) = (dir.path().join("said"), dir.path().join("called"));
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    if !script.is_empty() {
        let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{script}\n", called.display());
        std::fs::write(bin.join("ssh"), text).unwrap();
        std::fs::set_permissions(bin.join("ssh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let system = if script.is_empty() { String::new() } else { format!(":{}", std::env::var("PATH").unwrap()) };
    let half = isolated(&mut Command::new(std::env::current_exe().unwrap()))
        .args(["--ignored", "--exact", "ssh::the_other_half"])
        .env("PATH", format!("{}{system}", bin.display()))
        .env("SSH_TEST_URL", url)
        .env("SSH_TEST_SAID", &said)
        .output()
        .unwrap();
    assert!(half.status.success(), "{}", String::from_utf8_lossy(&half.stderr));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    (read(&said), read(&called))
}

#[test]
fn a_repository_is_fetched_over_ssh_which_may_not_prompt() {
    let repo = Repository::with_app("over ssh");
    // The last two arguments are the command for the other side.
    let script = "while [ $# -gt 2 ]; do shift; done; exec sh -c \"git ${1#git-} $2\"";
    for url in [
        format!("ssh://git@host.example:2222{}", repo.path().display()),
        format!("git@host.example:{}", repo.path().display()),
    ] {
        let (said, called) = with_ssh(script, &url);
        assert_eq!(said, "fetched over ssh", "{url}");
        assert!(called.lines().all(|call| call.starts_with("-o BatchMode=yes ")), "{called}");
        assert!(called.contains("git@host.example"), "{called}");
        assert_eq!(called.contains("-p2222"), url.starts_with("ssh://"), "{called}");
    }
}

/// An `ssh` that writes this where it is told to, and fails.
fn failing(words: &str) -> String {
    format!("while [ \"$1\" != -E ]; do shift; done; echo '{words}' >> \"$2\"; exit 255")
}

#[test]
fn an_unknown_host_key_is_a_permanent_error_that_says_what_to_do() {
    let (said, _) = with_ssh(&failing("Host key verification failed."), "git@host.example:a.git");
    assert!(said.starts_with("transient false: ssh does not trust the host key of git@host.example:a.git"), "{said}");
    assert!(said.contains("ssh-keyscan"), "{said}");
}

#[test]
fn a_key_that_is_refused_is_a_permanent_error() {
    let (said, _) = with_ssh(&failing("git@host: Permission denied (publickey)."), "git@host.example:a.git");
    assert!(said.starts_with("transient false: git@host.example:a.git wants authentication"), "{said}");
}

#[test]
fn a_host_that_cannot_be_reached_is_worth_another_try() {
    let words = "ssh: connect to host host.example port 22: No route to host";
    let (said, _) = with_ssh(&failing(words), "git@host.example:a.git");
    assert_eq!(said, format!("transient true: git@host.example:a.git cannot be reached ({words})"));
}

#[test]
fn a_machine_without_ssh_is_told_to_get_it() {
    let (said, _) = with_ssh("", "git@host.example:a.git");
    assert!(said.starts_with("transient false: git@host.example:a.git needs the program `ssh`"), "{said}");
}

#[test]
fn an_address_cannot_smuggle_options_to_ssh() {
    let (said, called) = with_ssh("exit 1", "ssh://-oProxyCommand=touch/a.git");
    assert!(said.starts_with("transient false"), "{said}");
    assert_eq!(called, "");
}
