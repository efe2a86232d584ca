//! The client against a real HTTP server: what it sends, how often, and what it makes of bad answers.

use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

const DOCUMENT_JSON: &str = r#"{"accountId":"123456789012","architecture":"x86_64","availabilityZone":"eu-west-1a",
    "imageId":"ami-0123456789abcdef0","instanceId":"i-0123456789abcdef0","instanceType":"t3.micro","region":"eu-west-1"}"#;

/// No test waits for it; it only ends a test that has gone wrong.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn imds_with(server: &MockServer, attempt: Duration) -> Imds {
    let ms = Duration::from_millis;
    Imds::new(&server.uri(), Timeouts { attempt, first_pause: ms(1), longest_pause: ms(20) }).unwrap()
}

fn imds(server: &MockServer) -> Imds {
    imds_with(server, Duration::from_secs(30))
}

fn token_answer(token: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(token).insert_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
}

async fn server_with_token() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/latest/api/token"))
        .and(header("x-aws-ec2-metadata-token-ttl-seconds", "21600"))
        .respond_with(token_answer("tok"))
        .mount(&server)
        .await;
    server
}

async fn answers(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

async fn calls(server: &MockServer) -> Vec<String> {
    let seen = server.received_requests().await.unwrap();
    let token = |request: &Request| {
        request.headers.get("x-aws-ec2-metadata-token").map(|token| token.to_str().unwrap().to_owned())
    };
    for request in &seen {
        assert!(
            request.method.as_str() == "PUT" || token(request).is_some(),
            "asked without a token: {}",
            request.url.path()
        );
    }
    seen.iter()
        .map(|request| format!("{} {} {}", request.method, request.url.path(), token(request).unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn the_identity_is_read_with_one_token_and_tags_may_be_hidden() {
    let server = server_with_token().await;
    answers(&server, DOCUMENT, ResponseTemplate::new(200).set_body_string(DOCUMENT_JSON)).await;
    let who = imds(&server).identity(far()).await.unwrap();
    assert_eq!(who.instance_id.as_str(), "i-0123456789abcdef0");
    assert_eq!((who.region.as_str(), who.zone.as_str()), ("eu-west-1", "eu-west-1a"));
    assert_eq!((who.instance_type.as_str(), who.image_id.as_str()), ("t3.micro", "ami-0123456789abcdef0"));
    assert_eq!(who.account.as_deref(), Some("123456789012"));
    assert_eq!((who.tags.len(), who.group_hint), (0, None));
    let expected =
        ["PUT /latest/api/token ", &format!("GET {DOCUMENT} tok"), &format!("GET {TAGS} tok")].map(str::to_owned);
    assert_eq!(calls(&server).await, expected);
}

#[tokio::test]
async fn tags_are_read_one_by_one_and_may_name_the_group() {
    let server = server_with_token().await;
    answers(&server, DOCUMENT, ResponseTemplate::new(200).set_body_string(DOCUMENT_JSON)).await;
    answers(&server, TAGS, ResponseTemplate::new(200).set_body_string("Name\naws:autoscaling:groupName\nvanished"))
        .await;
    answers(&server, &format!("{TAGS}/Name"), ResponseTemplate::new(200).set_body_string("web ünit 1")).await;
    answers(&server, &format!("{TAGS}/aws:autoscaling:groupName"), ResponseTemplate::new(200).set_body_string("web"))
        .await;
    let who = imds(&server).identity(far()).await.unwrap();
    assert_eq!(who.tags["Name"], "web ünit 1");
    assert_eq!(who.tags.len(), 2);
    assert_eq!(who.group_hint, Some(crate::decide::ids::GroupName::new("web")));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_the_same_question() {
    let server = MockServer::start().await;
    Mock::given(method("PUT")).respond_with(token_answer("old")).up_to_n_times(1).mount(&server).await;
    Mock::given(method("PUT")).respond_with(token_answer("new")).mount(&server).await;
    Mock::given(method("GET"))
        .and(header("x-aws-ec2-metadata-token", "old"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(header("x-aws-ec2-metadata-token", "new"))
        .respond_with(ResponseTemplate::new(200).set_body_string("InService"))
        .mount(&server)
        .await;
    let imds = imds(&server);
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
    let expected = [
        "PUT /latest/api/token ",
        &format!("GET {TARGET_STATE} old"),
        "PUT /latest/api/token ",
        &format!("GET {TARGET_STATE} new"),
    ]
    .map(str::to_owned);
    assert_eq!(calls(&server).await, expected);
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::InService));
    assert_eq!(calls(&server).await.len(), 5, "the new token is kept");
}

#[tokio::test]
async fn a_service_that_refuses_its_own_tokens_is_given_up_at_the_deadline() {
    let server = server_with_token().await;
    answers(&server, USER_DATA, ResponseTemplate::new(401)).await;
    let error = imds(&server).user_data(Instant::now() + Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_transient());
    let ImdsError::GaveUp { last, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*last, ImdsError::TokenRefused { .. } | ImdsError::TimedOut { .. }), "{last:?}");
    calls(&server).await;
}

#[tokio::test]
async fn what_is_not_there_is_none_and_user_data_is_bytes() {
    let server = server_with_token().await;
    assert_eq!(imds(&server).target_lifecycle_state(far()).await.unwrap(), None);
    assert_eq!(imds(&server).user_data(far()).await.unwrap(), None);
    let gzip = [0x1f, 0x8b, 8, 0, 0xff, 0xfe, b'<'];
    answers(&server, USER_DATA, ResponseTemplate::new(200).set_body_bytes(gzip)).await;
    assert_eq!(imds(&server).user_data(far()).await.unwrap().as_deref(), Some(&gzip[..]));
}

#[tokio::test]
async fn forbidden_is_told_at_once_with_what_to_do() {
    let server = MockServer::start().await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(403)).mount(&server).await;
    let error = imds(&server).identity(far()).await.unwrap_err();
    assert!(matches!(error, ImdsError::Forbidden { .. }) && !error.is_transient());
    assert!(error.to_string().contains("HttpEndpoint"), "{error}");
    assert_eq!(calls(&server).await.len(), 1);
}

#[tokio::test]
async fn failing_and_throttled_answers_are_asked_again() {
    for status in [500, 503, 429] {
        let server = server_with_token().await;
        Mock::given(path(TARGET_STATE))
            .respond_with(ResponseTemplate::new(status))
            .up_to_n_times(3)
            .mount(&server)
            .await;
        answers(&server, TARGET_STATE, ResponseTemplate::new(200).set_body_string("Terminated\n")).await;
        assert_eq!(imds(&server).target_lifecycle_state(far()).await.unwrap(), Some(TargetState::Terminated));
        assert_eq!(calls(&server).await.len(), 5, "one token and four questions");
    }
}

#[tokio::test]
async fn a_token_that_fails_first_is_asked_for_again() {
    let server = MockServer::start().await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(500)).up_to_n_times(2).mount(&server).await;
    Mock::given(method("PUT")).respond_with(token_answer("tok")).mount(&server).await;
    Mock::given(method("GET"))
        .and(header_exists("x-aws-ec2-metadata-token"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    assert_eq!(imds(&server).target_lifecycle_state(far()).await.unwrap(), None);
    assert_eq!(calls(&server).await.len(), 4);
}

#[tokio::test]
async fn a_slow_answer_is_cut_short_and_asked_for_again() {
    let server = server_with_token().await;
    let slow = ResponseTemplate::new(200).set_body_string("Standby").set_delay(Duration::from_secs(600));
    Mock::given(path(TARGET_STATE)).respond_with(slow).up_to_n_times(1).mount(&server).await;
    answers(&server, TARGET_STATE, ResponseTemplate::new(200).set_body_string("Standby")).await;
    let imds = imds_with(&server, Duration::from_secs(2));
    assert_eq!(imds.target_lifecycle_state(far()).await.unwrap(), Some(TargetState::Standby));
}

#[tokio::test]
async fn a_deadline_holds_against_a_service_that_never_answers() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .respond_with(token_answer("tok").set_delay(Duration::from_secs(600)))
        .mount(&server)
        .await;
    let error = imds(&server).user_data(Instant::now() + Duration::from_millis(200)).await.unwrap_err();
    let ImdsError::GaveUp { tries: 1, last } = error else { panic!("{error:?}") };
    assert!(last.to_string().contains("hop limit"), "{last}");
}

#[tokio::test]
async fn a_cut_connection_and_a_closed_port_are_no_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let cutter = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf a tok").await.unwrap();
    };
    let imds = Imds::new(&base, Timeouts { first_pause: Duration::from_secs(3600), ..Timeouts::default() }).unwrap();
    let (answer, ()) = tokio::join!(imds.user_data(far()), cutter);
    let ImdsError::GaveUp { last, .. } = answer.unwrap_err() else { panic!("not given up") };
    assert!(matches!(*last, ImdsError::Unreachable { .. }), "{last:?}");
    drop(listener);
    let ImdsError::GaveUp { last, .. } = imds.user_data(far()).await.unwrap_err() else { panic!("not given up") };
    assert!(matches!(*last, ImdsError::Unreachable { .. }), "{last:?}");
}

#[tokio::test]
async fn a_web_page_a_huge_body_and_a_redirect_are_no_values() {
    for (body, kind) in [
        ("<html>Please log in", "text/plain"),
        ("Please log in", "text/html; charset=utf-8"),
        ("In Service!", "text/plain"),
    ] {
        let server = server_with_token().await;
        answers(&server, TARGET_STATE, ResponseTemplate::new(200).set_body_raw(body, kind)).await;
        let error = imds(&server).target_lifecycle_state(far()).await.unwrap_err();
        assert!(matches!(error, ImdsError::NotAValue { .. }) && !error.is_transient(), "{error:?}");
    }
    let server = server_with_token().await;
    answers(&server, USER_DATA, ResponseTemplate::new(200).set_body_bytes(vec![b'a'; 70_000])).await;
    assert!(matches!(imds(&server).user_data(far()).await.unwrap_err(), ImdsError::TooLarge { .. }));
    answers(&server, TARGET_STATE, ResponseTemplate::new(302).insert_header("location", server.uri())).await;
    assert!(matches!(imds(&server).target_lifecycle_state(far()).await.unwrap_err(), ImdsError::Status { .. }));
}

#[tokio::test]
async fn no_message_holds_the_token() {
    let server = MockServer::start().await;
    Mock::given(method("PUT")).respond_with(token_answer("AQAE-secret")).mount(&server).await;
    answers(&server, USER_DATA, ResponseTemplate::new(400)).await;
    let imds = imds(&server);
    let error = imds.user_data(far()).await.unwrap_err();
    assert!(!format!("{error} {error:?} {imds:?}").contains("secret"));
}

#[test]
fn the_endpoint_is_the_environments_and_plain_http() {
    let from = |endpoint_: Option<&str>, mode: Option<&str>| {
        endpoint(|name| if name.ends_with("_MODE") { mode } else { endpoint_ }.map(str::to_owned))
    };
    assert_eq!(from(None, None).unwrap(), "http://169.254.169.254");
    assert_eq!(from(Some(""), Some("ipv6")).unwrap(), "http://[fd00:ec2::254]");
    assert_eq!(from(Some("http://127.0.0.1:1"), Some("IPv6")).unwrap(), "http://127.0.0.1:1");
    assert!(from(None, Some("both")).is_err());
    for bad in ["https://169.254.169.254", "169.254.169.254", "http://user@host", "http://host/?x", "", "unix:/x"] {
        assert!(Imds::new(bad, Timeouts::default()).is_err(), "{bad}");
    }
    assert!(Imds::new("http://[fd00:ec2::254]/", Timeouts::default()).is_ok());
}
