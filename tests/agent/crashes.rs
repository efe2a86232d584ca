//! Workers that end although nobody asked them to, and workers that do not end although they were asked.

use std::collections::BTreeSet;

use nix::sys::signal::Signal;

use crate::serving::NODE;
use crate::support::{Setup, alive, eventually, processes_with};

#[tokio::test]
async fn a_crash_loop_is_tried_ever_more_slowly_and_ends_when_its_cause_is_gone() {
    let setup = Setup::new();
    let flag = setup.dir().join("database");
    let program = format!(
        "if (!require('fs').existsSync('{}')) {{ console.error('no database'); process.exit(3); }}\n{NODE}",
        flag.display()
    );
    let mut agent = setup.app(&[("index.js", &program)]).config("workers.count = 2").start();
    let status = agent.await_phase("failed").await;
    for worker in status["workers"].as_array().unwrap() {
        assert_eq!(worker["crash_loop"], true, "{status:#}");
        assert!(worker["last_exit"].as_str().unwrap().contains("exit code 3"), "{status:#}");
    }
    let (code, page, _) = agent.run(&["status"]).await;
    assert_eq!(code, Some(4));
    assert!(page.contains("crash loop"), "{page}");
    std::fs::write(&flag, "").unwrap();
    let status = agent.await_status("in service", |status| status["phase"] == "in-service").await;
    assert_eq!(status["reason"], serde_json::Value::Null, "{status:#}");
    assert!(status["workers"][0]["restarts"].as_u64().unwrap() >= 5);
    assert_eq!(agent.health().await.unwrap().0, 200);
    let log = agent.log();
    let delays: Vec<u64> = log
        .lines()
        .filter(|line| line.contains("slot 0: the worker ended"))
        .filter_map(|line| humantime::parse_duration(line.split("the next starts in ").nth(1)?.split(')').next()?).ok())
        .map(|delay| u64::try_from(delay.as_millis()).unwrap())
        .collect();
    assert_eq!(delays[0], 0, "the first costs nothing: {delays:?}");
    assert!(delays[4] > 3 * delays[1] && delays[1] > 0, "{delays:?}");
    assert_eq!(agent.stop().await, Some(0));
}

/// Ignores its stop signal, and has a grandchild that does so too.
const DEAF: &str = r"
const { spawn } = require('child_process');
process.on('SIGTERM', () => console.log('not listening'));
spawn('sh', ['-c', 'trap : TERM; (trap : TERM; while :; do sleep 1; done) & wait; while :; do sleep 1; done'], { stdio: 'inherit' });
require('http').createServer((q, r) => r.end('ok')).listen(process.env.PORT);
";

#[tokio::test]
async fn a_deaf_worker_is_killed_after_its_stop_timeout_with_all_its_descendants() {
    let setup = Setup::new().app(&[("index.js", DEAF)]).config("workers.count = 1\nworkers.stop_timeout = \"500ms\"");
    let mut agent = setup.start();
    agent.await_phase("in-service").await;
    let state = agent.setup.dir().join("state").display().to_string();
    let tree = eventually("a grandchild", async || {
        let mut tree = processes_with("HERDSMAN_WORKER=");
        let here: BTreeSet<u32> = processes_with(&state).into_iter().collect();
        tree.retain(|pid| here.contains(pid));
        (tree.len() >= 3).then_some(tree)
    })
    .await;
    assert_eq!(agent.stop().await, Some(0));
    assert!(agent.log().contains("did not end in time, and was killed"), "{}", agent.log());
    assert!(agent.log().contains("not listening"), "it was asked first: {}", agent.log());
    assert!(tree.iter().all(|pid| !alive(*pid)), "{tree:?}");
}

#[tokio::test]
async fn a_second_sigterm_kills_a_stuck_worker_at_once() {
    let setup = Setup::new().app(&[("index.js", DEAF)]).config("workers.count = 1\nworkers.stop_timeout = \"1h\"");
    let mut agent = setup.start();
    agent.await_phase("in-service").await;
    let pids = agent.pids().await;
    agent.signal(Signal::SIGTERM);
    agent.await_log("not listening").await;
    let status = agent.try_status().await.unwrap();
    assert_eq!((&status["phase"], &status["workers"][0]["state"]), (&"draining".into(), &"stopping".into()));
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.ended().await, Some(0));
    assert!(pids.iter().all(|pid| !alive(*pid)));
    assert!(agent.log().contains("killing the workers at once"), "{}", agent.log());
}

/// The machine's cgroup2 file system, if this user may make groups in it.
fn cgroup2() -> Option<std::path::PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?.to_owned();
    let own = std::path::Path::new(&mount).join(format!("herdsman-test-{}", std::process::id()));
    std::fs::create_dir(&own).ok()?;
    Some(own)
}

#[tokio::test]
async fn each_worker_has_a_cgroup_of_its_own_and_a_crash_loop_leaves_none_behind() {
    let Some(root) = cgroup2() else {
        eprintln!("SKIPPED: no cgroup2 file system in which this user may make a group");
        return;
    };
    let groups = || -> Vec<String> {
        let entries = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.filter(|name| name.starts_with("slot-")).collect()
    };
    let setup = Setup::new().env("HERDSMAN_CGROUP_ROOT", root.display().to_string());
    let flag = setup.dir().join("flag");
    let program = format!("if (!require('fs').existsSync('{}')) process.exit(7);\n{NODE}", flag.display());
    let mut agent = setup.app(&[("index.js", &program)]).config("workers.count = 1").start();
    agent.await_status("a crash loop", |status| status["workers"][0]["crash_loop"] == true).await;
    std::fs::write(&flag, "").unwrap();
    let status = agent.await_phase("in-service").await;
    let own = format!("slot-0-g{}", status["workers"][0]["generation"]);
    assert_eq!(groups(), std::slice::from_ref(&own), "what has gone is removed");
    let members = std::fs::read_to_string(root.join(own).join("cgroup.procs")).unwrap();
    let pid = status["workers"][0]["pid"].to_string();
    assert!(members.lines().any(|member| member == pid), "{members}");
    assert_eq!(agent.stop().await, Some(0));
    assert_eq!(groups(), Vec::<String>::new());
    std::fs::remove_dir(&root).unwrap();
}
