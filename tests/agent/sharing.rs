//! The other ways in which workers come to their port, or to none.

use std::collections::BTreeSet;

use crate::serving::NODE;
use crate::support::{Agent, Setup, free_port, get};

/// Asks until so many different workers have answered.
async fn hear_from(agent: &Agent, count: usize) {
    let mut seen = BTreeSet::new();
    while seen.len() < count {
        let (code, body) = agent.ask("/").await.unwrap();
        assert_eq!(code, 200);
        seen.insert(body);
    }
}

#[tokio::test]
async fn each_worker_can_have_a_port_of_its_own() {
    let mut setup = Setup::new();
    // The next one must be free too.
    (setup.port, _) = (free_port(), free_port());
    let setup =
        setup.app(&[("index.js", NODE)]).config("workers.count = 2\nworkers.share = \"ports\"\nhealth.probe = \"/\"");
    let mut agent = setup.start();
    agent.await_phase("in-service").await;
    for slot in 0..2_u16 {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", agent.setup.port + slot)).await.unwrap();
        let (code, body) = get(stream, "/").await.unwrap();
        assert!(code == 200 && body.starts_with(&format!("{slot} ")), "port {slot}: {code} {body}");
    }
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_node_program_takes_the_socket_it_is_handed() {
    let program = "require('http').createServer((q, r) => r.end(String(process.pid))).listen({ fd: 3 });\n\
                   process.on('SIGTERM', () => process.exit(0));";
    let setup = Setup::new().app(&[("index.js", program)]);
    let mut agent =
        setup.config("workers.count = 2\nworkers.share = \"socket-activation\"\nhealth.probe = \"/\"").start();
    agent.await_phase("in-service").await;
    hear_from(&agent, 2).await;
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", agent.pids().await[0])).unwrap();
    assert!(environment.contains("LISTEN_FDS=1\0") && environment.contains("LISTEN_PID="), "{environment}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_python_program_takes_the_socket_it_is_handed() {
    let program = r"
import http.server, os, socket
assert os.environ['LISTEN_PID'] == str(os.getpid())
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = str(os.getpid()).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
server = http.server.ThreadingHTTPServer(('', 0), Hello, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()
";
    let setup = Setup::new().app(&[("main.py", program)]);
    let mut agent = setup.config("workers.count = 2\nworkers.share = \"socket-activation\"").start();
    agent.await_phase("in-service").await;
    hear_from(&agent, 2).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_queue_worker_needs_no_port_and_finishes_its_job_when_asked_to_stop() {
    // Behind a shell, which passes no signal on.
    let program = r"
console.log('port is', process.env.PORT);
setInterval(() => {}, 1000);
process.on('SIGTERM', () => { console.log('finishing'); setTimeout(() => { console.log('job done'); process.exit(0); }, 300); });
";
    let setup = Setup::new().app(&[("job.js", program)]);
    let setup = setup.config("workers.count = 2\nworkers.share = \"none\"\napp.run = 'sh -c \"node job.js; true\"'");
    let mut agent = setup.start();
    let status = agent.await_phase("in-service").await;
    assert_eq!(status["workers"].as_array().unwrap().len(), 2);
    assert_eq!(agent.health().await.unwrap().0, 200);
    agent.await_log("port is undefined").await;
    assert_eq!(agent.stop().await, Some(0));
    let log = agent.log();
    assert_eq!(log.matches("job done").count(), 2, "{log}");
    assert!(!log.contains("was killed"), "{log}");
}
