//! Warm pools: prepared and not started; started when the instance leaves the pool; drained when it returns.

use serde_json::json;

use crate::local_cloud::{Instance, InstanceOptions, LocalCloud, Wish};
use crate::rig::*;
use crate::support::PATIENCE;

async fn in_pool(resting: &str) -> (LocalCloud, Instance) {
    let pool = Some(resting.to_owned());
    launch_with(both_hooks(), InstanceOptions { pool, ..InstanceOptions::default() }).await
}

#[tokio::test]
async fn an_instance_in_a_warm_pool_is_prepared_and_serves_once_it_leaves() {
    let (cloud, instance) = in_pool("Warmed:Running").await;
    let agent = machine(&cloud, &instance).start();
    let status = agent.await_phase("warm").await;
    assert_eq!(status["workers"], json!([]), "prepared is not started");
    assert!(status["release"]["id"].is_string(), "{status:#}");
    assert_eq!(agent.health().await.unwrap().1["status"], "warm");
    cloud.await_in(&instance.id, "Warmed:Running", PATIENCE).await;
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);

    cloud.wish(&instance.id, Wish::LeavePool).unwrap();
    in_service(&cloud, &instance, &agent).await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "boot CONTINUE"], "the hook waits a second time");
    assert_eq!(agent.ask("/").await.unwrap().0, 200);
}

#[tokio::test]
async fn an_instance_that_ends_in_the_pool_completes_its_terminating_hook() {
    let (cloud, instance) = in_pool("Warmed:Stopped").await;
    let agent = machine(&cloud, &instance).start();
    cloud.await_in(&instance.id, "Warmed:Stopped", PATIENCE).await;
    cloud.terminate(&instance.id);
    cloud.await_in(&instance.id, "Warmed:Terminated", PATIENCE).await;
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"]);
}

#[tokio::test]
async fn an_instance_that_is_stopped_in_the_pool_goes_at_once() {
    let (cloud, instance) = in_pool("Warmed:Stopped").await;
    let mut agent = machine(&cloud, &instance).start();
    cloud.await_in(&instance.id, "Warmed:Stopped", PATIENCE).await;
    assert_eq!(agent.stop().await, Some(0));
}

#[tokio::test]
async fn an_instance_that_returns_to_the_pool_loses_no_request_and_leaves_to_begin_anew() {
    let (cloud, instance) = launch(both_hooks()).await;
    let mut agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    let users = Users::of(&agent);
    cloud.wish(&instance.id, Wish::ReturnToPool).unwrap();
    agent.await_phase("draining").await;
    assert_eq!(agent.health().await.unwrap().0, 503);
    users.were_served().await;
    let_go(&cloud);
    cloud.await_in(&instance.id, "Warmed:Stopped", PATIENCE).await;
    let status = agent.await_phase("released").await;
    assert!(status["reason"].as_str().unwrap().contains("warm pool"), "{status:#}");
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"]);
    cloud.wish(&instance.id, Wish::LeavePool).unwrap();
    assert_eq!(agent.ended().await, Some(0));
    let again = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &again).await;
}
