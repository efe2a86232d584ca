//! Metadata: other people's clients read our emulator, our client reads other people's server.

use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_autoscaling::config::ProvideCredentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use serde_json::json;

use super::local_cloud::{ACCOUNT, HookSpec, InstanceOptions, LocalCloud, Options, ROLE};
use super::support::{ask_referee, plain_client, python, python_with_cloud_init, start_ministack};
use super::{client, far};

#[tokio::test]
async fn botocore_reads_the_emulators_imds() {
    let Some(python) = python() else { return };
    let cloud = LocalCloud::start(Options::default()).await.unwrap();
    let instance = cloud.launch(InstanceOptions::default());
    let read = ask_referee(&python, "botocore_reads_imds.py", &instance.imds_url).await;
    assert_eq!((&read["role"], &read["region"]), (&json!(ROLE), &json!("eu-west-1")));
    assert!(read["access_key"].as_str().unwrap().starts_with("ASIA"), "{read}");
    assert!(cloud.calls().iter().all(|call| call.is_good()), "{:#?}", cloud.calls());
}

#[tokio::test]
async fn cloud_init_crawls_the_emulators_imds() {
    let Some(python) = python_with_cloud_init() else { return };
    let hooks = vec![HookSpec::launching("boot", 600.0)];
    let cloud = LocalCloud::start(Options { hooks, ..Options::default() }).await.unwrap();
    let tags = [("Name".to_owned(), "web 1".to_owned())].into();
    let user_data = Some("#!/usr/local/bin/herdsman up\n[app]\nport = 80\n".to_owned());
    let instance = cloud.launch(InstanceOptions { tags, user_data: user_data.clone(), ..InstanceOptions::default() });
    let read = ask_referee(&python, "cloud_init_reads_imds.py", &instance.imds_url).await;
    let (data, document) = (&read["meta-data"], &read["dynamic"]["instance-identity"]["document"]);
    assert_eq!(read["user-data"].as_str(), user_data.as_deref());
    assert_eq!(data["instance-id"], instance.id);
    assert_eq!(data["placement"]["availability-zone"], "eu-west-1a");
    assert_eq!(data["tags"]["instance"], json!({"Name": "web 1"}));
    assert_eq!(data["autoscaling"]["target-lifecycle-state"], "InService");
    assert_eq!((&document["instanceId"], &document["accountId"]), (&json!(instance.id), &json!(ACCOUNT)));
}

#[tokio::test]
async fn our_client_and_the_sdk_read_ministacks_imds() {
    let Some(ministack) = start_ministack().await else { return };
    let id = plain_client().get(format!("{}/latest/meta-data/instance-id", ministack.url)).send().await.unwrap();
    assert_eq!(id.status(), 401, "this referee wants a token");
    let imds = client(&ministack.url);
    let who = imds.identity(far()).await.unwrap();
    assert!(who.zone.starts_with(&who.region) && who.image_id == "ami-ministack", "{who:?}");
    assert_eq!(who.account.as_ref().map(String::len), Some(12));
    assert_eq!((who.tags.len(), who.group_hint), (0, None));
    assert_eq!(imds.user_data(far()).await.unwrap(), None);
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), None);

    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    let config = ProviderConfig::without_region().with_http_client(http);
    let sdk = aws_config::imds::Client::builder().configure(&config).endpoint(&ministack.url).unwrap().build();
    assert_eq!(sdk.get("/latest/meta-data/instance-id").await.unwrap().as_ref(), who.instance_id.as_str());
    let credentials = ImdsCredentialsProvider::builder().imds_client(sdk).build().provide_credentials().await.unwrap();
    assert!(credentials.session_token().is_some());
}
