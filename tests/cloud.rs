//! The clients of `agent/cloud` and AWS's own SDK, over real HTTP, against the group and the IMDS of `tests/local_cloud`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod local_cloud;

#[path = "cloud/control.rs"]
mod control;
#[path = "cloud/faults.rs"]
mod faults;
#[path = "cloud/hooks.rs"]
mod hooks;
#[path = "cloud/sdk.rs"]
mod sdk;
#[path = "local_cloud/state_tests.rs"]
mod state_tests;

use std::time::Duration;

use herdsman::cloud::{AutoScaling, Imds, Timeouts};
use herdsman::decide::ids::{GroupName, HookName, InstanceId};
use local_cloud::{HookSpec, Instance, InstanceOptions, LocalCloud, Options};
use tokio::time::Instant;

/// Nothing here takes so long; it only ends a test that has gone wrong.
const LONG: Duration = Duration::from_secs(60);

fn far() -> Instant {
    Instant::now() + LONG
}

/// A group with both hooks, whose clock the tests put forward; one instance.
async fn group_of_one() -> (LocalCloud, Instance) {
    let hooks = vec![HookSpec::launching("boot", 600.0), HookSpec::terminating("drain", 600.0)];
    let options = Options { hooks, drain: Duration::from_secs(3600), ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let instance = cloud.launch(InstanceOptions::default());
    (cloud, instance)
}

async fn api(cloud: &LocalCloud) -> AutoScaling {
    AutoScaling::at(cloud.autoscaling_url(), "eu-west-1", "AKIDEXAMPLE", "secret").await
}

fn imds(instance: &Instance) -> Imds {
    let ms = Duration::from_millis;
    Imds::new(&instance.imds_url, Timeouts { attempt: LONG, first_pause: ms(1), longest_pause: ms(20) }).unwrap()
}

fn names(instance: &Instance) -> (GroupName, HookName, HookName, InstanceId) {
    (GroupName::new("herd"), HookName::new("boot"), HookName::new("drain"), InstanceId::new(instance.id.as_str()))
}
