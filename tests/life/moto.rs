//! The same lives before a referee: moto parses every call, answers in its own XML, and keeps EC2's books.

use crate::referees::{Moto, MotoInstance, MotoOptions, start_moto};
use crate::rig::*;
use crate::support::{Agent, PATIENCE, Setup};

const LEAST: &str = "autoscaling:DescribeAutoScalingInstances,autoscaling:DescribeLifecycleHooks,\
autoscaling:RecordLifecycleActionHeartbeat,autoscaling:CompleteLifecycleAction";

fn machine(moto: &Moto, instance: &MotoInstance) -> Setup {
    bare(moto.env_for(instance)).app(&[("index.js", APP)])
}

async fn in_service(moto: &Moto, instance: &MotoInstance, agent: &Agent) {
    agent.await_phase("in-service").await;
    moto.await_state(&instance.id, Some("InService"), PATIENCE).await;
}

async fn is_gone(moto: &Moto, instance: &MotoInstance, agent: &Agent) {
    moto.await_state(&instance.id, None, PATIENCE).await;
    assert_eq!(moto.ec2_state(&instance.id).await, "terminated");
    agent.await_phase("released").await;
    assert!(agent.log().matches("completed: CONTINUE").count() == 2, "{}", agent.log());
    assert_nothing_runs(agent).await;
}

#[tokio::test]
async fn a_whole_life_in_motos_group() {
    let Some(moto) = start_moto(&MotoOptions { drain: 4.0, heartbeat: 30, ..MotoOptions::default() }).await else {
        return;
    };
    let instance = moto.launch().await;
    let agent = machine(&moto, &instance).config("health.probe = \"/ready\"").start();
    let held = |status: &serde_json::Value| status["hooks"][0]["name"] == "boot" && status["phase"] == "starting";
    agent.await_status("holds the launch", held).await;
    agent.await_log("heartbeat").await;
    assert_eq!(moto.state(&instance.id).await.as_deref(), Some("Pending:Wait"));
    open(&agent, "ready");
    in_service(&moto, &instance, &agent).await;

    let users = Users::of(&agent);
    let held = agent.ask("/held");
    let story = async {
        moto.terminate(&instance.id).await;
        agent.await_phase("draining").await;
        assert_eq!(agent.health().await.unwrap().0, 503);
        users.were_served().await;
        agent.await_log("stopping the worker").await;
        assert_eq!(moto.state(&instance.id).await.as_deref(), Some("Terminating:Wait"));
        agent.await_status("holds the end", |status| status["hooks"][0]["name"] == "drain").await;
        open(&agent, "done");
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, Some((200, "held".to_owned())));
    is_gone(&moto, &instance, &agent).await;
}

#[tokio::test]
async fn motos_group_replaces_an_instance_whose_build_fails() {
    let Some(moto) = start_moto(&MotoOptions::default()).await else { return };
    let instance = moto.launch().await;
    let agent = machine(&moto, &instance).config("build.run = \"exit 7\"").start();
    moto.await_state(&instance.id, None, PATIENCE).await;
    moto.await_another(&instance.id, PATIENCE).await;
    assert_eq!(moto.ec2_state(&instance.id).await, "terminated");
    let status = agent.await_phase("released").await;
    assert!(status["reason"].as_str().unwrap().contains("exit status 7"), "{status:#}");
    assert!(agent.log().contains("ABANDON"), "{}", agent.log());
}

#[tokio::test]
async fn four_permissions_are_enough_for_a_life_and_a_missing_one_is_named() {
    let without = LEAST.replace(",autoscaling:CompleteLifecycleAction", "");
    let options = MotoOptions { allow: Some(without.clone()), heartbeat: 3600, ..MotoOptions::default() };
    let Some(moto) = start_moto(&options).await else { return };
    let instance = moto.launch().await;
    let agent = machine(&moto, &instance).start();
    agent.await_phase("in-service").await;
    await_reason(&agent, "allow autoscaling:CompleteLifecycleAction").await;
    assert_eq!(moto.state(&instance.id).await.as_deref(), Some("Pending:Wait"));
    moto.allow(LEAST).await;
    in_service(&moto, &instance, &agent).await;
    moto.terminate(&instance.id).await;
    is_gone(&moto, &instance, &agent).await;
}
