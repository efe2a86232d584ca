//! The program `local-cloud` and its control API, as the demonstration uses them.

use serde_json::{Value, json};

use super::local_cloud::{LocalCloud, Options};
use super::sdk::plain;
use super::{HookSpec, LONG};

async fn ask(method: &str, url: String, body: Value) -> (u16, Value) {
    let request = plain().request(method.parse().unwrap(), url).body(body.to_string());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_life_can_be_led_with_curl_alone() {
    let hooks = vec![HookSpec::terminating("drain", 300.0)];
    let cloud = LocalCloud::start(Options { hooks, drain: LONG * 60, ..Options::default() }).await.unwrap();
    let control = format!("{}/control", cloud.autoscaling_url());
    let (status, instance) =
        ask("POST", format!("{control}/instances"), json!({"user_data": "#!x", "tags": {"a": "b"}})).await;
    assert_eq!(status, 200);
    let id = instance["id"].as_str().unwrap();
    assert_eq!(instance["env"]["AWS_EC2_METADATA_SERVICE_ENDPOINT"], instance["imds_url"]);
    let (_, member) = ask("GET", format!("{control}/instances/{id}?state=InService&within=60"), json!(null)).await;
    assert_eq!((&member["target"], &member["balancer"]), (&json!("InService"), &json!("registered")));

    assert_eq!(ask("POST", format!("{control}/instances/{id}/terminate"), json!(null)).await.0, 200);
    assert_eq!(ask("GET", format!("{control}/instances/{id}?state=Terminated"), json!(null)).await.0, 408);
    assert_eq!(ask("POST", format!("{control}/pass"), json!({"seconds": 3600})).await.0, 200);
    let (_, member) =
        ask("GET", format!("{control}/instances/{id}?state=Terminating:Wait&within=60"), json!(null)).await;
    assert_eq!(member["waiting"], json!(["drain"]));

    assert_eq!(
        ask("PUT", format!("{control}/faults"), json!({"throttle": {"CompleteLifecycleAction": 1}})).await.0,
        200
    );
    assert_eq!(ask("PUT", format!("{control}/faults"), json!({"no such fault": 1})).await.0, 400);
    assert_eq!(ask("PUT", format!("{control}/instances/{id}/faults"), json!({"off": true})).await.0, 200);
    assert_eq!(ask("PUT", format!("{control}/instances/{id}/tags"), json!({"c": "d"})).await.0, 200);
    assert_eq!(
        ask(
            "PUT",
            format!("{control}/hooks"),
            json!([{"name": "x", "transition": "?", "heartbeat_seconds": 30, "default_result": "CONTINUE"}])
        )
        .await
        .0,
        400
    );
    assert_eq!(ask("POST", format!("{control}/instances/i-none/terminate"), json!(null)).await.0, 409);
    assert_eq!(ask("GET", format!("{control}/calls"), json!(null)).await, (200, json!([])));
}
