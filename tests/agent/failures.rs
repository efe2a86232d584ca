//! Programs that never come up: each is told by name, costs nothing else, and the agent goes on.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Agent, Setup, alive, free_port, git, processes_with};

/// Waits until the start is given up, with this in the reason; the agent goes on, and says so everywhere in the same words.
async fn fails_with(agent: &Agent, parts: &[&str]) -> Value {
    let holds = |status: &Value| {
        let reason = status["reason"].as_str().unwrap_or_default();
        status["phase"] == "failed" && parts.iter().all(|part| reason.contains(part))
    };
    let status = agent.await_status(&format!("failed with {parts:?}"), holds).await;
    let (code, body) = agent.health().await.unwrap();
    assert_eq!((code, &body["status"]), (503, &"failed".into()), "{body:#}");
    for part in parts {
        assert!(agent.log().contains(part), "{part:?} is not in the log:\n{}", agent.log());
    }
    status
}

fn one(program: &str) -> Setup {
    Setup::new().app(&[("index.js", program)]).config("workers.count = 1")
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_told_with_its_exit_status_and_last_words() {
    let mut agent =
        one("console.log('connecting');\nconsole.error('no database at db:5432');\nprocess.exit(1);").start();
    let status = fails_with(&agent, &["slot 0", "exit code 1", "it said last", "no database at db:5432"]).await;
    assert_eq!(status["workers"][0]["state"], "waiting", "{status:#}");
    assert!(status["workers"][0]["restarts"].as_u64().unwrap() >= 5, "{status:#}");
    assert!(status["workers"][0]["last_exit"].as_str().unwrap().contains("exit code 1"));
    assert!(status["release"]["id"].is_string(), "the release stays known: {status:#}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_that_ends_with_zero_has_failed_too() {
    let mut agent = one("console.log('all done');").start();
    fails_with(&agent, &["exit code 0", "all done"]).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_that_never_listens_is_not_waited_for_for_ever() {
    let setup = one("setInterval(() => {}, 1000);").config("workers.ready_timeout = \"300ms\"");
    let mut agent = setup.start();
    let port = agent.setup.port;
    let told =
        format!("not ready within 300ms (`workers.ready_timeout`): waited until the program listens on port {port}");
    fails_with(&agent, &[&told]).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_on_the_wrong_port_is_told_which_it_has_and_which_it_should() {
    let wrong = free_port();
    let program = format!("require('http').createServer(() => {{}}).listen({wrong});");
    let mut agent = one(&program).config("workers.ready_timeout = \"500ms\"").start();
    let (listens, wanted) = (format!("listens on [::]:{wrong}"), format!("`app.port` is {}", agent.setup.port));
    fails_with(&agent, &[&listens, &wanted, "PORT"]).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_port_that_another_program_has_is_told_with_that_programs_pid_and_taken_once_it_is_free() {
    let setup = one(crate::serving::NODE);
    let taken = std::net::TcpListener::bind(("0.0.0.0", setup.port)).unwrap();
    let mut agent = setup.start();
    let me = format!("(process {}) has it", std::process::id());
    let status = fails_with(&agent, &["the port could not be had", &me]).await;
    let exit = status["workers"][0]["last_exit"].as_str().unwrap();
    assert!(exit.contains("EADDRINUSE"), "the program is told the truth: {exit}");
    drop(taken);
    agent.await_status("in service", |status| status["phase"] == "in-service").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_whose_probe_fails_is_told_what_it_answered() {
    let program =
        "require('http').createServer((q, r) => { r.statusCode = 500; r.end('no'); }).listen(process.env.PORT);";
    let setup = one(program).config("health.probe = \"/ready\"\nworkers.ready_timeout = \"500ms\"");
    let mut agent = setup.start();
    fails_with(&agent, &["not ready within 500ms", "the probe of /ready (`health.probe`) failed", "500"]).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_that_goes_into_the_background_is_told_to_stay_and_nothing_of_it_is_left() {
    let program = r"
const { spawn } = require('child_process');
const child = spawn('sleep', ['7654321'], { detached: true, stdio: 'ignore' });
child.unref();
console.log('daemon is', child.pid);
";
    let mut agent = one(program).start();
    fails_with(&agent, &["put itself into the background", "foreground"]).await;
    assert_eq!(agent.stop().await, Some(0));
    let daemons = agent.log();
    let daemons = daemons.lines().filter_map(|line| line.strip_prefix("[slot 0] daemon is ")?.parse().ok());
    let daemons: Vec<u32> = daemons.collect();
    assert!(!daemons.is_empty(), "{}", agent.log());
    assert!(daemons.iter().all(|pid| !alive(*pid)), "{daemons:?}");
    let state = agent.setup.dir().join("state").display().to_string();
    assert_eq!(processes_with(&state), Vec::<u32>::new());
}

#[tokio::test]
async fn a_daemon_that_forked_twice_and_listens_is_found_too() {
    let program = r"
import http.server, os, sys
if os.fork() > 0: os.wait(); sys.exit(0)
os.setsid()
if os.fork() > 0: os._exit(0)
print('daemon is', os.getpid(), flush=True)
http.server.HTTPServer(('', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()
";
    let mut agent = Setup::new().app(&[("main.py", program)]).config("workers.count = 1").start();
    let holds = |status: &Value| status["reason"].as_str().unwrap_or_default().contains("into the background");
    agent.await_status("found out", holds).await;
    assert_eq!(agent.stop().await, Some(0));
    let log = agent.log();
    let daemons = log.lines().filter_map(|line| line.strip_prefix("[slot 0] daemon is ")?.parse().ok());
    assert!(daemons.into_iter().all(|pid: u32| !alive(pid)), "{log}");
}

#[tokio::test]
async fn a_missing_runtime_is_named_with_where_it_was_looked_for_and_what_to_do() {
    let mut agent = one("").config("app.run = \"nosuchprogram x\"").start();
    fails_with(
        &agent,
        &["app.run: nosuchprogram is not on this machine", "looked in", "/usr/local/bin", "install it on the image"],
    )
    .await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_program_that_may_not_be_executed_is_named() {
    let setup = Setup::new().app(&[("server", "#!/usr/bin/env node\n")]).config("app.run = \"./server\"");
    let mut agent = setup.start();
    fails_with(&agent, &["app.run: ./server", "executable"]).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_script_whose_interpreter_is_missing_is_told_so() {
    let setup =
        Setup::new().app(&[("server", "#!/opt/nowhere/node\n")]).config("app.run = \"./server\"\nworkers.count = 1");
    let repository = setup.dir().join("app");
    std::fs::set_permissions(repository.join("server"), PermissionsExt::from_mode(0o755)).unwrap();
    git(&repository, &["commit", "--quiet", "--all", "--message=executable"]);
    let mut agent = setup.start();
    fails_with(&agent, &["/opt/nowhere/node", "not there"]).await;
    assert_eq!(agent.stop().await, Some(0));
}
