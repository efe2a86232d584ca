//! Lifecycle hooks in moto's group: it parses our calls against botocore's model and answers in its own XML.

use herdsman::cloud::{ApiError, AutoScaling};
use herdsman::decide::aws::{HookResult, LifecycleState, TargetState, Transition};
use herdsman::decide::ids::{GroupName, HookName, InstanceId};

use super::support::{Moto, MotoInstance, MotoOptions, start_moto};
use super::{LONG, client, far};

async fn api(moto: &Moto) -> AutoScaling {
    AutoScaling::at(&moto.autoscaling_url, &moto.region, "AKIDEXAMPLE", "secret").await
}

fn names(moto: &Moto, instance: &MotoInstance) -> (GroupName, HookName, HookName, InstanceId) {
    (GroupName::new(&moto.group), HookName::new("boot"), HookName::new("drain"), InstanceId::new(&instance.id))
}

#[tokio::test]
async fn a_life_from_launch_to_the_end() {
    // The balancer takes long enough for a call to come too early on any machine, unless the clock is told to hurry: 60 s are 6 here.
    let options = MotoOptions {
        time_scale: 10.0,
        drain: 60.0,
        heartbeat: 7200,
        user_data: "#!x\n".to_owned(),
        ..MotoOptions::default()
    };
    let Some(moto) = start_moto(&options).await else { return };
    let instance = moto.launch().await;
    let (group, boot, drain, id) = names(&moto, &instance);
    let (api, imds) = (api(&moto).await, client(&instance.imds_url));
    let state = async || api.instance(&id).await.unwrap().map(|member| member.state);

    let who = imds.identity(far()).await.unwrap();
    assert_eq!((&who.instance_id, who.region.as_str()), (&id, "eu-west-1"));
    assert_eq!(who.tags.get("Name").map(String::as_str), Some("web"));
    assert_eq!(imds.user_data(far()).await.unwrap().as_deref(), Some(&b"#!x\n"[..]));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
    let hooks = api.hooks(&group).await.unwrap();
    let told: Vec<_> = hooks.iter().map(|hook| (&hook.name, &hook.transition, hook.default_result)).collect();
    let expected = [
        (&boot, &Transition::Launching, HookResult::Abandon),
        (&drain, &Transition::Terminating, HookResult::Continue),
    ];
    assert_eq!(told, expected);
    assert!(
        hooks.iter().all(|hook| (hook.heartbeat_timeout.as_secs(), hook.global_timeout.as_secs()) == (7200, 172_800))
    );

    assert_eq!(state().await, Some(LifecycleState::PendingWait));
    api.heartbeat(&group, &boot, &id).await.unwrap();
    api.complete(&group, &boot, &id, HookResult::Continue).await.unwrap();
    assert_eq!(state().await, Some(LifecycleState::InService));
    let twice = api.complete(&group, &boot, &id, HookResult::Continue).await.unwrap_err();
    assert!(matches!(twice, ApiError::NoActiveAction { .. }), "{twice:?}");

    moto.terminate(&instance.id).await;
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::Terminated));
    let early = api.complete(&group, &drain, &id, HookResult::Continue).await;
    // A machine that stood still for six seconds proves nothing, and its hook is then completed.
    if state().await == Some(LifecycleState::Terminating) {
        assert!(matches!(early, Err(ApiError::NoActiveAction { .. })), "{early:?}");
    }
    if early.is_err() {
        moto.await_state(&instance.id, Some("Terminating:Wait"), LONG).await;
        api.heartbeat(&group, &drain, &id).await.unwrap();
        api.complete(&group, &drain, &id, HookResult::Continue).await.unwrap();
    }
    moto.await_state(&instance.id, None, LONG).await;
    assert_eq!(moto.ec2_state(&instance.id).await, "terminated");
    assert_eq!(state().await, None);
}

#[tokio::test]
async fn a_launch_that_is_left_alone_is_given_up_and_replaced() {
    // 30 s, the shortest there is, pass in a third of one.
    let Some(moto) = start_moto(&MotoOptions { time_scale: 100.0, heartbeat: 30, ..MotoOptions::default() }).await
    else {
        return;
    };
    let instance = moto.launch().await;
    moto.await_state(&instance.id, None, LONG).await;
    assert_eq!(moto.ec2_state(&instance.id).await, "terminated");
    moto.await_another(&instance.id, LONG).await;
    let (group, boot, _, id) = names(&moto, &instance);
    let late = api(&moto).await.complete(&group, &boot, &id, HookResult::Abandon).await.unwrap_err();
    assert!(matches!(late, ApiError::NoActiveAction { .. }), "{late:?}");
}

#[tokio::test]
async fn a_group_that_does_not_exist_is_another_error() {
    let Some(moto) = start_moto(&MotoOptions::default()).await else { return };
    let instance = moto.launch().await;
    let (_, boot, _, id) = names(&moto, &instance);
    let error =
        api(&moto).await.complete(&GroupName::new("nobody"), &boot, &id, HookResult::Continue).await.unwrap_err();
    assert!(matches!(error, ApiError::Other { .. }) && !error.is_transient(), "{error:?}");
    assert_eq!(api(&moto).await.instance(&InstanceId::new("i-0fffffffffffffff0")).await.unwrap(), None);
}
