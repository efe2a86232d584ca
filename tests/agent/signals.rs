//! Signals to the agent, at every moment of its life.

use nix::sys::signal::Signal;

use crate::remote::Remote;
use crate::serving::NODE;
use crate::support::{Setup, alive, processes_with};

#[tokio::test]
async fn a_stop_during_a_fetch_ends_quickly() {
    let remote = Remote::that_hangs().await;
    let mut agent = Setup::new().config(format!("source.git = \"http://{}/app\"", remote.addr)).start();
    agent.await_phase("fetching").await;
    assert_eq!(agent.stop().await, Some(0));
    assert!(!agent.setup.dir().join("run/control.sock").exists());
}

#[tokio::test]
async fn a_stop_while_workers_start_leaves_nothing() {
    let program = "console.log('begun'); setInterval(() => {}, 1000);";
    let mut agent = Setup::new().app(&[("index.js", program)]).config("workers.count = 2").start();
    agent.await_log("begun").await;
    assert_eq!(agent.try_status().await.unwrap()["phase"], "starting");
    assert_eq!(agent.stop().await, Some(0));
    let state = agent.setup.dir().join("state").display().to_string();
    assert_eq!(processes_with(&state), Vec::<u32>::new());
}

#[tokio::test]
async fn a_stop_during_a_crash_loop_does_not_wait_for_the_next_try() {
    let mut agent = Setup::new().app(&[("index.js", "process.exit(1);")]).config("workers.count = 2").start();
    agent.await_phase("failed").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_hangup_changes_nothing_and_an_interrupt_stops() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let pids = agent.pids().await;
    agent.signal(Signal::SIGHUP);
    agent.await_log("SIGHUP changes nothing").await;
    assert_eq!(agent.health().await.unwrap().0, 200);
    assert_eq!(agent.pids().await, pids);
    agent.signal(Signal::SIGINT);
    assert_eq!(agent.ended().await, Some(0));
    assert!(pids.iter().all(|pid| !alive(*pid)));
}

#[tokio::test]
async fn a_stop_lets_each_worker_finish_the_request_it_has() {
    let program = r"
const server = require('http').createServer((q, r) => { console.log('got', q.url); setTimeout(() => r.end('whole'), 500); });
server.listen(process.env.PORT);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
";
    let mut agent = Setup::new().app(&[("index.js", program)]).config("workers.count = 2").start();
    agent.await_phase("in-service").await;
    let port = agent.setup.port;
    let ask = |n: usize| async move {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        crate::support::get(stream, &format!("/{n}")).await
    };
    let stop = async {
        for n in 1..=3 {
            agent.await_log(&format!("got /{n}")).await;
        }
        agent.stop().await
    };
    let (one, two, three, code) = tokio::join!(ask(1), ask(2), ask(3), stop);
    for answer in [one, two, three] {
        assert_eq!(answer, Some((200, "whole".to_owned())));
    }
    assert_eq!(code, Some(0));
}
