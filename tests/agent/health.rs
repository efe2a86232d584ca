//! `/health`, as a load balancer and as bad company ask it.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::remote::Remote;
use crate::serving::NODE;
use crate::support::{Agent, PATIENCE, Setup, eventually, say};

/// The head and the body of the answer to this request, byte by byte.
async fn raw(agent: &Agent, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", agent.setup.health_port)).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, say(&mut stream, request)).await.expect("an answer").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {answer:?}"));
    (head.to_ascii_lowercase(), body.to_owned())
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn health_answers_before_anything_slow_has_come_to_an_end() {
    let remote = Remote::that_hangs().await;
    let mut agent = Setup::new().config(format!("source.git = \"http://{}/app\"", remote.addr)).start();
    let (code, body) = eventually("an answer", async || agent.health().await).await;
    assert_eq!(code, 503);
    let (_, body) = match body["phase"].as_str() {
        Some("fetching") => (code, body),
        _ => {
            eventually("fetching", async || agent.health().await.filter(|(_, body)| body["phase"] == "fetching")).await
        }
    };
    let expected = ["phase", "reason", "release", "status", "uptime_s", "workers"];
    assert_eq!(fields(&body), BTreeSet::from(expected), "{body:#}");
    assert_eq!(fields(&body["workers"]), BTreeSet::from(["ready", "wanted"]));
    assert_eq!((&body["status"], &body["release"]), (&"starting".into(), &Value::Null), "{body:#}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn health_says_who_serves_what_and_knows_its_methods() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 2").start();
    let status = agent.await_phase("in-service").await;
    let (code, body) = agent.health().await.unwrap();
    assert_eq!(code, 200);
    assert_eq!((&body["status"], &body["phase"]), (&"ok".into(), &"in-service".into()), "{body:#}");
    assert_eq!((&body["release"], &body["reason"]), (&status["release"]["id"], &Value::Null), "{body:#}");
    assert_eq!(body["workers"], serde_json::json!({ "ready": 2, "wanted": 2 }));
    assert!(body["uptime_s"].is_u64(), "{body:#}");

    let (head, body) = raw(&agent, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 ok") && head.contains("cache-control: no-store"), "{head}");
    assert_eq!(body, "");
    let (head, _) = raw(&agent, "GET /health?from=alb HTTP/1.0\r\n\r\n").await;
    assert!(head.starts_with("http/1.0 200 ok"), "{head}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let (head, _) = raw(&agent, &format!("{method} /health HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(head.starts_with("http/1.1 405 "), "{head}");
        assert!(head.lines().any(|line| line == "allow: get, head"), "{head}");
    }
    for path in ["/", "/healthz", "/health/", "/v1/status", "/../health"] {
        let (head, _) = raw(&agent, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(head.starts_with("http/1.1 404 "), "{path}: {head}");
    }
    let (head, _) = raw(&agent, "nonsense\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    assert_eq!(agent.health().await.unwrap().0, 200);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn two_hundred_slow_clients_do_not_keep_health_from_answering() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(("127.0.0.1", agent.setup.health_port)).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nX-Slow: ").await.unwrap();
        slow.push(stream);
        if n % 20 == 0 {
            assert_eq!(agent.health().await.map(|(code, _)| code), Some(200), "with {n} slow clients");
        }
    }
    for _ in 0..20 {
        assert_eq!(agent.health().await.map(|(code, _)| code), Some(200));
    }
    drop(slow);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn what_a_worker_prints_is_shown_to_those_who_may_see_it_and_not_by_health() {
    let program = "console.error('password=hunter2'); process.exit(1);";
    let mut agent = Setup::new().app(&[("index.js", program)]).config("workers.count = 1").start();
    let status = agent.await_phase("failed").await;
    assert!(status["reason"].as_str().unwrap().contains("hunter2"), "{status:#}");
    let (code, body) = agent.health().await.unwrap();
    assert_eq!(code, 503);
    let reason = body["reason"].as_str().unwrap();
    assert!(reason.contains("exit code 1") && !reason.contains('\n'), "{reason}");
    assert!(!body.to_string().contains("hunter2"), "{body:#}");
    assert_eq!(agent.stop().await, Some(0));
}
