//! A whole life in bad weather: metadata and Auto Scaling come and go by the dice, and the end is the same.

use std::time::Duration;

use tokio::time::sleep;

use crate::local_cloud::{ApiFaults, ImdsFaults, Instance, LocalCloud};
use crate::rig::*;
use crate::support::PATIENCE;

const MS: Duration = Duration::from_millis(1);

/// Something breaks, or is mended, a few times a second.
async fn storm(cloud: &LocalCloud, instance: &Instance, dice: &mut fastrand::Rng) {
    for _ in 0..12 {
        let imds = ImdsFaults {
            down: dice.u8(..4) == 0,
            off: dice.u8(..8) == 0,
            html: dice.u8(..8) == 0,
            failing: dice.u32(..2),
            unauthorized: dice.u32(..3),
            ..ImdsFaults::default()
        };
        let lose = ["RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"];
        let api = ApiFaults {
            down: dice.u8(..4) == 0,
            failing: dice.u32(..3),
            expired: dice.u32(..2),
            lose_answer: lose.map(|action| (action.to_owned(), dice.u32(..2))).into(),
            ..ApiFaults::default()
        };
        cloud.imds_faults(&instance.id, |faults| *faults = imds);
        cloud.faults(|faults| *faults = api);
        sleep(MS * dice.u32(50..300)).await;
    }
    cloud.imds_faults(&instance.id, |faults| *faults = ImdsFaults::default());
    cloud.faults(|faults| *faults = ApiFaults::default());
}

async fn a_life_in_bad_weather(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let (cloud, instance) = launch(both_hooks()).await;
    let agent = machine(&cloud, &instance).config("lifecycle.unready_wait = \"30s\"").start();
    storm(&cloud, &instance, &mut dice).await;
    in_service(&cloud, &instance, &agent).await;
    let users = Users::of(&agent);
    storm(&cloud, &instance, &mut dice).await;
    cloud.terminate(&instance.id);
    storm(&cloud, &instance, &mut dice).await;
    agent.await_phase("draining").await;
    users.were_served().await;
    let_go(&cloud);
    storm(&cloud, &instance, &mut dice).await;
    agent.await_phase("released").await;
    cloud.await_in(&instance.id, "Terminated", PATIENCE).await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"], "seed {seed}");
    assert_nothing_runs(&agent).await;
}

#[tokio::test]
async fn whatever_the_weather_the_instance_is_released_by_exactly_one_completion() {
    a_life_in_bad_weather(1).await;
}

#[tokio::test]
async fn whatever_the_weather_the_instance_is_released_by_exactly_one_completion_again() {
    a_life_in_bad_weather(20_261).await;
}
