//! Builds that go wrong, and what an app may say of itself.

use crate::serving::NODE;
use crate::support::{Setup, alive, eventually, processes_with};

/// Starts, and gives the reason for which it failed.
async fn reason_of(setup: Setup) -> String {
    let mut agent = setup.start();
    let status = agent.await_phase("failed").await;
    assert!(status["release"].is_null() && status["workers"].as_array().unwrap().is_empty(), "{status:#}");
    assert_eq!(agent.health().await.unwrap().0, 503);
    let state = agent.setup.dir().join("state");
    assert!(!state.join("current").exists(), "nothing was activated");
    let left: Vec<_> = std::fs::read_dir(state.join("releases")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.iter().all(|path| path.extension().is_none()), "nothing counts as whole: {left:?}");
    assert_eq!(agent.stop().await, Some(0));
    status["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_build_that_fails_is_told_with_its_last_lines() {
    let build = "build.run = \"echo compiling; echo 'error TS2304: Cannot find name' >&2; exit 2\"\n";
    let reason = reason_of(Setup::new().app(&[("index.js", NODE), ("herdsman.toml", build)])).await;
    for part in ["the build failed", "build.run", "exit status 2", "it said last", "compiling", "error TS2304"] {
        assert!(reason.contains(part), "{part:?} is not in {reason}");
    }
}

#[tokio::test]
async fn a_build_that_hangs_is_killed_with_everything_it_started() {
    let build =
        "build.run = \"echo begun; (trap '' TERM; setsid sleep 7654322) & sleep 7654322\"\nbuild.timeout = \"1s\"\n";
    let setup = Setup::new().app(&[("index.js", NODE), ("herdsman.toml", build)]);
    let state = setup.dir().join("state").display().to_string();
    let reason = reason_of(setup).await;
    assert!(reason.contains("not finished within `build.timeout` (1s)") && reason.contains("begun"), "{reason}");
    assert_eq!(processes_with(&state), Vec::<u32>::new());
}

#[tokio::test]
async fn a_broken_package_json_is_told_with_its_place() {
    let reason = reason_of(Setup::new().app(&[("index.js", NODE), ("package.json", "{\n  \"name\": app\n}")])).await;
    assert!(reason.contains("package.json") && reason.contains("line 2"), "{reason}");
}

#[tokio::test]
async fn all_problems_of_the_apps_own_file_are_told_at_once() {
    let file = "[app]\nuser = \"root\"\nport = 70000\n[workers]\ncuont = 2\n";
    let reason = reason_of(Setup::new().app(&[("index.js", NODE), ("herdsman.toml", file)])).await;
    for part in ["herdsman.toml:2:", "app.user", "herdsman.toml:3:", "70000", "workers.cuont", "did you mean `count`?"]
    {
        assert!(reason.contains(part), "{part:?} is not in {reason}");
    }
}

#[tokio::test]
async fn an_app_may_not_choose_its_account() {
    let file = "app.user = \"daemon\"\n";
    let reason = reason_of(Setup::new().app(&[("index.js", NODE), ("herdsman.toml", file)])).await;
    assert!(reason.contains("app.user"), "{reason}");
}

#[tokio::test]
async fn a_stop_during_a_build_kills_all_of_it_and_ends_quickly() {
    let build = "build.run = \"echo begun; sleep 7654323\"\n";
    let setup = Setup::new().app(&[("index.js", NODE), ("herdsman.toml", build)]);
    let mut agent = setup.start();
    agent.await_log("[build] begun").await;
    assert_eq!(agent.try_status().await.unwrap()["phase"], "building");
    let state = agent.setup.dir().join("state").display().to_string();
    let tree = eventually("the build's processes", async || {
        let tree = processes_with(&format!("PATH={state}"));
        (!tree.is_empty()).then_some(tree)
    })
    .await;
    assert_eq!(agent.stop().await, Some(0));
    assert!(tree.iter().all(|pid| !alive(*pid)), "{tree:?}");
    assert!(!agent.setup.dir().join("state/current").exists());
}

#[tokio::test]
async fn a_build_lets_everybody_else_go_first_and_a_worker_does_not() {
    let node = format!("console.log('worker nice', require('os').getPriority());\n{NODE}");
    let build = "build.run = \"echo build nice $(nice)\"\n";
    let mut agent = Setup::new().app(&[("index.js", &node), ("herdsman.toml", build)]).start();
    agent.await_phase("in-service").await;
    agent.await_log("build nice 10").await;
    agent.await_log("worker nice 0").await;
    assert_eq!(agent.stop().await, Some(0));
}
