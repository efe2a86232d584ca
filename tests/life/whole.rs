//! From launch to termination with several workers, as the group and the users see it.

use crate::rig::*;
use crate::support::PATIENCE;

#[tokio::test]
async fn an_instance_goes_into_service_and_out_of_it_by_its_hooks_and_no_request_is_lost() {
    let (cloud, instance) = launch(both_hooks()).await;
    let app = [("index.js", APP), ("herdsman.toml", "[workers]\ncount = 2\n[health]\nprobe = \"/\"\n")];
    let agent = bare(cloud.env_for(&instance)).app(&app).start();
    in_service(&cloud, &instance, &agent).await;
    let status = agent.try_status().await.unwrap();
    assert_eq!(
        (status["workers"].as_array().unwrap().len(), &status["instance"]["id"]),
        (2, &instance.id.as_str().into())
    );

    let users = Users::of(&agent);
    // Enough of them that both workers have some.
    let held =
        async { tokio::join!(held(&agent), held(&agent), held(&agent), held(&agent), held(&agent), held(&agent)) };
    let story = async {
        terminate(&cloud, &instance, &agent).await;
        assert_eq!(agent.health().await.unwrap().0, 503);
        users.were_served().await;
        let_go(&cloud);
        agent.await_log("stopping the worker").await;
        cloud.await_calls(1, PATIENCE, good("RecordLifecycleActionHeartbeat")).await;
        open(&agent, "done");
    };
    let (held, ()) = tokio::join!(held, story);
    assert_eq!(held, (true, true, true, true, true, true), "{}", agent.log());
    agent.await_phase("released").await;
    assert_eq!(completions(&cloud), ["boot CONTINUE", "drain CONTINUE"]);
    assert_nothing_runs(&agent).await;
}

async fn held(agent: &crate::support::Agent) -> bool {
    agent.ask("/held").await == Some((200, "held".to_owned()))
}
