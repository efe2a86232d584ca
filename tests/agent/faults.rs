//! The agent itself dies, or its disk is full: the next one comes up with a whole release all the same.

use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::serving::NODE;
use crate::support::{Setup, alive};

/// A build that takes its time and leaves something half done behind whenever it is cut off.
const BUILD: &str =
    "build.run = \"echo half > half; sleep 0.3; cp index.js built.js; rm half\"\napp.run = \"node built.js\"\n";

#[tokio::test]
async fn an_agent_killed_at_any_moment_is_followed_by_one_that_serves_a_whole_release() {
    let mut setup = Setup::new().app(&[("index.js", NODE), ("herdsman.toml", BUILD)]).config("workers.count = 2");
    // Moments of a fetch, a build, a switch and a start; the last ones leave workers behind.
    for after in [1, 5, 15, 40, 90, 200, 310, 340, 380, 450, 600] {
        let agent = setup.start();
        tokio::time::sleep(Duration::from_millis(after)).await;
        setup = agent.crash().await;
        // A new commit each time, so that there is always something to do.
        crate::support::git_repository(&setup.dir().join("app"), &[("round", &after.to_string())]);
    }
    let mut agent = setup.start_as_configured();
    let status = agent.await_phase("in-service").await;
    let id = status["release"]["id"].as_str().unwrap();
    let release = agent.setup.dir().join("state/releases").join(id);
    assert!(release.join("built.js").is_file() && !release.join("half").exists());
    assert_eq!(std::fs::read_to_string(release.join("round")).unwrap(), "600");
    assert_eq!(agent.ask("/").await.unwrap().0, 200);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn what_a_dead_agents_workers_hold_is_taken_back_by_the_next_agent() {
    let agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 2").start();
    agent.await_phase("in-service").await;
    let orphans = agent.pids().await;
    let setup = agent.crash().await;
    assert!(orphans.len() == 2 && orphans.iter().all(|pid| alive(*pid)), "{orphans:?}");
    let mut agent = setup.start_as_configured();
    agent.await_status("in service", |status| status["phase"] == "in-service").await;
    assert!(orphans.iter().all(|pid| !alive(*pid)), "{orphans:?}");
    let warned = agent.await_log("ending what an agent that died has left running").await;
    assert!(orphans.iter().all(|pid| warned.contains(&format!("{pid} node"))), "{warned}");
    for _ in 0..20 {
        let (code, body) = agent.ask("/").await.unwrap();
        assert!(code == 200 && !orphans.iter().any(|pid| body.ends_with(&pid.to_string())), "{body}");
    }
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_build_that_outlives_its_agent_does_not_keep_the_next_one_from_starting() {
    let setup = Setup::new();
    let flag = setup.dir().join("second");
    // Writes without end, so that its directory can only be removed once it has ended.
    let build = format!(
        "build.run = \"\"\"test -e {} || {{ trap '' TERM; echo begun; n=0; while :; do n=$((n+1)); mkdir -p a/$n; : > a/$n/f; done; }}\"\"\"\n",
        flag.display()
    );
    let agent = setup.app(&[("index.js", NODE), ("herdsman.toml", &build)]).config("workers.count = 1").start();
    agent.await_log("[build] begun").await;
    let setup = agent.crash().await;
    std::fs::write(&flag, "").unwrap();
    let mut agent = setup.start_as_configured();
    let status = agent.await_phase("in-service").await;
    let release = agent.setup.dir().join("state/releases").join(status["release"]["id"].as_str().unwrap());
    assert!(!release.join("a").exists(), "nothing of the first build is in the release");
    assert!(agent.log().contains("killing what did not end"), "{}", agent.log());
    assert_eq!(agent.stop().await, Some(0));
}

/// A small file system for the state of an agent, gone when dropped; the directories go after it.
struct SmallDisk {
    at: std::path::PathBuf,
    _below: Setup,
}

impl SmallDisk {
    fn mount(setup: &Setup, options: &str) -> Option<Self> {
        let at = setup.dir().join("state");
        std::fs::create_dir_all(&at).unwrap();
        match mount(Some("tmpfs"), &at, Some("tmpfs"), MsFlags::empty(), Some(options)) {
            Ok(()) => Some(Self { at, _below: setup.clone() }),
            Err(error) => {
                eprintln!("SKIPPED: no file system may be mounted here: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.at, MntFlags::MNT_DETACH);
    }
}

#[tokio::test]
async fn a_disk_without_room_is_told_before_anything_is_fetched() {
    let setup = Setup::new().app(&[("index.js", NODE)]);
    let Some(_disk) = SmallDisk::mount(&setup, "size=8m,mode=755") else { return };
    let mut agent = setup.start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("too full for a release") && reason.contains("64 needed"), "{reason}");
    assert_eq!(agent.health().await.unwrap().0, 503);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_disk_that_fills_up_during_a_build_fails_that_build_and_nothing_else() {
    let build = "build.run = \"dd if=/dev/zero of=big bs=1M count=200 2>&1\"\n";
    let setup = Setup::new().app(&[("index.js", NODE), ("herdsman.toml", build)]);
    let Some(_disk) = SmallDisk::mount(&setup, "size=80m,mode=755") else { return };
    let mut agent = setup.start();
    let status = agent.await_phase("failed").await;
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("the build failed") && reason.contains("No space left on device"), "{reason}");
    let left: Vec<_> = std::fs::read_dir(agent.setup.dir().join("state/releases")).unwrap().flatten().collect();
    assert!(left.is_empty(), "what filled the disk is gone: {left:?}");
    assert_eq!(agent.stop().await, Some(0));
}
