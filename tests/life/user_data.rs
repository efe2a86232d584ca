//! User-data as an instance's configuration.

use serde_json::json;

use crate::local_cloud::{Instance, InstanceOptions, LocalCloud};
use crate::rig::*;
use crate::support::{Setup, eventually, free_port, get, git_repository};

async fn launch_saying(user_data: &str) -> (LocalCloud, Instance) {
    let user_data = Some(user_data.to_owned());
    launch_with(drain_hook(), InstanceOptions { user_data, ..InstanceOptions::default() }).await
}

/// An app that answers with this word.
fn app(setup: &Setup, word: &str) -> String {
    let dir = setup.dir().join(word);
    git_repository(&dir, &[("index.js", &APP.replace("'served'", &format!("'{word}'")))]);
    format!("git = \"file://{}\"", dir.display())
}

#[tokio::test]
async fn user_data_that_is_a_configuration_decides_what_runs_and_where_health_answers() {
    let (cloud, instance) = launch_with(both_hooks(), InstanceOptions::default()).await;
    let setup = bare(cloud.env_for(&instance));
    let (baked, told, port) = (app(&setup, "baked"), app(&setup, "told"), free_port());
    let user_data =
        format!("#!/usr/local/bin/herdsman up\n[source]\n{told}\n[health]\nlisten = \"127.0.0.1:{port}\"\n");
    cloud.set_user_data(&instance.id, Some(user_data.into_bytes()));
    let agent = setup.config(format!("source.{baked}")).start();
    in_service(&cloud, &instance, &agent).await;
    assert_eq!(agent.ask("/").await.unwrap().1, "told");
    let moved = async || get(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?, "/health").await;
    assert_eq!(eventually("/health at its new address", moved).await.0, 200);
    assert!(agent.health().await.is_none(), "it answers at one address");
    let status = agent.try_status().await.unwrap();
    assert_eq!(status["health"]["listen"], json!(format!("127.0.0.1:{port}")));
}

#[tokio::test]
async fn user_data_with_mistakes_is_refused_as_a_whole_and_every_mistake_is_told() {
    let (cloud, instance) =
        launch_saying("#!/usr/local/bin/herdsman up\n[source]\ngti = \"x\"\n[workers]\ncount = 0\n").await;
    let agent = machine(&cloud, &instance).start();
    in_service(&cloud, &instance, &agent).await;
    let status = await_reason(&agent, "the user-data is not taken").await;
    let reason = status["reason"].as_str().unwrap();
    for told in ["2 problems", "3:1", "gti", "did you mean `git`", "5:9", "workers.count = 0"] {
        assert!(reason.contains(told), "{told:?} is not in {reason}");
    }
    assert_eq!(agent.ask("/").await.unwrap().1, "served", "the image's own goes on");
}

#[tokio::test]
async fn user_data_for_somebody_else_is_left_alone() {
    let gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
    for (data, kind) in [
        (&b"#cloud-config\n[source]\nruncmd: [true]\n"[..], "a cloud-init file"),
        (b"#!/bin/sh\nherdsman up https://example.com/app\n", "a script for"),
        (gzip, "compressed with gzip"),
    ] {
        let (cloud, instance) = launch(drain_hook()).await;
        cloud.set_user_data(&instance.id, Some(data.to_vec()));
        let agent = machine(&cloud, &instance).start();
        let status = agent.await_phase("in-service").await;
        assert_eq!(status["reason"], json!(null));
        assert!(agent.await_log("the user-data is not for herdsman").await.contains(kind), "{}", agent.log());
    }
}

#[tokio::test]
async fn user_data_that_comes_late_still_decides_what_runs_as_long_as_no_worker_does() {
    let (cloud, instance) = launch_with(both_hooks(), InstanceOptions::default()).await;
    cloud.imds_faults(&instance.id, |faults| faults.off = true);
    let setup = bare(cloud.env_for(&instance));
    let (baked, told) = (app(&setup, "baked"), app(&setup, "told"));
    cloud.set_user_data(&instance.id, Some(format!("#herdsman\nbuild.run = \"\"\nsource.{told}\n").into_bytes()));
    let agent = setup.config(format!("source.{baked}")).config(HELD_BUILD).start();
    agent.await_phase("building").await;
    cloud.imds_faults(&instance.id, |faults| faults.off = false);
    in_service(&cloud, &instance, &agent).await;
    assert_eq!(agent.ask("/").await.unwrap().1, "told");
    assert_eq!(completions(&cloud), ["boot CONTINUE"]);
}
