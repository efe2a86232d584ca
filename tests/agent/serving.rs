//! From a git repository to one worker a slot, and back.

use crate::support::Setup;

/// A server that says who it is, and takes its leave.
pub const NODE: &str = r"
const http = require('http');
http.createServer((q, r) => r.end(`${process.env.HERDSMAN_SLOT} ${process.pid}`)).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
";

#[tokio::test]
async fn an_app_from_git_serves_with_every_worker_and_stops_without_a_trace() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 2\nhealth.probe = \"/\"").start();
    let status = agent.await_phase("in-service").await;
    assert_eq!(status["workers"].as_array().unwrap().len(), 2, "{status:#}");
    assert_eq!(agent.health().await.unwrap().0, 200);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        let (code, body) = agent.ask("/").await.unwrap();
        assert_eq!(code, 200);
        seen.insert(body);
    }
    let pids = agent.pids().await;
    assert_eq!(agent.stop().await, Some(0));
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "worker {pid} is still there");
    }
}
