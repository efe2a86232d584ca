//! Who gets new connections, and probes that reach one worker alone.

use herdsman::ports::{ProbeError, let_connections_move};
use tokio::task::JoinSet;

use crate::rig::{Herd, Program, SOON, get, get_at, soon};

async fn each_probe_reaches_its_worker(herd: &Herd) {
    for worker in &herd.workers {
        for slot in 0..herd.workers.len() {
            let passed = herd.keeper.probe(worker.seat, &format!("/?slot={slot}"), SOON).await;
            if usize::from(worker.seat.slot.0) == slot {
                assert_eq!(passed.unwrap().as_u16(), 200);
            } else {
                assert!(matches!(passed, Err(ProbeError::Status { status, .. }) if status == 503), "{passed:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_probe_reaches_exactly_its_worker_whoever_serves() {
    let program = Program::node();
    let mut herd = Herd::of(4, &program).await;
    each_probe_reaches_its_worker(&herd).await;
    herd.keeper.set_serving(herd.workers[2].seat, false).unwrap();
    each_probe_reaches_its_worker(&herd).await;
    herd.crash(1).await;
    herd.replace(1, &program).await;
    each_probe_reaches_its_worker(&herd).await;
    // One that leaves the middle moves the last into its place.
    herd.crash(1).await;
    herd.keeper.release(herd.workers[1].seat).unwrap();
    let gone = herd.workers.remove(1);
    assert!(matches!(herd.keeper.probe(gone.seat, "/", SOON).await, Err(ProbeError::NotListening { .. })));
    for worker in &herd.workers {
        herd.keeper.probe(worker.seat, &format!("/?slot={}", worker.seat.slot), SOON).await.unwrap();
    }
    herd.end().await;
}

/// The address that this machine would speak from, if it has one besides the loopback.
fn own_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

#[tokio::test]
async fn probes_work_wherever_the_program_listens() {
    let mut hosts = ["127.0.0.1", "127.0.0.9", "0.0.0.0", "::", "localhost"].map(str::to_owned).to_vec();
    hosts.extend(own_address());
    for host in &hosts {
        let herd = Herd::of(2, &Program::node().with("HOST", host.as_str())).await;
        if host != "localhost" || get(herd.port, "/").await.is_ok() {
            each_probe_reaches_its_worker(&herd).await;
        }
        herd.end().await;
    }
    // For IPv6 alone probes cannot be told apart: any worker that serves may answer.
    let herd = Herd::of(2, &Program::node().with("HOST", "::1")).await;
    get_at(format!("[::1]:{}", herd.port).parse().unwrap(), "/").await.unwrap();
    herd.keeper.probe(herd.workers[0].seat, "/", SOON).await.unwrap();
    herd.end().await;
}

#[tokio::test]
async fn a_worker_that_does_not_serve_gets_no_new_connection() {
    let herd = Herd::of(3, &Program::node()).await;
    let seats: Vec<_> = herd.workers.iter().map(|worker| worker.seat).collect();
    herd.keeper.set_serving(seats[1], false).unwrap();
    let (answers, failures) = herd.ask(150).await;
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["0", "2"]);
    herd.keeper.set_serving(seats[0], false).unwrap();
    let (answers, _) = herd.ask(50).await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["2"]);
    herd.keeper.set_serving(seats[2], false).unwrap();
    let (answers, failures) = herd.ask(150).await;
    assert_eq!((answers.len(), failures), (3, Vec::new()), "where nobody serves, all do");
    herd.end().await;
}

#[tokio::test]
async fn a_worker_takes_over_from_an_old_one_of_its_slot_only_when_told() {
    let program = Program::node();
    let mut herd = Herd::of(1, &program).await;
    let old = herd.workers[0].seat;
    let new = herd.start(0, &program);
    assert_eq!(herd.until_listening().await, new);
    assert_ne!(old, new);
    let [old_pid, new_pid] = [0, 1].map(|place: usize| herd.workers[place].process.pid().to_string());
    let answering = async |herd: &Herd| {
        let mut pids = std::collections::BTreeSet::new();
        for _ in 0..30 {
            pids.insert(get(herd.port, "/").await.unwrap().split(' ').next().unwrap().to_owned());
        }
        pids.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(answering(&herd).await, [old_pid]);
    herd.keeper.probe(new, "/", SOON).await.unwrap();
    herd.keeper.set_serving(new, true).unwrap();
    herd.keeper.set_serving(old, false).unwrap();
    assert_eq!(answering(&herd).await, [new_pid]);
    assert_eq!(herd.keeper.waiting(old).unwrap().now, 0);
    herd.crash(0).await;
    herd.keeper.release(old).unwrap();
    assert_eq!(answering(&herd).await.len(), 1);
    herd.end().await;
}

#[tokio::test]
async fn a_stalled_worker_shows_in_its_queue_and_in_no_other() {
    let herd = Herd::of(2, &Program::node()).await;
    let port = herd.port;
    let (stalled, well) = (herd.workers[0].seat, herd.workers[1].seat);
    herd.keeper.set_serving(well, false).unwrap();
    let requests: JoinSet<_> = ["/block", "/", "/", "/"].into_iter().map(|path| get(port, path)).collect();
    soon("a queue", async {
        while herd.keeper.waiting(stalled).unwrap().now == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let queue = herd.keeper.waiting(well).unwrap();
    assert_eq!(queue.now, 0);
    assert!(queue.most > 100, "{queue:?}");
    let within = std::time::Duration::from_millis(300);
    assert!(matches!(herd.keeper.probe(stalled, "/", within).await, Err(ProbeError::Timeout { .. })));
    drop(requests);
    herd.end().await;
}

#[tokio::test]
async fn what_waits_for_a_worker_that_is_given_up_moves_to_the_others() {
    // Stays set, as the agent leaves it: taking it back would pull it from under a test beside this one.
    if let Err(error) = let_connections_move() {
        eprintln!("SKIPPED: net.ipv4.tcp_migrate_req cannot be set: {error}");
        return;
    }
    let mut herd = Herd::of(2, &Program::node()).await;
    herd.keeper.set_serving(herd.workers[1].seat, false).unwrap();
    herd.crash(0).await;
    let (port, seat) = (herd.port, herd.workers[0].seat);
    let waiting: JoinSet<_> = (0..20).map(|_| get(port, "/")).collect();
    soon("all of them in the dead worker's queue", async {
        while herd.keeper.waiting(seat).unwrap().now < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    herd.keeper.release(seat).unwrap();
    for outcome in soon("all answers", waiting.join_all()).await {
        assert!(outcome.unwrap().ends_with(" 1"));
    }
    herd.end().await;
}
