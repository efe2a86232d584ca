//! Where releases come from, and what happens when they do not come.

use std::time::Duration;

use crate::remote::Remote;
use crate::serving::NODE;
use crate::support::{Setup, free_port, git, git_repository};

#[tokio::test]
async fn an_unknown_ref_is_told_with_the_names_that_look_like_it() {
    let setup = Setup::new().app(&[("index.js", NODE)]).config("source.ref = \"relaese-2\"");
    git(&setup.dir().join("app"), &["branch", "release-2"]);
    let mut agent = setup.start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("has no branch, tag or commit \"relaese-2\"; there are: release-2"), "{reason}");
    assert_eq!(agent.health().await.unwrap().0, 503);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn without_a_source_the_agent_says_what_to_configure() {
    let mut agent = Setup::new().start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("no source is configured") && reason.contains("source.git"), "{reason}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn an_unreachable_remote_is_asked_again_until_it_is_there() {
    let port = free_port();
    let setup = Setup::new().config(format!("source.git = \"http://127.0.0.1:{port}/app\"\nworkers.count = 1"));
    git_repository(&setup.dir().join("remotes/app"), &[("index.js", NODE)]);
    let remotes = setup.dir().join("remotes");
    let mut agent = setup.start();
    let status = agent.await_status("a first failure", |status| !status["reason"].is_null()).await;
    assert_eq!(status["phase"], "fetching", "{status:#}");
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains(&format!("127.0.0.1:{port}")) && reason.contains("cannot be reached"), "{reason}");
    assert_eq!(agent.health().await.unwrap().0, 503);
    let _remote = Remote::serve(&remotes, port).await;
    let status = agent.await_phase("in-service").await;
    assert!(status["reason"].is_null(), "{status:#}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_remote_that_stays_away_fails_the_instance_after_its_deadline() {
    let setup = Setup::new();
    let url = format!("http://127.0.0.1:{}/app", free_port());
    let mut agent = setup.config(format!("source.git = \"{url}\"\nsource.deadline = \"2s\"")).start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains(&url) && reason.contains("cannot be reached"), "{reason}");
    let (code, text, _) = agent.run(&["status"]).await;
    assert_eq!(code, Some(4));
    assert!(text.starts_with("failed since ") && text.contains("cannot be reached"), "{text}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_remote_that_hangs_is_given_up_at_the_deadline() {
    let remote = Remote::that_hangs().await;
    let setup = Setup::new().config(format!("source.git = \"http://{}/app\"\nsource.deadline = \"1s\"", remote.addr));
    let mut agent = setup.start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("took longer than 1s") || reason.contains("cannot be reached"), "{reason}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_second_start_serves_the_release_that_is_there_without_building_it_again() {
    let files = [("index.js", NODE), ("herdsman.toml", "[build]\nrun = \"echo building > built; echo once-built\"\n")];
    let setup = Setup::new().app(&files).config("workers.count = 1");
    let agent = setup.start();
    let first = agent.await_phase("in-service").await;
    let id = first["release"]["id"].as_str().unwrap().to_owned();
    let state = agent.setup.dir().join("state");
    let release = state.join("releases").join(&id);
    assert_eq!(std::fs::read_link(state.join("current")).unwrap(), std::path::Path::new("releases").join(&id));
    assert!(release.join("index.js").is_file() && release.join("built").is_file());
    let pid = agent.pids().await[0];
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd, release.canonicalize().unwrap(), "workers run in the release itself, not by way of `current`");
    let first_log = agent.log();
    assert_eq!(first_log.matches("once-built").count(), 2, "the command and what it says: {first_log}");

    let mut agent = agent.stop_for_another().await.start_as_configured();
    let second = agent.await_phase("in-service").await;
    assert_eq!(second["release"]["id"], first["release"]["id"]);
    assert!(agent.log().contains(" is there already"), "{}", agent.log());
    assert_eq!(agent.log().matches("once-built").count(), 2, "{}", agent.log());
    assert_eq!(std::fs::read_link(state.join("last-good")).unwrap(), std::path::Path::new("releases").join(&id));

    // A new commit is a new release beside the old one.
    git_repository(&agent.setup.dir().join("app"), &[("more.txt", "more")]);
    let setup = agent.setup.clone();
    assert_eq!(agent.stop().await, Some(0));
    let mut agent = setup.start_as_configured();
    let third = agent.await_phase("in-service").await;
    assert_ne!(third["release"]["id"], first["release"]["id"]);
    assert!(release.is_dir(), "the one that served before is kept");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_drop_in_changes_the_start_command_without_another_build() {
    let files = [("index.js", NODE), ("other.js", NODE), ("herdsman.toml", "build.run = \"echo once-built\"\n")];
    let agent = Setup::new().app(&files).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let setup = agent.stop_for_another().await;
    let drop_ins = setup.dir().join("etc/conf.d");
    std::fs::create_dir_all(&drop_ins).unwrap();
    std::fs::write(drop_ins.join("50-run.toml"), "app.run = \"node other.js\"\n").unwrap();
    let mut agent = setup.start_as_configured();
    let status = agent.await_phase("in-service").await;
    assert_eq!(status["app"]["command"], "/usr/bin/node other.js", "{status:#}");
    assert!(agent.log().contains(" is there already"), "{}", agent.log());
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_directory_is_a_source_too_and_is_never_served_from_where_it_lies() {
    let setup = Setup::new();
    let app = setup.dir().join("plain");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("index.js"), NODE).unwrap();
    let mut agent = setup.config(format!("source.path = \"{}\"\nworkers.count = 1", app.display())).start();
    let status = agent.await_phase("in-service").await;
    assert_eq!(status["release"]["source"], app.display().to_string());
    let cwd = std::fs::read_link(format!("/proc/{}/cwd", agent.pids().await[0])).unwrap();
    assert!(cwd.starts_with(agent.setup.dir().join("state/releases")), "{}", cwd.display());
    tokio::time::timeout(Duration::from_secs(60), agent.stop()).await.unwrap();
}
