//! Who may do what on the machine, and several agents on one.

use std::os::unix::fs::MetadataExt;

use tokio::process::Command;

use crate::serving::NODE;
use crate::support::{Setup, free_port, run};

fn root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: only root can become somebody else");
    }
    root
}

#[tokio::test]
async fn the_control_socket_is_not_for_everybody() {
    if !root() {
        return;
    }
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let socket = agent.setup.dir().join("run/control.sock").metadata().unwrap();
    assert_eq!(socket.mode() & 0o007, 0, "{:o}", socket.mode());
    // The worker's own account is the one that must not drain the instance.
    let somebody = agent.setup.clone().user("nobody");
    for arguments in [&["status"][..], &["drain"], &["logs"]] {
        let (code, out, errors) = run(somebody.command(arguments)).await;
        assert_eq!((code, out.as_str()), (Some(1), ""), "{errors}");
        assert!(errors.contains("may not be opened by this user"), "{errors}");
    }
    assert_eq!(agent.try_status().await.unwrap()["phase"], "in-service");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn the_app_is_never_root_and_sees_nothing_of_the_agents_environment() {
    if !root() {
        return;
    }
    let setup = Setup::new().env("AWS_SECRET_ACCESS_KEY", "hunter2").config("app.env = { GREETING = \"hello\" }");
    let mut agent = setup.app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let worker = agent.pids().await[0];
    assert_ne!(std::fs::metadata(format!("/proc/{worker}")).unwrap().uid(), 0);
    let environment = std::fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    assert!(!environment.contains("hunter2"), "{environment}");
    for variable in ["GREETING=hello", "NODE_ENV=production", "HERDSMAN_SLOT=0", &format!("PORT={}", agent.setup.port)]
    {
        assert!(environment.split('\0').any(|one| one == variable), "{variable}: {environment}");
    }
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn an_agent_that_is_not_root_runs_the_app_as_itself_and_shares_the_port_all_the_same() {
    if !root() {
        return;
    }
    let setup = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 2\nhealth.probe = \"/\"");
    setup.write_config();
    let changed = Command::new("chown").args(["-R", "nobody"]).arg(setup.dir().join("app")).status().await.unwrap();
    assert!(changed.success());
    let mut agent = setup.user("nobody").start_as_configured();
    agent.await_phase("in-service").await;
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 2 {
        seen.insert(agent.ask("/").await.unwrap().1);
    }
    for pid in agent.pids().await {
        assert_eq!(std::fs::metadata(format!("/proc/{pid}")).unwrap().uid(), nobody);
    }
    let (code, text, errors) = agent.run(&["status"]).await;
    assert_eq!(code, Some(0), "{text}{errors}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn two_agents_with_their_own_directories_do_not_disturb_each_other() {
    let mut one = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    let mut other = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    one.await_phase("in-service").await;
    other.await_phase("in-service").await;
    let pids = other.pids().await;
    assert_eq!(one.stop().await, Some(0));
    let mut one = one.setup.clone().start_as_configured();
    one.await_phase("in-service").await;
    assert_eq!(other.pids().await, pids, "what the first one ended was its own");
    assert_eq!(other.ask("/").await.unwrap().0, 200);
    for agent in [&mut one, &mut other] {
        assert_eq!(agent.stop().await, Some(0));
    }
}

#[tokio::test]
async fn a_second_agent_on_the_same_directories_is_refused_and_the_first_goes_on() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let pids = agent.pids().await;
    let file = agent.setup.dir().join("second.toml");
    std::fs::write(&file, format!("health.listen = \"127.0.0.1:{}\"\n", free_port())).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let (code, _, errors) = agent.run(&["run", "--config", &file]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("another agent answers on") && errors.contains("--run-dir"), "{errors}");
    let elsewhere = agent.setup.dir().join("elsewhere").display().to_string();
    let (code, _, errors) = agent.run(&["--run-dir", &elsewhere, "run", "--config", &file]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("is in use by another herdsman"), "{errors}");
    assert_eq!(agent.pids().await, pids);
    assert_eq!(agent.run(&["status"]).await.0, Some(0), "the socket is still the first one's");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn a_health_port_that_is_taken_is_told_at_once() {
    let setup = Setup::new().app(&[("index.js", NODE)]);
    let _taken = std::net::TcpListener::bind(("127.0.0.1", setup.health_port)).unwrap();
    let told = format!("/health cannot listen on 127.0.0.1:{} (`health.listen`)", setup.health_port);
    let mut agent = setup.start();
    assert_eq!(agent.ended().await, Some(1));
    assert!(agent.log().contains(&told), "{}", agent.log());
}

#[tokio::test]
async fn a_terminal_that_takes_nothing_more_does_not_hold_the_agent() {
    // As when somebody scrolls back in `herdsman up … | less`.
    let program = format!("{NODE}\nsetInterval(() => console.log('x'.repeat(10000)), 5);");
    let setup = Setup::new().app(&[("index.js", &program)]).config("workers.count = 1");
    setup.write_config();
    let mut command = setup.command(&["run"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _never_read = (child.stdout.take(), child.stderr.take());
    let mut agent = setup.adopt(child);
    agent.await_phase("in-service").await;
    // More than any pipe holds.
    let shown = async || {
        let (_, out, _) = agent.run(&["logs", "-n", "1000"]).await;
        (out.len() > 2_000_000).then_some(())
    };
    crate::support::eventually("two megabytes of output", shown).await;
    assert_eq!(agent.health().await.unwrap().0, 200);
    assert_eq!(agent.ask("/").await.unwrap().0, 200);
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn an_agent_whose_terminal_has_gone_goes_on() {
    // As in `herdsman up … | head`.
    let setup = Setup::new().app(&[("index.js", &format!("{NODE}\nsetInterval(() => console.log('tick'), 20);"))]);
    let setup = setup.config("workers.count = 1");
    setup.write_config();
    let mut command = setup.command(&["run"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let mut agent = setup.adopt(child);
    agent.await_phase("in-service").await;
    let ticks = async || agent.run(&["logs", "-n", "1"]).await.1.contains("tick").then_some(());
    crate::support::eventually("its ticks are heard", ticks).await;
    assert_eq!(agent.health().await.unwrap().0, 200);
    assert_eq!(agent.stop().await, Some(0));
}
