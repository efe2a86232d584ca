//! What processes leave behind.

use std::path::PathBuf;

use herdsman::decide::ids::{Generation, Slot};
use herdsman::process::{Cgroups, Launch, Output, Process, ProcessTag};
use nix::sys::signal::Signal;
use tokio::sync::mpsc;

use crate::rig::soon;

fn launch(argv: &[&str], output: Output) -> Launch {
    Launch {
        argv: argv.iter().map(Into::into).collect(),
        env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        cwd: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apps"),
        account: None,
        output,
        tag: ProcessTag::unique("test"),
        cgroup: None,
        yields: false,
        gate: false,
        handed: None,
    }
}

fn is_running(pid: i32) -> bool {
    herdsman::process::table::stat(pid).is_some_and(|stat| stat.is_alive())
}

/// Starts the daemon, waits for its parent's end, and says its number.
async fn daemon(launch: Launch, mut lines: mpsc::Receiver<herdsman::process::Line>) -> (Process, i32) {
    let mut process = launch.spawn().unwrap();
    let line = soon("its word", lines.recv()).await.unwrap().text;
    let pid = line.strip_prefix("daemon ").unwrap().parse().unwrap();
    assert!(soon("the parent's end", process.wait()).await.unwrap().is_success());
    (process, pid)
}

#[tokio::test]
async fn a_daemon_that_left_group_and_session_is_found_and_killed() {
    let (sink, lines) = mpsc::channel(10);
    let (process, pid) = daemon(launch(&["python3", "daemon.py"], Output::Pipe(sink)), lines).await;
    let members = process.tree().members();
    assert_eq!(members.iter().map(|member| member.pid).collect::<Vec<_>>(), [pid]);
    assert_eq!(members[0].comm, "python3");
    // It ignores the polite signal.
    assert_eq!(process.tree().signal_all(Signal::SIGTERM).unwrap(), 1);
    assert!(is_running(pid));
    assert_eq!(soon("death", process.tree().kill()).await, []);
    assert!(!is_running(pid));
    assert_eq!(process.tree().members(), []);
}

#[tokio::test]
async fn killing_a_tree_ends_all_of_it_and_nobody_else() {
    let bystander = launch(&["sleep", "600"], Output::Null).spawn().unwrap();
    let mut process =
        launch(&["sh", "-c", "sleep 600 & sleep 600 & env -i sleep 600 & wait"], Output::Null).spawn().unwrap();
    soon("all of them", async {
        while process.tree().members().len() < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(soon("death", process.tree().kill()).await, []);
    assert_eq!(soon("exit", process.wait()).await.unwrap().signal, Some(9));
    assert!(is_running(bystander.pid()));
    assert_eq!(bystander.tree().members().len(), 1);
    assert_eq!(soon("death", bystander.tree().kill()).await, []);
}

#[tokio::test]
async fn a_cgroup_holds_the_worker_and_its_daemons_and_goes_when_they_have() {
    let parent = PathBuf::from("/sys/fs/cgroup/unified");
    let mounted =
        [parent, PathBuf::from("/sys/fs/cgroup")].into_iter().find(|path| path.join("cgroup.procs").is_file());
    let own = mounted.map(|path| path.join(format!("herdsman-test-{}", std::process::id())));
    let Some(own) = own.filter(|own| std::fs::create_dir(own).is_ok()) else {
        eprintln!("SKIPPED: no cgroup2 here in which a child can be made");
        return;
    };
    let cgroups = Cgroups::at(own.clone()).unwrap();
    let cgroup = cgroups.of_worker(Slot(3), Generation(7)).unwrap();
    assert_eq!(cgroup.path(), own.join("slot-3-g7"));
    let (sink, lines) = mpsc::channel(10);
    let mut launch = launch(&["env", "-u", "HERDSMAN_WORKER", "python3", "daemon.py"], Output::Pipe(sink));
    launch.cgroup = Some(cgroup.clone());
    let (process, pid) = daemon(launch, lines).await;
    assert_eq!(process.tree().members().iter().map(|member| member.pid).collect::<Vec<_>>(), [pid]);
    assert_eq!(cgroups.remove_empty(), 0, "it is not empty");
    assert_eq!(soon("death", process.tree().kill()).await, []);
    soon("an empty cgroup", async {
        // The daemon is gone once whoever inherited it has looked at its end.
        while cgroups.remove_empty() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    std::fs::remove_dir(own).unwrap();
}

#[tokio::test]
async fn output_is_whole_at_the_end_though_a_grandchild_keeps_the_pipe() {
    let (sink, mut lines) = mpsc::channel(4);
    let script = "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; echo oops >&2; sleep 600 & exit 3";
    let mut process = launch(&["sh", "-c", script], Output::Pipe(sink)).spawn().unwrap();
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(line) = lines.recv().await {
            seen.push(line.text);
        }
        seen
    });
    assert_eq!(soon("its end", process.wait()).await.unwrap().code, Some(3));
    let tail = process.tail().lines();
    assert_eq!(tail.len(), herdsman::process::lines::REMEMBERED);
    assert!(tail.contains(&"line 499".to_owned()), "{tail:?}");
    let mut seen = soon("the end of the lines", reading).await.unwrap();
    // The two streams are two pipes: which line of one comes before which of the other is not known.
    assert_eq!(seen.extract_if(.., |line| line == "oops").count(), 1);
    assert_eq!(seen, (0..500).map(|i| format!("line {i}")).collect::<Vec<_>>());
    assert_eq!(soon("death", process.tree().kill()).await, []);
}

#[tokio::test]
async fn nobody_reading_the_lines_stops_neither_the_end_nor_the_tail() {
    let (sink, lines) = mpsc::channel(1);
    let mut process = launch(&["sh", "-c", "seq 1 200"], Output::Pipe(sink)).spawn().unwrap();
    assert!(soon("its end", process.wait()).await.unwrap().is_success());
    assert_eq!(process.tail().lines().last().unwrap(), "200");
    drop(lines);
}
