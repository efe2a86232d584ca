//! Unmodified servers share a port, and a crash loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use herdsman::ports::PortEvent;
use tokio::task::JoinSet;

use crate::rig::{Herd, Program, get, soon};

/// Starts `count` workers; all of them answer, and as many requests as were sent are answered.
async fn shared(count: u16, program: &Program, requests: usize) -> Herd {
    let herd = Herd::of(count, program).await;
    let (answers, failures) = herd.ask(requests).await;
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(answers.len(), usize::from(count), "{answers:?}");
    assert_eq!(answers.values().sum::<usize>(), requests);
    herd
}

/// Kills one worker, sends requests while it is dead, and replaces it: every request is answered.
async fn survives_a_crash(mut herd: Herd, program: &Program, requests: usize) {
    let before = herd.crash(0).await;
    assert_eq!(before.to_string(), "killed by SIGKILL");
    let port = herd.port;
    let waiting: JoinSet<_> = (0..requests).map(|_| get(port, "/")).collect();
    // The dead worker's share waits in the socket that was kept: it is there before the replacement is.
    let seat = herd.workers[0].seat;
    soon("a connection for the dead worker", async {
        while herd.keeper.waiting(seat).is_none_or(|waiting| waiting.now == 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    herd.replace(0, program).await;
    for outcome in soon("all answers", waiting.join_all()).await {
        outcome.unwrap();
    }
    let (answers, failures) = herd.ask(requests).await;
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(answers.len(), herd.workers.len(), "the replacement works too: {answers:?}");
    herd.end().await;
}

#[tokio::test]
async fn four_node_servers_share_a_port_and_a_killed_one_loses_no_request() {
    let program = Program::node();
    let herd = shared(4, &program, 200).await;
    survives_a_crash(herd, &program, 200).await;
}

#[tokio::test]
async fn three_bun_servers_share_a_port_and_a_killed_one_loses_no_request() {
    let Some(program) = Program::bun() else {
        return;
    };
    let herd = shared(3, &program, 120).await;
    survives_a_crash(herd, &program, 120).await;
}

#[tokio::test]
async fn three_blocking_python_servers_share_a_port_and_a_killed_one_loses_no_request() {
    let program = Program::python();
    let herd = shared(3, &program, 60).await;
    // A Python server lets five connections wait, so few are sent.
    survives_a_crash(herd, &program, 12).await;
}

#[tokio::test]
async fn three_of_four_killed_at_once_lose_no_request() {
    let program = Program::node();
    let mut herd = shared(4, &program, 100).await;
    for place in 0..3 {
        herd.crash(place).await;
    }
    let port = herd.port;
    let waiting: JoinSet<_> = (0..200).map(|_| get(port, "/")).collect();
    for place in 0..3 {
        herd.replace(place, &program).await;
    }
    for outcome in soon("all answers", waiting.join_all()).await {
        outcome.unwrap();
    }
    herd.end().await;
}

#[tokio::test]
async fn under_load_a_crash_hits_at_most_the_requests_in_the_dead_worker() {
    const CLIENTS: usize = 8;
    let program = Program::node();
    let mut herd = shared(4, &program, 50).await;
    let (port, stop) = (herd.port, Arc::new(AtomicBool::new(false)));
    let clients: JoinSet<_> = (0..CLIENTS)
        .map(|_| {
            let stop = Arc::clone(&stop);
            async move {
                let (mut answered, mut failed) = (0, Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    match get(port, "/").await {
                        Ok(_) => answered += 1,
                        Err(error) => failed.push(error),
                    }
                }
                (answered, failed)
            }
        })
        .collect();
    for place in 0..2 {
        herd.crash(place).await;
        herd.replace(place, &program).await;
    }
    stop.store(true, Ordering::Relaxed);
    let outcomes = soon("the clients", clients.join_all()).await;
    let failures: Vec<_> = outcomes.iter().flat_map(|(_, failed)| failed).collect();
    assert!(outcomes.iter().all(|(answered, _)| *answered > 0));
    // Each client has one request under way; a crash can cut at most that one.
    assert!(failures.len() <= 2 * CLIENTS, "{failures:?}");
    assert!(failures.iter().all(|error| error.kind() != std::io::ErrorKind::ConnectionRefused), "{failures:?}");
    herd.end().await;
}

#[tokio::test]
async fn a_program_started_by_a_shell_is_shared_too() {
    let herd = shared(2, &Program::new(["sh", "-c", "node server.js; true"]), 40).await;
    herd.end().await;
}

#[tokio::test]
async fn workers_of_another_user_share_the_port() {
    let herd = shared(2, &Program::node().run_by("nobody"), 40).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", herd.workers[0].process.pid())).unwrap();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    assert!(status.contains(&format!("Uid:\t{0}\t{0}\t{0}\t{0}", nobody.uid)), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    herd.end().await;
}

#[tokio::test]
async fn a_port_below_1024_needs_no_right_of_the_workers() {
    let mut herd = Herd::on(crate::rig::free_port(600..1000));
    herd.start(0, &Program::node().run_by("nobody"));
    herd.until_listening().await;
    get(herd.port, "/").await.unwrap();
    herd.end().await;
}

#[tokio::test]
async fn a_bind_from_a_thread_is_shared() {
    let herd = shared(2, &Program::python().with("KIND", "thread"), 20).await;
    herd.end().await;
}

#[tokio::test]
async fn a_program_that_first_tries_whether_the_port_is_free_finds_it_free() {
    let program = Program::python().with("KIND", "detect");
    let mut herd = Herd::new();
    for slot in 0..2 {
        herd.start(slot, &program);
        for _ in 0..4 {
            assert_eq!(herd.until_listening().await.slot.0, slot);
        }
    }
    let (answers, failures) = herd.ask(40).await;
    assert_eq!((answers.len(), failures), (2, Vec::new()));
    herd.end().await;
}

#[tokio::test]
async fn a_multipath_socket_becomes_a_plain_one_that_can_be_steered() {
    if !std::path::Path::new("/proc/sys/net/mptcp/enabled").exists() {
        eprintln!("SKIPPED: this kernel has no multipath TCP");
        return;
    }
    let herd = shared(2, &Program::python().with("KIND", "multipath"), 40).await;
    herd.keeper.set_serving(herd.workers[1].seat, false).unwrap();
    let (answers, _) = herd.ask(20).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["0"]);
    herd.end().await;
}

#[tokio::test]
async fn a_program_that_takes_a_socket_as_descriptor_3_is_handed_one_of_its_own() {
    let program = Program { handed: true, ..Program::python().with("KIND", "handed") };
    let mut herd = Herd::new();
    for slot in 0..2 {
        let seat = herd.start(slot, &program);
        herd.keeper.set_serving(seat, true).unwrap();
    }
    let (answers, failures) = herd.ask(40).await;
    assert_eq!((answers.len(), failures), (2, Vec::new()));
    herd.crash(0).await;
    let port = herd.port;
    let waiting: JoinSet<_> = (0..20).map(|_| get(port, "/")).collect();
    herd.workers[0] = herd.spawn(herd.workers[0].seat, &program);
    for outcome in soon("all answers", waiting.join_all()).await {
        outcome.unwrap();
    }
    herd.end().await;
}

#[tokio::test]
async fn a_worker_that_listens_again_is_told_of_again_and_keeps_its_place() {
    let program = Program::node();
    let mut herd = shared(2, &program, 20).await;
    herd.crash(1).await;
    let seat = herd.workers[1].seat;
    herd.workers[1] = herd.spawn(seat, &program);
    match herd.event().await {
        PortEvent::Listening { seat: told, pid } => {
            assert_eq!((told, pid.as_raw()), (seat, herd.workers[1].process.pid()));
        }
        other => panic!("{other:?}"),
    }
    herd.keeper.probe(seat, "/?slot=1", crate::rig::SOON).await.unwrap();
    herd.end().await;
}
