//! Programs as people write them, none of which knows of herdsman.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::serving::NODE;
use crate::support::{Agent, Setup, alive};

/// In service with two workers, both of which answer.
async fn serves_with_two(agent: &Agent) {
    let status = agent.await_phase("in-service").await;
    assert_eq!(status["workers"].as_array().unwrap().len(), 2, "{status:#}");
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        let (code, body) = agent.ask("/").await.unwrap();
        assert_eq!(code, 200, "{body}");
        seen.insert(body);
    }
}

fn two() -> Setup {
    Setup::new().config("workers.count = 2\nhealth.probe = \"/\"")
}

#[tokio::test]
async fn a_python_server_shares_the_port_that_it_finds_in_its_environment() {
    let program = r"
import http.server, os
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
http.server.ThreadingHTTPServer(('', int(os.environ['PORT'])), Hello).serve_forever()
";
    let mut agent = two().app(&[("main.py", program)]).start();
    serves_with_two(&agent).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_bun_server_shares_the_port() {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let places = [home.join(".cache/herdsman/bun/bun"), "/usr/local/bin/bun".into(), "/usr/bin/bun".into()];
    let Some(bun) = places.iter().find(|place| place.is_file()) else {
        eprintln!("SKIPPED: no Bun; scripts/get-bun installs it");
        return;
    };
    let setup = two();
    // Where the app's account gets to.
    let here = setup.dir().join("bun");
    std::fs::copy(bun.canonicalize().unwrap(), &here).unwrap();
    let program = "Bun.serve({ port: process.env.PORT, fetch: () => new Response(String(process.pid)) });\nconsole.log('bun listens');";
    let setup = setup.app(&[("index.ts", program)]).config(format!("app.run = \"{} index.ts\"", here.display()));
    let mut agent = setup.start();
    serves_with_two(&agent).await;
    agent.await_log("bun listens").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn npm_start_is_followed_to_the_program_itself() {
    let package = r#"{"name": "app", "scripts": {"start": "npm run serve", "serve": "GREETING=hello node server.js"}}"#;
    let program = NODE.replace("process.env.HERDSMAN_SLOT", "process.env.GREETING");
    let mut agent = two().app(&[("package.json", package), ("server.js", &program)]).start();
    let status = agent.await_phase("in-service").await;
    assert!(agent.ask("/").await.unwrap().1.starts_with("hello "));
    let command = status["app"]["command"].as_str().unwrap();
    assert!(command.ends_with("/node server.js"), "{command}");
    for pid in agent.pids().await {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(line.ends_with("node\0server.js\0"), "no npm and no shell stands in between: {line:?}");
    }
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_procfile_says_how_to_start() {
    let files = [("Procfile", "release: false\nweb: node web.js --here\n"), ("web.js", NODE)];
    let mut agent = two().app(&files).start();
    serves_with_two(&agent).await;
    assert!(agent.try_status().await.unwrap()["app"]["command"].as_str().unwrap().ends_with("web.js --here"));
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn an_app_is_built_by_its_own_script_before_it_starts() {
    let package = r#"{"name": "app", "scripts": {"build": "node build.js", "start": "node dist/server.js"}}"#;
    let build = "const fs = require('fs'); fs.mkdirSync('dist'); fs.copyFileSync('server.js', 'dist/server.js'); \
                 console.log('built by', process.getuid());";
    let mut agent = two().app(&[("package.json", package), ("build.js", build), ("server.js", NODE)]).start();
    serves_with_two(&agent).await;
    agent.await_log("[build] package.json scripts.build → npm run build").await;
    let said = agent.await_log("[build] built by").await;
    assert!(!said.ends_with(" 0"), "the build ran as root: {said}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_locked_dependency_is_installed_without_a_network() {
    let package = r#"{"name": "app", "version": "1.0.0", "dependencies": {"express-like": "file:express-like"}}"#;
    let lock = r#"{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
        "": {"name": "app", "version": "1.0.0", "dependencies": {"express-like": "file:express-like"}},
        "express-like": {"version": "1.0.0"},
        "node_modules/express-like": {"resolved": "express-like", "link": true}}}"#;
    let like = format!("module.exports = () => {{{NODE}}};");
    let files = [
        ("package.json", package),
        ("package-lock.json", lock),
        ("express-like/package.json", r#"{"name": "express-like", "version": "1.0.0", "main": "index.js"}"#),
        ("express-like/index.js", &like),
        ("index.js", "require('express-like')();"),
    ];
    let mut agent = two().app(&files).start();
    serves_with_two(&agent).await;
    agent.await_log("[build] package-lock.json → npm ci").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_shell_around_the_program_does_not_keep_its_stop_signal_from_it() {
    let program = r"
const http = require('http');
const server = http.createServer((q, r) => {
  console.log('got', q.url);
  if (q.url === '/slow') process.once('SIGTERM', () => setTimeout(() => r.end('slow but whole'), 300));
  else r.end('ok');
}).listen(process.env.PORT);
process.on('SIGTERM', () => { console.log('node was told'); server.close(() => process.exit(0)); });
";
    let setup =
        Setup::new().app(&[("x.js", program)]).config("workers.count = 1\napp.run = 'sh -c \"node x.js; true\"'");
    let mut agent = setup.start();
    agent.await_phase("in-service").await;
    let pid = agent.pids().await[0];
    let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    assert_ne!(comm.trim(), "node", "a shell is in front, or this test shows nothing");
    let (slow, code) = tokio::join!(agent_ask(agent.setup.port, "/slow"), async {
        agent.await_log("got /slow").await;
        agent.stop().await
    });
    assert_eq!(slow, Some((200, "slow but whole".to_owned())));
    assert_eq!(code, Some(0));
    assert!(agent.log().contains("node was told") && !agent.log().contains("was killed"), "{}", agent.log());
    assert!(!alive(pid));
}

/// Without borrowing the agent, which is being stopped meanwhile.
async fn agent_ask(port: u16, path: &str) -> Option<(u16, String)> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    crate::support::get(stream, path).await
}

#[tokio::test]
async fn one_command_takes_a_real_express_app_from_its_repository_to_healthy() {
    let registry = std::process::Command::new("npm").args(["ping"]).output();
    if !registry.is_ok_and(|said| said.status.success()) {
        eprintln!("SKIPPED: npm reaches no registry");
        return;
    }
    let setup = Setup::new();
    let repository = setup.dir().join("app");
    let program = "const app = require('express')();\napp.get('/', (q, r) => r.send(`express ${process.pid}`));\n\
                   app.listen(process.env.PORT);";
    let package = r#"{"name": "app", "dependencies": {"express": "^4.21.0"}}"#;
    crate::support::git_repository(&repository, &[("package.json", package), ("index.js", program)]);
    let (url, port) = (format!("file://{}", repository.display()), setup.port.to_string());
    let listen = format!("127.0.0.1:{}", setup.health_port);
    // No configuration file at all. The ports are named because many tests share this machine.
    let setup = setup.arguments(&["up", &url, "--workers", "2", "--port", &port, "--listen", &listen]);
    let mut agent = setup.start_as_configured();
    agent.await_phase("in-service").await;
    agent.await_log("[build] package.json, no lockfile → npm install").await;
    let (code, body) = agent.health().await.unwrap();
    assert_eq!((code, &body["workers"]["ready"]), (200, &2.into()), "{body:#}");
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        seen.insert(agent.ask("/").await.unwrap().1);
    }
    assert!(seen.iter().all(|body| body.starts_with("express ")), "{seen:?}");
    assert!(tokio::time::timeout(Duration::from_secs(60), agent.stop()).await.unwrap() == Some(0));
}
