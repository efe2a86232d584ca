//! What goes wrong between an instance and AWS, one fault at a time.

use std::time::Duration;

use herdsman::cloud::{ApiError, ImdsError};
use herdsman::decide::aws::{HookResult, TargetState};
use tokio::time::Instant;

use super::local_cloud::InstanceOptions;
use super::{LONG, api, far, group_of_one, imds, names};

#[tokio::test]
async fn a_throttled_call_is_tried_again_and_done_once() {
    let (cloud, instance) = group_of_one().await;
    let (group, boot, _, id) = names(&instance);
    cloud.faults(|faults| faults.throttle = [("CompleteLifecycleAction".to_owned(), 2)].into());
    api(&cloud).await.complete(&group, &boot, &id, HookResult::Continue).await.unwrap();
    let outcomes: Vec<String> =
        cloud.calls_of("CompleteLifecycleAction").into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["400 Throttling: Rate exceeded", "400 Throttling: Rate exceeded", "200"]);
}

#[tokio::test]
async fn each_refusal_of_the_api_has_its_own_error() {
    let (cloud, instance) = group_of_one().await;
    let (group, boot, _, id) = names(&instance);
    let api = api(&cloud).await;
    cloud.faults(|faults| faults.deny.push("RecordLifecycleActionHeartbeat".to_owned()));
    let denied = api.heartbeat(&group, &boot, &id).await.unwrap_err();
    assert!(matches!(denied, ApiError::Denied { .. }), "{denied:?}");
    assert!(denied.to_string().contains("autoscaling:RecordLifecycleActionHeartbeat"));
    cloud.faults(|faults| faults.expired = 9);
    let expired = api.heartbeat(&group, &boot, &id).await.unwrap_err();
    assert!(matches!(expired, ApiError::Credentials { .. }), "{expired:?}");
    cloud.faults(|faults| (faults.expired, faults.failing) = (0, 9));
    let failing = api.instance(&id).await.unwrap_err();
    assert!(matches!(failing, ApiError::Busy { .. }), "{failing:?}");
    cloud.faults(|faults| (faults.failing, faults.down) = (0, true));
    let down = api.instance(&id).await.unwrap_err();
    assert!(matches!(down, ApiError::Unreachable { .. }) && down.is_transient(), "{down:?}");
    cloud.faults(|faults| faults.down = false);
    assert!(api.instance(&id).await.unwrap().is_some(), "and all is well again");
}

#[tokio::test]
async fn a_lost_answer_to_a_completion_ends_as_no_action_is_waiting() {
    let (cloud, instance) = group_of_one().await;
    let (group, boot, _, id) = names(&instance);
    cloud.faults(|faults| faults.lose_answer = [("CompleteLifecycleAction".to_owned(), 1)].into());
    let error = api(&cloud).await.complete(&group, &boot, &id, HookResult::Continue).await.unwrap_err();
    assert!(
        matches!(error, ApiError::NoActiveAction { .. }),
        "the first try did it, the second was told so: {error:?}"
    );
    cloud.await_in(&instance.id, "InService", LONG).await;
}

#[tokio::test]
async fn an_api_that_hangs_is_unreachable() {
    let (cloud, instance) = group_of_one().await;
    cloud.faults(|faults| faults.slow_ms = 600_000);
    let error = api(&cloud).await.instance(&names(&instance).3).await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn imds_that_fails_for_a_while_is_asked_again() {
    let (cloud, instance) = group_of_one().await;
    let imds = imds(&instance);
    cloud.imds_faults(&instance.id, |faults| (faults.failing, faults.throttled, faults.unauthorized) = (3, 2, 3));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
    cloud.forget_tokens(&instance.id);
    assert_eq!(imds.identity(far()).await.unwrap().instance_id.as_str(), instance.id);
    let left = |call: &super::local_cloud::Call| call.outcome.as_str() == "401";
    assert_eq!(cloud.calls().iter().filter(|call| left(call)).count(), 4, "three on purpose and one forgotten token");
}

#[tokio::test]
async fn imds_that_comes_late_is_waited_for() {
    let (cloud, _) = group_of_one().await;
    let instance = cloud.launch(InstanceOptions { imds_late_seconds: 0.5, ..InstanceOptions::default() });
    let error = imds(&instance).user_data(Instant::now()).await.unwrap_err();
    assert!(matches!(error, ImdsError::GaveUp { tries: 1, .. }), "{error:?}");
    assert_eq!(imds(&instance).identity(far()).await.unwrap().instance_id.as_str(), instance.id);
}

#[tokio::test]
async fn imds_that_is_off_or_another_service_is_told_apart() {
    let (cloud, instance) = group_of_one().await;
    let imds = imds(&instance);
    cloud.imds_faults(&instance.id, |faults| faults.off = true);
    assert!(matches!(imds.identity(far()).await.unwrap_err(), ImdsError::Forbidden { .. }));
    cloud.imds_faults(&instance.id, |faults| (faults.off, faults.html) = (false, true));
    for error in [imds.identity(far()).await.unwrap_err(), imds.user_data(far()).await.unwrap_err()] {
        assert!(matches!(error, ImdsError::NotAValue { .. }), "{error:?}");
    }
    cloud.imds_faults(&instance.id, |faults| (faults.html, faults.no_target) = (false, true));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), None);
    cloud.imds_faults(&instance.id, |faults| (faults.no_target, faults.down) = (false, true));
    let soon = Instant::now() + Duration::from_millis(300);
    assert!(matches!(imds.target_lifecycle_state(soon).await.unwrap_err(), ImdsError::GaveUp { .. }));
}
