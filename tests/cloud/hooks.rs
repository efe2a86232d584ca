//! An instance's life as its agent sees it: IMDS says where it goes, the group where it is, and a hook is completed only while it waits.

use std::process::Stdio;

use herdsman::cloud::{ApiError, AutoScaling, Imds};
use herdsman::decide::aws::{HookResult, LifecycleState, Member, TargetState, Transition};

use super::local_cloud::{Instance, InstanceOptions, LocalCloud, Options, Wish};
use super::{LONG, api, far, group_of_one, imds, names};

async fn state(api: &AutoScaling, instance: &Instance) -> Option<LifecycleState> {
    let (group, .., id) = names(instance);
    let member = api.instance(&id).await.unwrap();
    assert!(member.as_ref().is_none_or(|member| member.group == group));
    member.map(|member: Member| member.state)
}

#[tokio::test]
async fn a_life_from_launch_to_the_end() {
    let (cloud, instance) = group_of_one().await;
    let (api, imds) = (api(&cloud).await, imds(&instance));
    let (group, boot, drain, id) = names(&instance);

    let hooks = api.hooks(&group).await.unwrap();
    let told: Vec<_> = hooks.iter().map(|hook| (hook.name.as_str(), &hook.transition, hook.default_result)).collect();
    let expected = [
        ("boot", &Transition::Launching, HookResult::Abandon),
        ("drain", &Transition::Terminating, HookResult::Continue),
    ];
    assert_eq!(told, expected);
    assert!(
        hooks.iter().all(|hook| (hook.heartbeat_timeout.as_secs(), hook.global_timeout.as_secs()) == (600, 60_000))
    );

    assert_eq!(state(&api, &instance).await, Some(LifecycleState::PendingWait));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
    cloud.pass(590);
    api.heartbeat(&group, &boot, &id).await.unwrap();
    cloud.pass(590);
    api.complete(&group, &boot, &id, HookResult::Continue).await.unwrap();
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::InService));

    cloud.terminate(&instance.id);
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::Terminated), "at once");
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::Terminating), "the balancer has it still");
    let early = api.complete(&group, &drain, &id, HookResult::Continue).await.unwrap_err();
    assert!(matches!(early, ApiError::NoActiveAction { .. }), "{early:?}");
    cloud.pass(3600);
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::TerminatingWait));
    api.complete(&group, &drain, &id, HookResult::Continue).await.unwrap();
    assert_eq!(state(&api, &instance).await, None, "a terminated instance has left the group");
    for late in
        [api.complete(&group, &drain, &id, HookResult::Continue).await, api.heartbeat(&group, &drain, &id).await]
    {
        assert!(matches!(late, Err(ApiError::NoActiveAction { .. })), "{late:?}");
    }
    let good = cloud.calls_of("CompleteLifecycleAction").into_iter().filter(|call| call.is_good());
    assert_eq!(good.map(|call| call.parameters["LifecycleHookName"].clone()).collect::<Vec<_>>(), ["boot", "drain"]);
}

#[tokio::test]
async fn a_hook_that_nobody_completes_ends_by_itself() {
    let (cloud, instance) = group_of_one().await;
    let (group, boot, _, id) = names(&instance);
    cloud.pass(601);
    cloud.await_in(&instance.id, "Terminated", LONG).await;
    let late = api(&cloud).await.heartbeat(&group, &boot, &id).await.unwrap_err();
    assert!(matches!(late, ApiError::NoActiveAction { .. }), "{late:?}");
    assert_eq!(imds(&instance).target_lifecycle_state(far()).await.unwrap(), Some(TargetState::Terminated));
}

#[tokio::test]
async fn the_groups_clock_runs_by_itself_as_fast_as_it_is_told_to() {
    let hooks = vec![super::HookSpec::launching("boot", 600.0)];
    let cloud = LocalCloud::start(Options { hooks, time_scale: 6000.0, ..Options::default() }).await.unwrap();
    let instance = cloud.launch(InstanceOptions::default());
    let gone = cloud.await_in(&instance.id, "Terminated", LONG).await;
    assert!(gone.history.iter().any(|(_, state)| state == "Pending:Wait"), "{gone:?}");
}

#[tokio::test]
async fn an_abandoned_launch_never_serves() {
    let (cloud, instance) = group_of_one().await;
    let (group, boot, _, id) = names(&instance);
    api(&cloud).await.complete(&group, &boot, &id, HookResult::Abandon).await.unwrap();
    let gone = cloud.await_in(&instance.id, "Terminated", LONG).await;
    assert!(!gone.history.iter().any(|(_, state)| state == "InService"));
}

#[tokio::test]
async fn a_warm_pool_shows_in_both_places() {
    let (cloud, _) = group_of_one().await;
    let instance =
        cloud.launch(InstanceOptions { pool: Some("Warmed:Stopped".to_owned()), ..InstanceOptions::default() });
    let (api, imds) = (api(&cloud).await, imds(&instance));
    let (group, boot, _, id) = names(&instance);
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::WarmedPendingWait));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::WarmedStopped));
    api.complete(&group, &boot, &id, HookResult::Continue).await.unwrap();
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::WarmedStopped));
    cloud.wish(&instance.id, Wish::LeavePool).unwrap();
    assert_eq!(state(&api, &instance).await, Some(LifecycleState::PendingWait));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
}

/// Runs itself again with nothing but the environment that an agent under test is started with.
#[tokio::test]
async fn the_environment_alone_leads_to_the_instance_its_role_and_its_group() {
    const CHILD: &str = "CLOUD_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let who = Imds::from_env().unwrap().identity(far()).await.unwrap();
        let member = AutoScaling::new(&who.region).await.instance(&who.instance_id).await.unwrap().unwrap();
        println!("child: {} in {} is {}", who.instance_id, member.group, member.state);
        return;
    }
    let (cloud, instance) = group_of_one().await;
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "hooks::the_environment_alone_leads_to_the_instance_its_role_and_its_group"])
        .env_clear()
        .envs(cloud.env_for(&instance))
        .env(CHILD, "1")
        // Whatever proxy there is, metadata is not to be asked through it.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LONG, child).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("child: {} in herd is Pending:Wait", instance.id)), "{said}");
    let role = |action: &str| action.contains("/iam/security-credentials/");
    assert!(cloud.calls().iter().any(|call| role(&call.action)), "the credentials are the role's");
}
