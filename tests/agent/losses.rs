//! What a dying worker costs: the requests it had in hand, and no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{Agent, Setup, eventually, get};

/// Says whose connection it has taken, and, in slot 1, does what `IN_SLOT_1` says.
const TAKES: &str = r"
const server = require('http').createServer((q, r) => r.end(String(process.pid)));
server.on('connection', (s) => console.log('took', process.pid, s.remotePort));
server.listen(process.env.PORT, () => { if (process.env.HERDSMAN_SLOT === '1') { IN_SLOT_1 } });
process.on('SIGTERM', () => process.exit(0));
";

/// A stream of requests, each on a connection of its own, from several clients.
struct Stream {
    stop: Arc<AtomicBool>,
    clients: JoinSet<(BTreeSet<String>, Vec<u16>)>,
}

impl Stream {
    fn start(port: u16, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut all = JoinSet::new();
        for _ in 0..clients {
            let stop = Arc::clone(&stop);
            all.spawn(async move {
                let (mut answered, mut failed) = (BTreeSet::new(), Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else {
                        failed.push(0);
                        continue;
                    };
                    let local = stream.local_addr().unwrap().port();
                    match get(stream, "/").await {
                        Some((200, body)) => drop(answered.insert(body)),
                        _ => failed.push(local),
                    }
                }
                (answered, failed)
            });
        }
        Self { stop, clients: all }
    }

    /// Who has answered, and the clients' ports of the requests that failed.
    async fn end(mut self) -> (BTreeSet<String>, Vec<u16>) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut pids, mut failed) = (BTreeSet::new(), Vec::new());
        while let Some(client) = self.clients.join_next().await {
            let (answered, lost) = client.unwrap();
            pids.extend(answered);
            failed.extend(lost);
        }
        (pids, failed)
    }
}

/// Fails unless each of these was in the hands of a worker that died.
fn all_in_hand(agent: &Agent, failed: &[u16], victims: &BTreeSet<String>) {
    let log = agent.log();
    let in_hand = |port: &u16| victims.iter().any(|victim| log.contains(&format!("took {victim} {port}\n")));
    let lost: Vec<_> = failed.iter().filter(|port| !in_hand(port)).collect();
    assert!(lost.is_empty(), "lost {lost:?} for nothing, of {} failures", failed.len());
}

fn kill_9(pid: u32) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_killed_worker_is_replaced_and_costs_only_the_requests_it_had_in_hand() {
    let setup = Setup::new().app(&[("index.js", &TAKES.replace("IN_SLOT_1", ""))]);
    let mut agent = setup.config("workers.count = 2\nhealth.probe = \"/\"").start();
    agent.await_phase("in-service").await;
    let victim = agent.pids().await[0];
    let stream = Stream::start(agent.setup.port, 4);
    agent.await_log(&format!("took {victim} ")).await;
    kill_9(victim);
    let status = agent
        .await_status("replaced", |status| {
            let worker = &status["workers"][0];
            worker["generation"] == 2 && worker["state"] == "ready"
        })
        .await;
    let successor = status["workers"][0]["pid"].to_string();
    eventually("the successor answers", async || {
        let (_, body) = agent.ask("/").await?;
        (body == successor).then_some(())
    })
    .await;
    let (_, failed) = stream.end().await;
    all_in_hand(&agent, &failed, &BTreeSet::from([victim.to_string()]));
    assert!(failed.len() <= 4, "each client has one request in hand: {failed:?}");
    assert_eq!(status["workers"][0]["restarts"], 1, "{status:#}");
    assert!(status["workers"][0]["last_exit"].as_str().unwrap().contains("SIGKILL"), "{status:#}");
    agent.await_log("slot 0: the worker ended (1 in a row").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn who_comes_while_the_only_worker_is_replaced_waits_for_its_successor() {
    let setup = Setup::new().app(&[("index.js", &TAKES.replace("IN_SLOT_1", ""))]);
    let mut agent = setup.config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let victim = agent.pids().await[0];
    kill_9(victim);
    for _ in 0..20 {
        let (code, body) = agent.ask("/").await.expect("it waits, and is not refused");
        assert!(code == 200 && body != victim.to_string(), "{code} {body}");
    }
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_worker_in_a_crash_loop_leaves_the_others_serving() {
    let setup = Setup::new().app(&[("index.js", &TAKES.replace("IN_SLOT_1", "setTimeout(() => process.exit(7), 50)"))]);
    let mut agent = setup.config("workers.count = 2").start();
    agent.await_status("a healthy first worker", |status| status["workers"][0]["state"] == "ready").await;
    let stream = Stream::start(agent.setup.port, 4);
    let status = agent
        .await_status("degraded", |status| status["phase"] == "degraded" && status["workers"][1]["crash_loop"] == true)
        .await;
    assert!(status["reason"].as_str().unwrap().contains("slot 1: crash loop"), "{status:#}");
    let (pids, failed) = stream.end().await;
    let healthy = status["workers"][0]["pid"].to_string();
    assert!(pids.contains(&healthy), "{pids:?}");
    let log = agent.log();
    let victims = log.lines().filter_map(|line| line.split("slot 1: worker ").nth(1)?.strip_suffix(" started"));
    all_in_hand(&agent, &failed, &victims.map(str::to_owned).collect());
    // The other goes on as before, with nothing of the loop in its way.
    agent.await_status("waiting for the next try", |status| status["workers"][1]["state"] == "waiting").await;
    let (code, body) = agent.health().await.unwrap();
    assert_eq!((code, &body["workers"]["wanted"]), (200, &2.into()), "{body:#}");
    assert_eq!(agent.run(&["status"]).await.0, Some(0));
    assert_eq!(agent.stop().await, Some(0));
}
