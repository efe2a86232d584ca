//! What systemd is told, and when.

use std::path::Path;

use nix::sys::signal::Signal;
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::serving::NODE;
use crate::support::{PATIENCE, Setup};

/// The other end of `NOTIFY_SOCKET`.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn listen(path: &Path) -> Self {
        Self { socket: UnixDatagram::bind(path).unwrap(), heard: Vec::new() }
    }

    /// Listens until a line begins so, and gives it; all lines are kept.
    async fn hear(&mut self, beginning: &str) -> String {
        let mut buffer = vec![0; 8192];
        loop {
            let heard = timeout(PATIENCE, self.socket.recv(&mut buffer)).await;
            let length = heard.unwrap_or_else(|_| panic!("never {beginning:?}; heard {:#?}", self.heard)).unwrap();
            let lines: Vec<String> =
                std::str::from_utf8(&buffer[..length]).unwrap().lines().map(str::to_owned).collect();
            self.heard.extend(lines.iter().cloned());
            if let Some(line) = lines.into_iter().find(|line| line.starts_with(beginning)) {
                return line;
            }
        }
    }

    fn count(&self, line: &str) -> usize {
        self.heard.iter().filter(|heard| heard.as_str() == line).count()
    }
}

fn with_manager() -> (Setup, Manager) {
    let setup = Setup::new();
    let path = setup.dir().join("notify");
    let manager = Manager::listen(&path);
    (setup.env("NOTIFY_SOCKET", path.to_str().unwrap()), manager)
}

#[tokio::test]
async fn systemd_is_told_ready_once_it_serves_and_each_step_on_the_way() {
    let (setup, mut manager) = with_manager();
    let flag = setup.dir().join("flag");
    let program = format!(
        "const go = setInterval(() => {{ if (require('fs').existsSync('{}')) {{ clearInterval(go); {NODE} }} }}, 20);",
        flag.display()
    );
    let mut agent = setup.app(&[("index.js", &program)]).config("workers.count = 1").start();
    let starting = manager.hear("STATUS=starting").await;
    assert!(starting.contains("0 of 1 workers ready"), "{starting}");
    agent.await_status("a worker that does not listen", |status| status["workers"][0]["state"] == "starting").await;
    assert_eq!(manager.count("READY=1"), 0, "{:#?}", manager.heard);
    std::fs::write(&flag, "").unwrap();
    manager.hear("READY=1").await;
    assert!(manager.heard.iter().any(|line| line.starts_with("STATUS=in-service")), "{:#?}", manager.heard);
    for step in ["STATUS=fetching", "STATUS=building"] {
        assert!(manager.heard.iter().any(|line| line.starts_with(step)), "{step}: {:#?}", manager.heard);
    }
    let extended = manager.heard.iter().filter_map(|line| line.strip_prefix("EXTEND_TIMEOUT_USEC="));
    assert!(extended.map(|time| time.parse::<u64>().unwrap()).any(|time| time >= 30_000_000), "{:#?}", manager.heard);

    let worker = agent.pids().await[0];
    let environment = std::fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    assert!(!environment.contains("NOTIFY_SOCKET") && environment.contains("HERDSMAN_SLOT=0"), "{environment}");

    agent.signal(Signal::SIGTERM);
    manager.hear("STOPPING=1").await;
    assert_eq!(agent.ended().await, Some(0));
    assert_eq!(manager.count("READY=1"), 1, "once: {:#?}", manager.heard);
}

#[tokio::test]
async fn systemd_is_told_ready_with_the_reason_when_the_instance_cannot_serve() {
    // Else systemd would end the agent, and with it the one who can say what is wrong.
    let (setup, mut manager) = with_manager();
    let mut agent = setup.app(&[("nothing.txt", "")]).start();
    manager.hear("READY=1").await;
    let status = manager.heard.iter().rfind(|line| line.starts_with("STATUS=failed"));
    let status = status.unwrap_or_else(|| panic!("{:#?}", manager.heard));
    assert!(status.contains("nothing says how to start this release"), "{status}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn the_watchdog_is_fed_as_long_as_the_loop_turns() {
    let (setup, mut manager) = with_manager();
    let mut agent =
        setup.env("WATCHDOG_USEC", "20000000").app(&[("index.js", NODE)]).config("workers.count = 1").start();
    manager.hear("READY=1").await;
    let before = manager.count("WATCHDOG=1");
    while manager.count("WATCHDOG=1") < before + 2 {
        manager.hear("WATCHDOG=1").await;
    }
    let worker = agent.pids().await[0];
    let environment = std::fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    assert!(!environment.contains("WATCHDOG"), "{environment}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_watchdog_that_is_meant_for_another_process_is_not_fed() {
    let (setup, mut manager) = with_manager();
    let setup = setup.env("WATCHDOG_USEC", "20000000").env("WATCHDOG_PID", "1");
    let mut agent = setup.app(&[("index.js", NODE)]).config("workers.count = 1").start();
    manager.hear("READY=1").await;
    assert_eq!(manager.count("WATCHDOG=1"), 0, "{:#?}", manager.heard);
    assert_eq!(agent.stop().await, Some(0));
}
