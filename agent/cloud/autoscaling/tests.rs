//! The client, with the real SDK, against answers as AWS writes them.

use std::time::Duration;

use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

async fn client(server: &MockServer) -> AutoScaling {
    AutoScaling::at(&server.uri(), "eu-west-1", "AKIDEXAMPLE", "secret").await
}

fn xml(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "text/xml")
}

fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    xml(
        status,
        &format!(
            r#"<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type><Code>{code}</Code>
            <Message>{message}</Message></Error><RequestId>8c2e7a3e-0000</RequestId></ErrorResponse>"#
        ),
    )
}

async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn complete(client: &AutoScaling) -> Result<(), ApiError> {
    let (group, hook, id) = (GroupName::new("web"), HookName::new("drain"), InstanceId::new("i-0123456789abcdef0"));
    client.complete(&group, &hook, &id, HookResult::Continue).await
}

async fn refused(answer: ResponseTemplate) -> (ApiError, usize) {
    let server = always(answer).await;
    let error = complete(&client(&server).await).await.unwrap_err();
    (error, server.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn completing_a_hook_says_who_which_and_how() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("Action=CompleteLifecycleAction"))
        .and(body_string_contains("AutoScalingGroupName=web"))
        .and(body_string_contains("LifecycleHookName=drain"))
        .and(body_string_contains("InstanceId=i-0123456789abcdef0"))
        .and(body_string_contains("LifecycleActionResult=CONTINUE"))
        .respond_with(xml(200, "<CompleteLifecycleActionResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>"))
        .expect(1)
        .mount(&server)
        .await;
    complete(&client(&server).await).await.unwrap();
}

#[tokio::test]
async fn an_action_that_is_not_waiting_is_told_apart_and_not_tried_again() {
    let message = "No active Lifecycle Action found with instance ID i-0123456789abcdef0";
    let (error, asked) = refused(refusal(400, "ValidationError", message)).await;
    assert!(matches!(error, ApiError::NoActiveAction { .. }) && !error.is_transient(), "{error:?}");
    assert_eq!(asked, 1);
    let (error, _) = refused(refusal(400, "ValidationError", "AutoScalingGroup name not found")).await;
    assert!(matches!(error, ApiError::Other { .. }), "{error:?}");
}

#[tokio::test]
async fn a_denied_call_names_the_permission() {
    let (error, asked) = refused(refusal(403, "AccessDenied", "User: arn:aws:sts::1:x is not authorized")).await;
    assert!(matches!(error, ApiError::Denied { .. }) && !error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("autoscaling:CompleteLifecycleAction"), "{error}");
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn throttled_and_failing_calls_are_tried_again_a_few_times() {
    let (error, asked) = refused(refusal(400, "Throttling", "Rate exceeded")).await;
    assert!(matches!(error, ApiError::Throttled { .. }) && error.is_transient(), "{error:?}");
    assert_eq!(asked, ATTEMPTS as usize);
    let (error, asked) = refused(xml(500, "<html>not XML that anybody expects")).await;
    assert!(matches!(error, ApiError::Busy { .. }) && error.is_transient(), "{error:?}");
    assert_eq!(asked, ATTEMPTS as usize);
    let (error, _) = refused(refusal(500, "ResourceContention", "another operation is in progress")).await;
    assert!(matches!(error, ApiError::Busy { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_that_ended_are_no_denial() {
    let (error, _) =
        refused(refusal(403, "ExpiredToken", "The security token included in the request is expired")).await;
    assert!(matches!(error, ApiError::Credentials { .. }) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let server = always(xml(200, "")).await;
    let client = client(&server).await;
    drop(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop((listener, client));
    let error = complete(&AutoScaling::at(&closed, "eu-west-1", "a", "b").await).await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable { .. }) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_error_says_so() {
    #[derive(Debug)]
    struct Nobody;
    impl aws_sdk_autoscaling::config::ProvideCredentials for Nobody {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let none = aws_credential_types::provider::error::CredentialsError::not_loaded("no role");
            aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
        }
    }
    let server = always(xml(200, "")).await;
    let loader =
        aws_config::defaults(BehaviorVersion::latest()).credentials_provider(Nobody).endpoint_url(server.uri());
    let error = complete(&AutoScaling::from_loader(loader, "eu-west-1").await).await.unwrap_err();
    assert!(matches!(error, ApiError::Credentials { .. }), "{error:?}");
    assert!(error.to_string().contains("instance profile"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_instance_is_found_by_its_own_id_or_belongs_to_no_group() {
    let answer = |members: &str| {
        xml(
            200,
            &format!(
                "<DescribeAutoScalingInstancesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeAutoScalingInstancesResult><AutoScalingInstances>{members}</AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>"
            ),
        )
    };
    let member = |id: &str| {
        format!(
            "<member><InstanceId>{id}</InstanceId><AutoScalingGroupName>web</AutoScalingGroupName><LifecycleState>Terminating:Wait</LifecycleState></member>"
        )
    };
    let id = InstanceId::new("i-0123456789abcdef0");
    let server = always(answer(&(member("i-0fffffffffffffff0") + &member(id.as_str())))).await;
    let found = client(&server).await.instance(&id).await.unwrap().unwrap();
    assert_eq!(found, Member { group: GroupName::new("web"), state: LifecycleState::TerminatingWait });
    for nothing in [
        "".to_owned(),
        member("i-0fffffffffffffff0"),
        "<member/>".to_owned(),
        format!("<member><InstanceId>{id}</InstanceId></member>"),
    ] {
        let server = always(answer(&nothing)).await;
        assert_eq!(client(&server).await.instance(&id).await.unwrap(), None, "{nothing}");
    }
}

#[tokio::test]
async fn a_hooks_missing_fields_get_their_documented_defaults() {
    let server = always(xml(200, "<DescribeLifecycleHooksResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><DescribeLifecycleHooksResult><LifecycleHooks>
        <member><LifecycleHookName>boot</LifecycleHookName><LifecycleTransition>autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition>
          <HeartbeatTimeout>60</HeartbeatTimeout><GlobalTimeout>6000</GlobalTimeout><DefaultResult>CONTINUE</DefaultResult></member>
        <member><LifecycleHookName>drain</LifecycleHookName><LifecycleTransition>autoscaling:EC2_INSTANCE_TERMINATING</LifecycleTransition>
          <HeartbeatTimeout>-5</HeartbeatTimeout></member>
        <member><HeartbeatTimeout>60</HeartbeatTimeout></member>
        </LifecycleHooks></DescribeLifecycleHooksResult></DescribeLifecycleHooksResponse>")).await;
    let hooks = client(&server).await.hooks(&GroupName::new("web")).await.unwrap();
    let secs = Duration::from_secs;
    let [boot, drain] = &hooks[..] else { panic!("{hooks:?}") };
    assert_eq!(
        (&boot.transition, boot.heartbeat_timeout, boot.global_timeout),
        (&Transition::Launching, secs(60), secs(6000))
    );
    assert_eq!((boot.name.as_str(), boot.default_result), ("boot", HookResult::Continue));
    assert_eq!(
        (&drain.transition, drain.heartbeat_timeout, drain.global_timeout),
        (&Transition::Terminating, secs(3600), secs(172_800))
    );
    assert_eq!(drain.default_result, HookResult::Abandon);
}
