//! Metadata that fail: what is baked into the image starts without them, what serves stays in service, and the rest is made up for.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::local_cloud::{ImdsFaults, Instance, InstanceOptions, LocalCloud};
use crate::rig::*;
use crate::support::{Agent, PATIENCE};

/// Launched with these faults, healed once the agent serves and says what is wrong: then it learns who it is and completes its hook.
async fn starts_without(break_it: impl FnOnce(&mut ImdsFaults), words: &str) {
    let (cloud, instance) = launch(both_hooks()).await;
    cloud.imds_faults(&instance.id, break_it);
    let agent = machine(&cloud, &instance).start();
    let status = agent.await_phase("in-service").await;
    assert_eq!((&status["instance"], agent.health().await.unwrap().0), (&json!(null), 200));
    await_reason(&agent, words).await;
    assert_eq!(cloud.member(&instance.id).unwrap().state, "Pending:Wait");
    well_again(&cloud, &instance);
    cloud.await_in(&instance.id, "InService", PATIENCE).await;
    let status = agent.await_status("nothing is wrong", |status| status["reason"].is_null()).await;
    assert_eq!(status["instance"]["id"], instance.id.as_str());
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);
}

fn well_again(cloud: &LocalCloud, instance: &Instance) {
    cloud.imds_faults(&instance.id, |faults| *faults = ImdsFaults::default());
}

#[tokio::test]
async fn metadata_that_are_off_do_not_keep_a_baked_source_from_serving() {
    starts_without(|faults| faults.off = true, "set HttpEndpoint of the instance's metadata options to enabled").await;
}

#[tokio::test]
async fn a_web_page_is_no_metadata() {
    starts_without(|faults| faults.html = true, "is this IMDS?").await;
}

#[tokio::test]
async fn metadata_that_do_not_answer_are_waited_for_only_so_long() {
    starts_without(|faults| faults.down = true, "no answer").await;
}

/// What passes within seconds holds nothing up for longer, and nobody hears of it.
async fn is_waited_for(instance: InstanceOptions, break_it: impl FnOnce(&mut ImdsFaults)) {
    let (cloud, instance) = launch_with(both_hooks(), instance).await;
    cloud.imds_faults(&instance.id, break_it);
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    assert!(!agent.log().contains("asking on"), "{}", agent.log());
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);
}

#[tokio::test]
async fn metadata_that_come_late_are_waited_for() {
    is_waited_for(InstanceOptions { imds_late_seconds: 2.0, ..InstanceOptions::default() }, |_| ()).await;
}

#[tokio::test]
async fn slow_metadata_only_take_longer() {
    is_waited_for(InstanceOptions::default(), |faults| faults.slow_ms = 300).await;
}

#[tokio::test]
async fn a_token_that_is_refused_for_a_while_is_renewed() {
    is_waited_for(InstanceOptions::default(), |faults| faults.unauthorized = 5).await;
}

#[tokio::test]
async fn metadata_that_fail_for_a_while_are_asked_again() {
    is_waited_for(InstanceOptions::default(), |faults| (faults.failing, faults.throttled) = (4, 2)).await;
}

#[tokio::test]
async fn a_target_state_that_is_not_there_yet_holds_nothing_up() {
    let no_target = InstanceOptions { no_target: true, ..InstanceOptions::default() };
    let (cloud, instance) = launch_with(both_hooks(), no_target).await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    cloud.imds_faults(&instance.id, |faults| faults.no_target = false);
    terminate(&cloud, &instance, &agent).await;
    let_go(&cloud);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"]);
}

/// In service for good, and every look at the metadata from now on counted.
async fn serving() -> (LocalCloud, Instance, Agent) {
    let (cloud, instance) = launch(drain_hook()).await;
    let agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"500ms\"").start();
    in_service(&cloud, &instance, &agent).await;
    (cloud, instance, agent)
}

async fn looks(cloud: &LocalCloud, more: usize) {
    let seen = cloud.calls().iter().filter(|call| call.api == "imds").count();
    cloud.await_calls(seen + more, PATIENCE, |call| call.api == "imds").await;
}

#[tokio::test]
async fn metadata_that_come_and_go_change_nothing_for_an_instance_in_service() {
    let (cloud, instance, agent) = serving().await;
    let users = Users::of(&agent);
    for broken in [
        ImdsFaults { down: true, ..ImdsFaults::default() },
        ImdsFaults { failing: 3, ..ImdsFaults::default() },
        ImdsFaults { html: true, ..ImdsFaults::default() },
        ImdsFaults { no_target: true, ..ImdsFaults::default() },
    ] {
        cloud.imds_faults(&instance.id, |faults| *faults = broken);
        looks(&cloud, 2).await;
        cloud.forget_tokens(&instance.id);
        assert_eq!(agent.health().await.unwrap().0, 200);
        well_again(&cloud, &instance);
        looks(&cloud, 1).await;
    }
    let status = agent.try_status().await.unwrap();
    assert_eq!((&status["phase"], &status["reason"]), (&json!("in-service"), &json!(null)));
    users.were_served().await;
}

#[tokio::test]
async fn a_termination_that_the_metadata_could_not_tell_is_made_up_for() {
    let (cloud, instance, agent) = serving().await;
    cloud.imds_faults(&instance.id, |faults| faults.down = true);
    cloud.terminate(&instance.id);
    let_go(&cloud);
    cloud.await_in(&instance.id, "Terminating:Wait", PATIENCE).await;
    looks(&cloud, 2).await;
    assert_eq!(agent.try_status().await.unwrap()["phase"], "in-service", "nobody told it");
    well_again(&cloud, &instance);
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["drain CONTINUE"]);
}

#[tokio::test]
async fn a_machine_that_goes_down_without_metadata_still_lets_its_workers_finish() {
    let (cloud, instance, mut agent) = serving().await;
    cloud.imds_faults(&instance.id, |faults| faults.down = true);
    let port = agent.setup.port;
    let held = tokio::spawn(async move {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        crate::support::get(stream, "/held").await
    });
    // The request has reached its worker once a later one is answered.
    assert_eq!(agent.ask("/").await.unwrap().0, 200);
    sleep(Duration::from_millis(200)).await;
    agent.signal(nix::sys::signal::Signal::SIGTERM);
    agent.await_log("stopping the worker").await;
    open(&agent, "done");
    assert_eq!(held.await.unwrap(), Some((200, "held".to_owned())));
    assert_eq!(agent.ended().await, Some(0));
    assert!(completions(&cloud).is_empty());
}
