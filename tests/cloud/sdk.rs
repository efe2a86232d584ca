//! AWS's own IMDS client as a referee of the emulator's IMDS, then our client and some plain requests on the same.

use aws_config::Region;
use aws_config::imds::{Client, credentials::ImdsCredentialsProvider, region::ImdsRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_sdk_autoscaling::config::ProvideCredentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::local_cloud::{ACCOUNT, Instance, InstanceOptions};
use super::{far, group_of_one, imds};

fn sdk(instance: &Instance) -> Client {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    let config = ProviderConfig::without_region().with_http_client(http);
    Client::builder().configure(&config).endpoint(&instance.imds_url).unwrap().build()
}

#[tokio::test]
async fn the_sdk_reads_region_identity_and_credentials() {
    let (_cloud, instance) = group_of_one().await;
    let client = sdk(&instance);
    let region = ImdsRegionProvider::builder().imds_client(client.clone()).build().region().await;
    assert_eq!(region, Some(Region::from_static("eu-west-1")));
    let credentials = ImdsCredentialsProvider::builder().imds_client(client.clone()).build();
    let credentials = credentials.provide_credentials().await.unwrap();
    assert!(credentials.access_key_id().starts_with("ASIA") && credentials.session_token().is_some());
    assert!(credentials.expiry().is_some());
    let document = client.get("/latest/dynamic/instance-identity/document").await.unwrap();
    let document: serde_json::Value = serde_json::from_str(document.as_ref()).unwrap();
    assert_eq!((&document["instanceId"], &document["accountId"]), (&instance.id.as_str().into(), &ACCOUNT.into()));
    assert_eq!(client.get("/latest/meta-data/instance-id").await.unwrap().as_ref(), instance.id);
    assert!(client.get("/latest/meta-data/spot/instance-action").await.is_err(), "404, as on an instance that stays");
}

#[tokio::test]
async fn our_client_reads_tags_and_user_data() {
    let (cloud, _) = group_of_one().await;
    let tags = [("Name", "wëb 1"), ("aws:autoscaling:groupName", "herd")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    let instance = cloud.launch(InstanceOptions { tags: tags.clone().into(), ..InstanceOptions::default() });
    let who = imds(&instance).identity(far()).await.unwrap();
    assert_eq!(who.tags, tags.into());
    assert_eq!(who.group_hint.unwrap().as_str(), "herd");
    assert_eq!((who.account.as_deref(), who.zone.as_str()), (Some(ACCOUNT), "eu-west-1a"));
    assert_eq!(imds(&instance).user_data(far()).await.unwrap(), None);
    cloud.set_user_data(&instance.id, Some(vec![0x1f, 0x8b, 0, 0xff]));
    assert_eq!(imds(&instance).user_data(far()).await.unwrap(), Some(vec![0x1f, 0x8b, 0, 0xff]));
    let hidden = cloud.launch(InstanceOptions { hide_tags: true, ..InstanceOptions::default() });
    assert!(imds(&hidden).identity(far()).await.unwrap().tags.is_empty());
}

#[tokio::test]
async fn the_emulators_imds_is_strict() {
    let (_cloud, instance) = group_of_one().await;
    let http = plain();
    let url = |path: &str| format!("{}{path}", instance.imds_url);
    let put = |path: &str, ttl: &str| http.put(url(path)).header("X-aws-ec2-metadata-token-ttl-seconds", ttl);
    let status = |asked: reqwest::RequestBuilder| async { asked.send().await.unwrap().status().as_u16() };
    assert_eq!(status(http.get(url("/latest/meta-data/instance-id"))).await, 401);
    assert_eq!(
        status(http.get(url("/latest/meta-data/instance-id")).header("X-aws-ec2-metadata-token", "guess")).await,
        401
    );
    for bad in ["0", "21601", "x", "-1"] {
        assert_eq!(status(put("/latest/api/token", bad)).await, 400, "{bad}");
    }
    assert_eq!(status(http.put(url("/latest/api/token"))).await, 400);
    assert_eq!(status(put("/2021-07-15/api/token", "60")).await, 403);
    assert_eq!(status(put("/latest/api/token", "60").header("X-Forwarded-For", "10.0.0.1")).await, 403);
    let answer = put("/latest/api/token", "1").send().await.unwrap();
    assert_eq!(answer.headers()["x-aws-ec2-metadata-token-ttl-seconds"], "1");
    let token = answer.text().await.unwrap();
    let get = || http.get(url("/latest/meta-data/placement/")).header("X-aws-ec2-metadata-token", &token);
    let begun = tokio::time::Instant::now();
    let listing = get().send().await.unwrap();
    // On a machine too busy to ask within a second there is nothing to see.
    if begun.elapsed().as_millis() < 500 {
        assert_eq!(listing.text().await.unwrap(), "availability-zone\navailability-zone-id\nregion");
    }
    while status(get()).await != 401 {
        assert!(begun.elapsed() < super::LONG, "a token of one second must end");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// A client that knows nothing of IMDS.
pub fn plain() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(super::LONG).build().unwrap()
}
