//! Out of service: serve until the balancer has let go, let the workers finish, complete the hook exactly once and last of all.

use std::time::Duration;

use serde_json::json;

use crate::local_cloud::{HookSpec, Options};
use crate::rig::*;
use crate::support::PATIENCE;

#[tokio::test]
async fn nobody_is_cut_off_and_the_hook_is_held_until_the_last_worker_is_gone() {
    let hooks = vec![HookSpec::terminating("drain", 6.0)];
    let (cloud, instance) = launch(Options { hooks, ..both_hooks() }).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    let users = Users::of(&agent);
    let held = agent.ask("/held");
    let story = async {
        terminate(&cloud, &instance, &agent).await;
        assert_eq!(agent.health().await.unwrap().0, 503);
        // The metadata say so at once, and the balancer drains on.
        cloud.await_calls(4, PATIENCE, good("DescribeAutoScalingInstances")).await;
        assert_eq!(cloud.member(&instance.id).unwrap().state, "Terminating");
        assert_eq!(agent.ask("/").await.unwrap().0, 200, "new requests are still served");
        users.were_served().await;
        assert!(!agent.log().contains("stopping the worker"), "{}", agent.log());
        assert!(cloud.calls_of("CompleteLifecycleAction").is_empty());

        let_go(&cloud);
        agent.await_log("stopping the worker").await;
        let waited = cloud.member(&instance.id).unwrap();
        assert_eq!(waited.state, "Terminating:Wait");
        // Five of them, two seconds apart: the time-out of six is over, and the request that is held keeps its worker.
        cloud.await_calls(5, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
        let status = agent.await_phase("draining").await;
        assert_eq!(status["hooks"], json!([{"name": "drain", "transition": "autoscaling:EC2_INSTANCE_TERMINATING"}]));
        assert_eq!(status["instance"]["lifecycle"], "Terminating:Wait");
        assert!(cloud.calls_of("CompleteLifecycleAction").is_empty(), "a worker still runs");
        open(&agent, "done");
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, Some((200, "held".to_owned())));
    agent.await_phase("released").await;
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
    assert_eq!(cloud.calls_of("CompleteLifecycleAction").len(), 1);
    assert_nothing_runs(&agent).await;
    assert_eq!(agent.health().await.unwrap().0, 503, "released, and not back");
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_done_all_the_same() {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    cloud.faults(|faults| faults.lose_answer = [("CompleteLifecycleAction".to_owned(), 1)].into());
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
}

#[tokio::test]
async fn a_worker_that_ignores_its_stop_signal_is_killed_and_the_hook_is_completed() {
    let deaf = APP.replace("server.close(() => process.exit(0))", "0");
    let (cloud, instance) = launch(drain_hook()).await;
    let setup = bare(cloud.env_for(&instance)).app(&[("index.js", &deaf)]).config("workers.stop_timeout = \"500ms\"");
    let agent = setup.start();
    in_service(&cloud, &instance, &agent).await;
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    let status = agent.await_phase("released").await;
    assert!(status["workers"][0]["last_exit"].as_str().unwrap().contains("killed"), "{status:#}");
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
    assert_nothing_runs(&agent).await;
}

#[tokio::test]
async fn workers_are_stopped_before_the_hooks_global_time_out() {
    let hook = HookSpec { global_seconds: Some(13.0), ..HookSpec::terminating("drain", HOUR) };
    let (cloud, instance) = launch(Options { hooks: vec![hook], ..both_hooks() }).await;
    let long = "workers.stop_timeout = \"1h\"\nlifecycle.drain_timeout = \"1h\"";
    let agent = machine(&cloud, &instance).config(long).start();
    in_service(&cloud, &instance, &agent).await;
    let held = agent.ask("/held");
    let story = async {
        terminate(&cloud, &instance, &agent).await;
        let_go(&cloud);
        agent.await_phase("released").await;
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, None, "it was killed: the hook would not have held for longer");
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}

#[tokio::test]
async fn two_terminating_hooks_are_completed_once_each() {
    let hooks = vec![HookSpec::terminating("logs", HOUR), HookSpec::terminating("drain", HOUR)];
    let (cloud, instance) = launch(Options { hooks, ..both_hooks() }).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["logs CONTINUE", "drain CONTINUE"]);
    assert_eq!(cloud.calls_of("CompleteLifecycleAction").len(), 2);
}

#[tokio::test]
async fn a_hook_that_is_deleted_meanwhile_still_lets_the_workers_finish() {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    let held = agent.ask("/held");
    let story = async {
        terminate(&cloud, &instance, &agent).await;
        let_go(&cloud);
        cloud.await_calls(1, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
        agent.await_log("stopping the worker").await;
        cloud.set_hooks(Vec::new());
        cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
        open(&agent, "done");
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, Some((200, "held".to_owned())));
    agent.await_phase("released").await;
    assert!(completions(&cloud).is_empty());
}

#[tokio::test]
async fn without_a_terminating_hook_it_serves_until_the_machine_goes_down() {
    let (cloud, instance) = launch(no_hooks()).await;
    let mut agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"1s\"").start();
    in_service(&cloud, &instance, &agent).await;
    terminate(&cloud, &instance, &agent).await;
    cloud.await_calls(4, PATIENCE, good("DescribeAutoScalingInstances")).await;
    assert_eq!(agent.ask("/").await.unwrap().0, 200);
    assert!(!agent.log().contains("stopping the worker"), "{}", agent.log());
    assert_eq!(agent.stop().await, Some(0));
    assert_nothing_runs(&agent).await;
    assert!(cloud.calls_of("CompleteLifecycleAction").is_empty());
}

/// Terminated in `phase`, to which it comes by this configuration.
async fn is_released_from(phase: &str, source: &str, app: &str) {
    let (cloud, instance) = launch(drain_hook()).await;
    let setup =
        if source.is_empty() { machine(&cloud, &instance) } else { bare(cloud.env_for(&instance)).config(source) };
    let agent = setup.config(app).start();
    agent.await_phase(phase).await;
    terminate_early(&cloud, &instance.id).await;
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
    assert_nothing_runs(&agent).await;
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
}

async fn terminate_early(cloud: &crate::local_cloud::LocalCloud, id: &str) {
    cloud.terminate(id);
    // Noticed while the balancer drains.
    cloud.await_calls(2, PATIENCE, good("DescribeAutoScalingInstances")).await;
    let_go(cloud);
}

#[tokio::test]
async fn an_instance_that_is_terminated_while_it_fetches_is_released() {
    is_released_from("fetching", "source.git = \"http://127.0.0.1:9/nobody\"", "").await;
}

#[tokio::test]
async fn an_instance_that_is_terminated_while_it_builds_is_released() {
    is_released_from("building", "", HELD_BUILD).await;
}

#[tokio::test]
async fn an_instance_that_is_terminated_while_it_starts_is_released() {
    is_released_from("starting", "", "health.probe = \"/ready\"").await;
}

#[tokio::test]
async fn an_instance_that_is_terminated_when_it_has_failed_is_released() {
    is_released_from("failed", "", "build.run = \"exit 1\"").await;
}

#[tokio::test]
async fn a_stop_while_the_balancer_drains_still_completes_the_hook_and_then_leaves() {
    let (cloud, instance) = launch(drain_hook()).await;
    let mut agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"500ms\"").start();
    in_service(&cloud, &instance, &agent).await;
    terminate(&cloud, &instance, &agent).await;
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    agent.await_phase("drained").await;
    assert!(cloud.calls_of("CompleteLifecycleAction").is_empty());
    let_go(&cloud);
    assert_eq!(agent.ended().await, Some(0));
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}

#[tokio::test]
async fn a_stop_in_a_group_serves_on_for_the_unready_wait_and_completes_nothing() {
    let (cloud, instance) = launch(both_hooks()).await;
    let mut agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"3s\"").start();
    in_service(&cloud, &instance, &agent).await;
    let users = Users::of(&agent);
    let begun = tokio::time::Instant::now();
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    agent.await_phase("draining").await;
    assert_eq!(agent.health().await.unwrap().0, 503);
    // On a machine that stood still for seconds there is nothing to see.
    if begun.elapsed() < Duration::from_secs(1) {
        users.were_served().await;
    }
    assert_eq!(agent.ended().await, Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(3), "the balancer was not waited for");
    assert_eq!(completions(&cloud), ["boot CONTINUE"], "this instance is not being terminated");
    assert_nothing_runs(&agent).await;
}

#[tokio::test]
async fn a_drain_by_hand_completes_nothing_until_the_instance_is_terminated() {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"500ms\"").start();
    in_service(&cloud, &instance, &agent).await;
    let (code, said, _) = agent.run(&["drain"]).await;
    assert_eq!(code, Some(0), "{said}");
    let status = agent.await_phase("drained").await;
    assert_eq!((status["health"]["http"].as_u64(), completions(&cloud).len()), (Some(503), 0));
    assert_eq!(cloud.member(&instance.id).unwrap().state, "InService");
    terminate_early(&cloud, &instance.id).await;
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}
