//! The commands of people and scripts, against an agent that runs, that does not, and that says no.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::serving::NODE;
use crate::support::{Setup, alive, run};

/// The command on a machine where no agent runs.
async fn alone(setup: &Setup, arguments: &[&str]) -> (Option<i32>, String, String) {
    run(setup.command(arguments)).await
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

#[tokio::test]
async fn status_tells_people_and_programs_the_same() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 2").start();
    agent.await_phase("in-service").await;
    let (code, text, errors) = agent.run(&["status"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{text}");
    assert!(text.starts_with("in-service since "), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours without a terminal: {text:?}");

    let (code, json, _) = agent.run(&["status", "--json"]).await;
    assert_eq!(code, Some(0));
    let status: Value = serde_json::from_str(&json).unwrap();
    for key in
        ["phase", "since", "reason", "settled", "release", "workers", "workers_wanted", "health", "instance", "version"]
    {
        assert!(keys(&status).contains(key), "{key} is missing: {status:#}");
    }
    assert_eq!((&status["phase"], &status["reason"]), (&"in-service".into(), &Value::Null));
    assert_eq!(status["instance"], Value::Null, "there is no cloud here");
    assert_eq!(keys(&status["release"]), BTreeSet::from(["activated_at", "id", "revision", "source"]));
    let revision = crate::support::git(&agent.setup.dir().join("app"), &["rev-parse", "HEAD"]);
    assert_eq!(status["release"]["revision"], revision);
    assert_eq!((&status["health"]["status"], &status["health"]["http"]), (&"ok".into(), &200.into()));
    for (slot, worker) in status["workers"].as_array().unwrap().iter().enumerate() {
        for key in ["slot", "pid", "generation", "state", "restarts", "since", "crash_loop", "last_exit", "retry_at"] {
            assert!(keys(worker).contains(key), "{key} is missing: {worker:#}");
        }
        assert_eq!((&worker["slot"], &worker["generation"], &worker["restarts"]), (&slot.into(), &1.into(), &0.into()));
        assert!(alive(u32::try_from(worker["pid"].as_u64().unwrap()).unwrap()));
        for part in [worker["pid"].to_string(), worker["since"].as_str().unwrap().to_owned()] {
            assert!(text.contains(&part), "{part} is not in {text}");
        }
    }
    for part in [status["release"]["id"].as_str().unwrap(), &revision, "/usr/bin/node index.js"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(agent.stop().await, Some(0));
    let (code, _, errors) = agent.run(&["status"]).await;
    assert_eq!(code, Some(3));
    assert!(errors.contains("no agent is running here"), "{errors}");
}

#[tokio::test]
async fn commands_without_an_agent_say_that_there_is_none() {
    let setup = Setup::new();
    for arguments in [&["status"][..], &["status", "--json"], &["drain"], &["drain", "--no-wait"], &["logs"]] {
        let (code, out, errors) = alone(&setup, arguments).await;
        assert_eq!((code, out.as_str()), (Some(3), ""), "{arguments:?}: {errors}");
        assert!(errors.contains("no agent is running here") && errors.contains("herdsman run"), "{errors}");
    }
}

#[tokio::test]
async fn a_command_line_that_is_wrong_is_told_with_2() {
    let setup = Setup::new();
    for arguments in
        [&["--nonsense"][..], &["statsu"], &["status", "--jsn"], &["run", "extra"], &["logs", "-n", "x"], &[]]
    {
        let (code, out, errors) = alone(&setup, arguments).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains("--help"), "{arguments:?}: {errors}");
    }
    let (code, _, errors) = alone(&setup, &["up", "nonsense"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("nonsense is neither a git URL"), "{errors}");
    let (code, _, errors) = alone(&setup, &["up"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("there is nothing to run"), "{errors}");
    let (code, _, errors) = alone(&setup, &["up", "https://example.com/app", "--workers", "many", "--port", "0"]).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("2 problems") && errors.contains("many") && errors.contains("65535"), "{errors}");
}

#[tokio::test]
async fn version_and_help_are_there_for_the_asking() {
    let setup = Setup::new();
    let expected = format!("herdsman {}\n", env!("CARGO_PKG_VERSION"));
    for arguments in [&["version"][..], &["--version"]] {
        assert_eq!(alone(&setup, arguments).await, (Some(0), expected.clone(), String::new()));
    }
    let (code, help, _) = alone(&setup, &["--help"]).await;
    assert_eq!(code, Some(0));
    for command in ["run", "up", "check", "status", "drain", "logs", "Exit codes"] {
        assert!(help.contains(command), "{help}");
    }
}

#[tokio::test]
async fn check_says_whether_the_configuration_holds() {
    let setup = Setup::new().config("source.path = \"/srv/app\"");
    setup.write_config();
    let (code, out, errors) = alone(&setup, &["check"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.starts_with("ok: ") && out.contains("/srv/app"), "{out}");
    let setup = setup.config("workers.cuont = 2\nworkers.count = 0");
    setup.write_config();
    for arguments in [&["check"][..], &["run"], &["up"]] {
        let (code, out, errors) = alone(&setup, arguments).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
        for part in ["2 problems", "herdsman.toml:4:", "did you mean `count`?", "herdsman.toml:5:"] {
            assert!(errors.contains(part), "{arguments:?}: {part:?} is not in {errors}");
        }
    }
}

#[tokio::test]
async fn drain_waits_for_the_last_request_and_leaves_a_drained_agent() {
    let program = r"
const server = require('http').createServer((q, r) => { console.log('got', q.url); setTimeout(() => r.end('whole'), 400); });
server.listen(process.env.PORT);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
";
    let mut agent = Setup::new().app(&[("index.js", program)]).config("workers.count = 2").start();
    agent.await_phase("in-service").await;
    let drained = async {
        agent.await_log("got /slow").await;
        agent.run(&["drain"]).await
    };
    let (answer, (code, out, errors)) = tokio::join!(agent.ask("/slow"), drained);
    assert_eq!(answer, Some((200, "whole".to_owned())));
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.contains("draining") && out.lines().last().unwrap().starts_with("drained"), "{out}");
    let status = agent.try_status().await.unwrap();
    assert_eq!((&status["phase"], &status["workers"][0]["state"]), (&"drained".into(), &"stopped".into()));
    let (code, body) = agent.health().await.unwrap();
    assert_eq!((code, &body["status"]), (503, &"draining".into()));
    assert_eq!(agent.run(&["status"]).await.0, Some(4));
    assert_eq!(agent.run(&["drain"]).await.0, Some(0), "once more does no harm");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn drain_need_not_be_waited_for() {
    let mut agent = Setup::new().app(&[("index.js", NODE)]).config("workers.count = 1").start();
    agent.await_phase("in-service").await;
    let (code, out, _) = agent.run(&["drain", "--no-wait"]).await;
    assert_eq!(code, Some(0));
    assert!(out.contains("the drain has begun"), "{out}");
    agent.await_phase("drained").await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn logs_show_the_last_lines_of_one_worker_or_of_all() {
    let program = format!(
        "{NODE}\nfor (let n = 0; n < 5; n++) console.log('line', n, 'of', process.env.HERDSMAN_SLOT, '\\x1b[31m');"
    );
    let mut agent = Setup::new().app(&[("index.js", &program)]).config("workers.count = 2").start();
    agent.await_phase("in-service").await;
    for slot in 0..2 {
        agent.await_log(&format!("line 4 of {slot}")).await;
    }
    let (code, out, _) = agent.run(&["logs"]).await;
    assert_eq!(code, Some(0));
    assert_eq!(out.lines().filter(|line| line.contains("line ")).count(), 10, "{out}");
    assert!(!out.contains('\u{1b}'), "a worker may not steer the terminal: {out:?}");
    let (_, out, _) = agent.run(&["logs", "--slot", "1", "-n", "2"]).await;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("[slot 1] line 4 of 1"), "{out}");
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn up_takes_a_configuration_file_and_a_directory() {
    let setup = Setup::new();
    let app = setup.dir().join("plain");
    std::fs::create_dir(&app).unwrap();
    std::fs::write(app.join("server.js"), NODE).unwrap();
    let file = setup.dir().join("instance.toml");
    let text = format!("source.path = \"{}\"\nworkers.count = 1\n", app.display());
    std::fs::write(&file, text).unwrap();
    for source in [file.to_str().unwrap(), app.to_str().unwrap()] {
        let (port, listen) = (setup.port.to_string(), format!("127.0.0.1:{}", setup.health_port));
        let arguments = ["up", source, "--port", &port, "--listen", &listen, "--workers", "1"];
        let mut agent = setup.clone().arguments(&arguments).start_as_configured();
        let status = agent.await_phase("in-service").await;
        assert_eq!(status["release"]["source"], app.display().to_string(), "{status:#}");
        assert_eq!(agent.ask("/").await.unwrap().0, 200);
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), agent.stop()).await.unwrap(), Some(0));
    }
}
