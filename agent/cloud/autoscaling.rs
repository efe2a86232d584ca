//! The four calls of the Auto Scaling API that an instance needs, on AWS's own SDK.
//!
//! Credentials, signing, regions and clock skew are the SDK's; it tries a call a few times within seconds, and whoever calls
//! here tries again for as long as its own deadline allows. Must not decide when a hook is to be completed.

mod error;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_autoscaling::types::LifecycleHook;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

pub use self::error::ApiError;
use crate::decide::aws::{Hook, HookResult, LifecycleState, Member, Transition};
use crate::decide::ids::{GroupName, HookName, InstanceId};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Of one call, the pauses between them included.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 3;

/// Where AWS leaves a hook's time-outs out of its answer. Source: API reference of PutLifecycleHook.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(3600);
const LONGEST_GLOBAL: Duration = Duration::from_secs(172_800);

/// The Auto Scaling API of one region.
#[derive(Debug, Clone)]
pub struct AutoScaling {
    client: Client,
}

impl AutoScaling {
    /// A client for `region`, with the credentials of the SDK's chain (the environment, else the role that IMDS hands out).
    /// `AWS_ENDPOINT_URL_AUTO_SCALING` and `AWS_ENDPOINT_URL` move its endpoint. Calls nobody yet.
    pub async fn new(region: &str) -> Self {
        Self::from_loader(aws_config::defaults(BehaviorVersion::latest()), region).await
    }

    /// A client of the service at `endpoint`, with credentials that are given: it reads no environment.
    pub async fn at(endpoint: &str, region: &str, access_key: &str, secret_key: &str) -> Self {
        let credentials = Credentials::new(access_key, secret_key, None, None, "given");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint);
        Self::from_loader(loader, region).await
    }

    async fn from_loader(loader: ConfigLoader, region: &str) -> Self {
        let tls = Provider::Rustls(CryptoMode::Ring);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .operation_attempt_timeout(CONNECT_TIMEOUT + ANSWER_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let config = loader
            .region(Region::new(region.to_owned()))
            .http_client(aws_smithy_http_client::Builder::new().tls_provider(tls).build_https())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .load()
            .await;
        Self { client: Client::new(&config) }
    }

    /// What the group says of this instance; `None` when it belongs to none. (DescribeAutoScalingInstances)
    pub async fn instance(&self, id: &InstanceId) -> Result<Option<Member>, ApiError> {
        let call = self.client.describe_auto_scaling_instances().instance_ids(id.as_str());
        let answer = call.send().await.map_err(|error| ApiError::of("DescribeAutoScalingInstances", error))?;
        // It was asked for one; an answer about another instance, or without a group, tells nothing of this one.
        let found = answer.auto_scaling_instances().iter().find(|found| found.instance_id() == Some(id.as_str()));
        Ok(found.and_then(|found| {
            Some(Member {
                group: GroupName::new(said(found.auto_scaling_group_name())?),
                state: LifecycleState::from(said(found.lifecycle_state())?.to_owned()),
            })
        }))
    }

    /// The group's lifecycle hooks. (DescribeLifecycleHooks)
    pub async fn hooks(&self, group: &GroupName) -> Result<Vec<Hook>, ApiError> {
        let call = self.client.describe_lifecycle_hooks().auto_scaling_group_name(group.as_str());
        let answer = call.send().await.map_err(|error| ApiError::of("DescribeLifecycleHooks", error))?;
        Ok(answer.lifecycle_hooks().iter().filter_map(hook).collect())
    }

    /// Keeps the hook waiting for another heartbeat time-out. (RecordLifecycleActionHeartbeat)
    pub async fn heartbeat(&self, group: &GroupName, hook: &HookName, instance: &InstanceId) -> Result<(), ApiError> {
        let call = self
            .client
            .record_lifecycle_action_heartbeat()
            .auto_scaling_group_name(group.as_str())
            .lifecycle_hook_name(hook.as_str())
            .instance_id(instance.as_str());
        call.send().await.map_err(|error| ApiError::of("RecordLifecycleActionHeartbeat", error))?;
        Ok(())
    }

    /// Ends the hook's wait. (CompleteLifecycleAction)
    pub async fn complete(
        &self,
        group: &GroupName,
        hook: &HookName,
        instance: &InstanceId,
        result: HookResult,
    ) -> Result<(), ApiError> {
        let call = self
            .client
            .complete_lifecycle_action()
            .auto_scaling_group_name(group.as_str())
            .lifecycle_hook_name(hook.as_str())
            .instance_id(instance.as_str())
            .lifecycle_action_result(result.as_str());
        call.send().await.map_err(|error| ApiError::of("CompleteLifecycleAction", error))?;
        Ok(())
    }
}

/// The SDK puts an empty text where a required field is missing.
fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A hook without name or transition cannot be completed: it is left out. What else is missing has a documented default.
fn hook(told: &LifecycleHook) -> Option<Hook> {
    let seconds =
        |value: Option<i32>| value.and_then(|v| u64::try_from(v).ok()).filter(|v| *v > 0).map(Duration::from_secs);
    let heartbeat_timeout = seconds(told.heartbeat_timeout()).unwrap_or(DEFAULT_HEARTBEAT);
    Some(Hook {
        name: HookName::new(said(told.lifecycle_hook_name())?),
        transition: Transition::from(said(told.lifecycle_transition())?.to_owned()),
        heartbeat_timeout,
        global_timeout: seconds(told.global_timeout()).unwrap_or_else(|| LONGEST_GLOBAL.min(heartbeat_timeout * 100)),
        default_result: told.default_result().and_then(|word| word.parse().ok()).unwrap_or(HookResult::Abandon),
    })
}
