//! Into service: the launching hook is held, and continued once the instance serves, or abandoned with the reason.

use std::time::Duration;

use serde_json::json;

use crate::local_cloud::{HookSpec, InstanceOptions, LocalCloud, Options};
use crate::rig::*;
use crate::support::{PATIENCE, Setup};

#[tokio::test]
async fn a_build_longer_than_the_heartbeat_time_out_is_held_and_continued_only_when_the_app_answers() {
    let hooks = vec![HookSpec::launching("boot", 6.0)];
    let (cloud, instance) = launch(Options { hooks, ..both_hooks() }).await;
    let agent = machine(&cloud, &instance).config(HELD_BUILD).config("health.probe = \"/ready\"").start();
    // The first at once, the others two seconds apart: after five of them the time-out is over.
    cloud.await_calls(5, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
    let status = agent.await_phase("building").await;
    assert_eq!(status["hooks"], json!([{"name": "boot", "transition": "autoscaling:EC2_INSTANCE_LAUNCHING"}]));
    let told = &status["instance"];
    assert_eq!((&told["id"], &told["region"]), (&json!(instance.id), &json!("eu-west-1")));
    assert_eq!((&told["group"], &told["lifecycle"]), (&json!("herd"), &json!("Pending:Wait")));
    assert_eq!(agent.health().await.unwrap().0, 503);
    open(&agent, "build");
    agent.await_phase("starting").await;
    cloud.await_calls(6, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
    assert_eq!(completions(&cloud), [""; 0], "nothing answers yet");
    open(&agent, "ready");
    in_service(&cloud, &instance, &agent).await;
    assert_eq!(agent.health().await.unwrap().0, 200);
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);
    let status =
        agent.await_status("in service for the group", |status| status["instance"]["lifecycle"] == "InService").await;
    assert_eq!(status["hooks"], json!([]));
}

#[tokio::test]
async fn without_a_launching_hook_none_is_touched() {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    agent.await_status("knows its group", |status| status["instance"]["group"] == "herd").await;
    for action in ["RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"] {
        assert!(cloud.calls_of(action).is_empty(), "{action}");
    }
}

#[tokio::test]
async fn a_hook_that_timed_out_and_let_the_instance_in_is_no_failure() {
    let hooks = vec![HookSpec::new("boot", crate::local_cloud::LAUNCHING, HOUR, "CONTINUE")];
    let (cloud, instance) = launch(Options { hooks, ..both_hooks() }).await;
    let agent = machine(&cloud, &instance).config(HELD_BUILD).start();
    cloud.await_calls(1, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
    let_go(&cloud);
    cloud.await_in(&instance.id, "InService", PATIENCE).await;
    open(&agent, "build");
    let status = agent.await_phase("in-service").await;
    cloud.await_calls(1, PATIENCE, |call| call.action == "CompleteLifecycleAction").await;
    agent.await_log("the lifecycle action had already ended").await;
    assert_eq!((completions(&cloud).len(), &status["reason"]), (0, &json!(null)));
}

#[tokio::test]
async fn a_hook_that_timed_out_and_ended_the_instance_stops_the_build() {
    let (cloud, instance) = launch(both_hooks()).await;
    let agent = machine(&cloud, &instance).config(HELD_BUILD).start();
    cloud.await_calls(1, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
    agent.await_phase("building").await;
    let_go(&cloud);
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
    agent.await_phase("released").await;
    assert_nothing_runs(&agent).await;
    assert!(completions(&cloud).is_empty());
}

async fn is_abandoned(cloud: &LocalCloud, id: &str, setup: Setup, why: &str) {
    let agent = setup.start();
    let gone = cloud.await_in(id, "Terminated", PATIENCE).await;
    assert!(!gone.history.iter().any(|(_, state)| state == "InService"), "{gone:?}");
    assert_eq!(completions(cloud), ["boot ABANDON"]);
    agent.await_log("the instance cannot serve").await;
    assert!(agent.log().contains(why), "{why:?} is not in {}", agent.log());
    let status = agent.await_phase("released").await;
    assert!(status["reason"].as_str().unwrap().contains(why), "{status:#}");
    assert_eq!(agent.health().await.unwrap().0, 503);
    assert_nothing_runs(&agent).await;
}

#[tokio::test]
async fn a_build_that_fails_abandons_the_launch_and_says_what_the_build_said() {
    let (cloud, instance) = launch(both_hooks()).await;
    let setup = machine(&cloud, &instance).config("build.run = \"echo no such package: lodahs >&2; exit 3\"");
    is_abandoned(&cloud, &instance.id, setup, "no such package: lodahs").await;
}

#[tokio::test]
async fn a_ref_that_does_not_exist_abandons_the_launch() {
    let (cloud, instance) = launch(both_hooks()).await;
    let setup = machine(&cloud, &instance).config("source.ref = \"mian\"");
    is_abandoned(&cloud, &instance.id, setup, "mian").await;
}

#[tokio::test]
async fn workers_that_are_never_ready_abandon_the_launch_after_five_starts() {
    let (cloud, instance) = launch(both_hooks()).await;
    let setup = machine(&cloud, &instance).config("workers.ready_timeout = \"200ms\"\napp.run = \"sleep 1000\"");
    is_abandoned(&cloud, &instance.id, setup, "(5 in a row)").await;
}

#[tokio::test]
async fn an_instance_of_no_group_serves_and_stops_without_waiting() {
    let cloud = LocalCloud::start(both_hooks()).await.unwrap();
    let instance = cloud.launch(InstanceOptions { no_target: true, ..InstanceOptions::default() });
    let other = LocalCloud::start(no_hooks()).await.unwrap();
    let env = cloud.env_for(&instance).into_iter().map(|(name, value)| match name.as_str() {
        "AWS_ENDPOINT_URL_AUTO_SCALING" => (name, other.autoscaling_url().to_owned()),
        _ => (name, value),
    });
    let setup = bare(env.collect()).app(&[("index.js", APP)]).config("instance.cloud = \"aws\"");
    let mut agent = setup.start();
    agent.await_phase("in-service").await;
    // It is asked again, for the API may not know it yet.
    other.await_calls(2, PATIENCE, good("DescribeAutoScalingInstances")).await;
    let status = agent.try_status().await.unwrap();
    assert_eq!((&status["instance"]["group"], &status["reason"]), (&json!(null), &json!(null)));
    let begun = tokio::time::Instant::now();
    assert_eq!(agent.stop().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(50), "it waited for a balancer that it does not have");
}
