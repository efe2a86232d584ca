//! Auto Scaling that fails: the agent says what is wrong, goes on with the rest, and completes the hook when the API is well again.

use crate::local_cloud::{ApiFaults, Instance, LocalCloud};
use crate::rig::*;
use crate::support::{Agent, PATIENCE};

const ACTIONS: [&str; 4] = [
    "DescribeAutoScalingInstances",
    "DescribeLifecycleHooks",
    "RecordLifecycleActionHeartbeat",
    "CompleteLifecycleAction",
];

/// In service in a group with a terminating hook.
async fn serving() -> (LocalCloud, Instance, Agent) {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"1s\"").start();
    in_service(&cloud, &instance, &agent).await;
    (cloud, instance, agent)
}

/// Once nothing is wrong any more.
async fn ends_well(cloud: &LocalCloud, instance: &Instance, agent: &Agent) {
    cloud.faults(|faults| *faults = ApiFaults::default());
    let status = agent.await_phase("released").await;
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
    assert_eq!(completions(cloud), ["drain CONTINUE"]);
    assert!(!status["reason"].as_str().unwrap().contains("does not answer"), "{status:#}");
    assert_nothing_runs(agent).await;
}

#[tokio::test]
async fn every_call_may_be_throttled_and_the_life_goes_on() {
    let (cloud, instance) = launch(both_hooks()).await;
    // The SDK makes three of its own: the fourth is the agent's.
    cloud.faults(|faults| faults.throttle = [(ACTIONS[3].to_owned(), 3)].into());
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    cloud.faults(|faults| faults.throttle = ACTIONS.map(|action| (action.to_owned(), 3)).into());
    terminate(&cloud, &instance, &agent).await;
    await_reason(&agent, "throttled by AWS").await;
    assert!(!agent.log().contains("stopping the worker"), "a throttled question stops nobody");
    let_go(&cloud);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"]);
}

#[tokio::test]
async fn without_permission_to_ask_for_its_state_it_waits_for_the_unready_wait_and_says_what_to_allow() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.deny = vec![ACTIONS[0].to_owned()]);
    let users = Users::of(&agent);
    terminate(&cloud, &instance, &agent).await;
    users.were_served().await;
    await_reason(&agent, "allow autoscaling:DescribeAutoScalingInstances").await;
    agent.await_log("allow autoscaling:DescribeAutoScalingInstances").await;
    agent.await_phase("drained").await;
    assert_eq!(completions(&cloud), [""; 0]);
    let_go(&cloud);
    ends_well(&cloud, &instance, &agent).await;
}

#[tokio::test]
async fn without_permission_to_list_the_hooks_the_workers_still_finish() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.deny = vec![ACTIONS[1].to_owned()]);
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("drained").await;
    await_reason(&agent, "allow autoscaling:DescribeLifecycleHooks").await;
    agent.await_log("allow autoscaling:DescribeLifecycleHooks").await;
    ends_well(&cloud, &instance, &agent).await;
}

#[tokio::test]
async fn without_permission_for_heartbeats_the_hook_is_still_completed() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.deny = vec![ACTIONS[2].to_owned()]);
    let held = agent.ask("/held");
    let story = async {
        terminate(&cloud, &instance, &agent).await;
        let_go(&cloud);
        await_reason(&agent, "allow autoscaling:RecordLifecycleActionHeartbeat").await;
        agent.await_log("allow autoscaling:RecordLifecycleActionHeartbeat").await;
        open(&agent, "done");
        // Still denied.
        agent.await_phase("released").await;
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, Some((200, "held".to_owned())));
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}

#[tokio::test]
async fn without_permission_to_complete_it_says_so_and_completes_once_it_may() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.deny = vec![ACTIONS[3].to_owned()]);
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("drained").await;
    await_reason(&agent, "allow autoscaling:CompleteLifecycleAction").await;
    agent.await_log("allow autoscaling:CompleteLifecycleAction").await;
    ends_well(&cloud, &instance, &agent).await;
}

#[tokio::test]
async fn a_launch_without_any_permission_serves_and_says_what_to_allow() {
    let (cloud, instance) = launch(drain_hook()).await;
    cloud.faults(|faults| faults.deny = ACTIONS.map(str::to_owned).into());
    let agent = machine(&cloud, &instance).start();
    agent.await_phase("in-service").await;
    await_reason(&agent, "allow autoscaling:DescribeAutoScalingInstances").await;
    assert_eq!(agent.health().await.unwrap().0, 200);
}

/// Something is wrong from the moment of the termination, until the workers are gone.
async fn outlives(break_it: impl FnOnce(&mut ApiFaults), words: &str) {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(break_it);
    terminate(&cloud, &instance, &agent).await;
    await_reason(&agent, words).await;
    agent.await_phase("drained").await;
    assert_eq!(completions(&cloud), [""; 0]);
    let_go(&cloud);
    ends_well(&cloud, &instance, &agent).await;
}

#[tokio::test]
async fn an_api_that_is_down_is_waited_for() {
    outlives(|faults| faults.down = true, "the Auto Scaling API cannot be reached").await;
}

#[tokio::test]
async fn an_api_that_fails_is_asked_again() {
    outlives(|faults| faults.failing = u32::MAX, "AWS could not answer now").await;
}

#[tokio::test]
async fn credentials_that_are_refused_are_fetched_anew_until_they_are_good() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.expired = u32::MAX);
    terminate(&cloud, &instance, &agent).await;
    await_reason(&agent, "no valid AWS credentials").await;
    // Each refusal is followed by a look at what the role has now.
    cloud
        .await_calls(3, PATIENCE, |call| call.action.contains("/iam/security-credentials/herd") && call.is_good())
        .await;
    agent.await_phase("drained").await;
    assert_eq!(completions(&cloud), [""; 0]);
    let_go(&cloud);
    ends_well(&cloud, &instance, &agent).await;
}

#[tokio::test]
async fn a_role_that_comes_late_is_waited_for() {
    let (cloud, instance) = launch(both_hooks()).await;
    cloud.imds_faults(&instance.id, |faults| faults.no_role = true);
    let agent = machine(&cloud, &instance).start();
    agent.await_phase("in-service").await;
    await_reason(&agent, "no valid AWS credentials").await;
    cloud.imds_faults(&instance.id, |faults| faults.no_role = false);
    cloud.await_in(&instance.id, "InService", PATIENCE).await;
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);
}

#[tokio::test]
async fn a_slow_api_only_takes_longer() {
    let (cloud, instance, agent) = serving().await;
    cloud.faults(|faults| faults.slow_ms = 1500);
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}
