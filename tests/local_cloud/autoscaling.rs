//! The Auto Scaling API, as much of it as an instance needs: Query protocol in, XML out, version 2011-01-01 (botocore's model).

use std::collections::BTreeMap;
use std::fmt::Write;

use super::faults::{ApiFaults, take, take_of};
use super::http::{Ask, Reply};
use super::imds::{IMAGE, INSTANCE_TYPE};
use super::options::{HookSpec, LAUNCHING, TERMINATING};
use super::state::{Group, Member, Moment, Refusal};

const XMLNS: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

pub type Parameters = BTreeMap<String, String>;

/// A refusal as AWS words it.
#[derive(Debug)]
pub struct ApiError {
    status: u16,
    code: &'static str,
    message: String,
}

/// What is done with a request.
#[derive(Debug)]
pub enum Outcome {
    Answer(Result<String, ApiError>),
    /// Done, but the answer is lost.
    Lost,
    /// Not even read.
    Cut,
}

/// The parameters of a request: a form in the body, or the query of a GET.
pub fn parameters(ask: &Ask) -> Parameters {
    let form = String::from_utf8_lossy(&ask.body);
    let text = if form.is_empty() { ask.query.as_str() } else { &form };
    let url = reqwest::Url::parse(&format!("http://local/?{text}")).expect("a query takes every text");
    url.query_pairs().into_owned().collect()
}

/// Does what is asked, or what the faults make of it.
pub fn answer(group: &mut Group, faults: &mut ApiFaults, ask: &Ask, asked: &Parameters, now: Moment) -> Outcome {
    let action = asked.get("Action").map_or("", String::as_str);
    if faults.down {
        return Outcome::Cut;
    }
    if let Some(refusal) = refused(faults, ask, action, &group.options.region) {
        return Outcome::Answer(Err(refusal));
    }
    let lost = take_of(&mut faults.lose_answer, action);
    let done = act(group, action, asked, now);
    if lost { Outcome::Lost } else { Outcome::Answer(done) }
}

fn refused(faults: &mut ApiFaults, ask: &Ask, action: &str, region: &str) -> Option<ApiError> {
    let scope = format!("/{region}/autoscaling/aws4_request");
    let signed =
        ask.header("authorization").is_some_and(|with| with.starts_with("AWS4-HMAC-SHA256") && with.contains(&scope));
    if !signed {
        return Some(ApiError::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"));
    }
    if take(&mut faults.failing) {
        return Some(ApiError::new(
            500,
            "InternalFailure",
            "The request processing has failed because of an unknown error",
        ));
    }
    if take(&mut faults.expired) {
        return Some(ApiError::new(403, "ExpiredToken", "The security token included in the request is expired"));
    }
    if take_of(&mut faults.throttle, action) {
        return Some(ApiError::new(400, "Throttling", "Rate exceeded"));
    }
    faults.deny.iter().any(|denied| denied == action).then(|| {
        let who = "arn:aws:sts::123456789012:assumed-role/herd-instance/i-x";
        let message = format!(
            "User: {who} is not authorized to perform: autoscaling:{action} because no identity-based policy allows it"
        );
        ApiError::new(403, "AccessDenied", message)
    })
}

fn act(group: &mut Group, action: &str, asked: &Parameters, now: Moment) -> Result<String, ApiError> {
    group.tick(now);
    let body = match action {
        "DescribeAutoScalingInstances" => describe_instances(group, asked),
        "DescribeLifecycleHooks" => describe_hooks(group, asked)?,
        "CompleteLifecycleAction" => {
            let result = required(asked, "LifecycleActionResult")?;
            if !["CONTINUE", "ABANDON"].contains(&result) {
                return Err(validation(format!("Invalid lifecycle action result: {result}")));
            }
            let (hook, id, token) = whose(group, asked)?;
            group.complete(hook, id, token, result, now).map_err(|why| no_action(&why, id, token))?;
            String::new()
        }
        "RecordLifecycleActionHeartbeat" => {
            let (hook, id, token) = whose(group, asked)?;
            group.heartbeat(hook, id, token, now).map_err(|why| no_action(&why, id, token))?;
            String::new()
        }
        _ => {
            return Err(ApiError::new(
                400,
                "InvalidAction",
                format!("Could not find operation {action} for version 2011-01-01"),
            ));
        }
    };
    Ok(format!(
        "<{action}Response xmlns=\"{XMLNS}\"><{action}Result>{body}</{action}Result><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{action}Response>",
        request_id()
    ))
}

fn describe_instances(group: &Group, asked: &Parameters) -> String {
    let wanted: Vec<&String> =
        asked.iter().filter(|(key, _)| key.starts_with("InstanceIds.member.")).map(|(_, id)| id).collect();
    let mut xml = String::from("<AutoScalingInstances>");
    // Unknown ids are passed over, and so are instances that have left the group.
    for member in group.members.values().filter(|member| wanted.is_empty() || wanted.contains(&&member.id)) {
        if !matches!(member.state.as_str(), "Terminated" | "Warmed:Terminated" | "Detached") {
            describe_instance(&mut xml, group, member);
        }
    }
    xml + "</AutoScalingInstances>"
}

fn describe_instance(xml: &mut String, group: &Group, member: &Member) {
    let zone = format!("{}a", group.options.region);
    let fields = [
        ("InstanceId", member.id.as_str()),
        ("InstanceType", INSTANCE_TYPE),
        ("AutoScalingGroupName", &group.options.group),
        ("AvailabilityZone", &zone),
        ("LifecycleState", &member.state),
        ("HealthStatus", "HEALTHY"),
        ("ImageId", IMAGE),
        ("ProtectedFromScaleIn", "false"),
    ];
    write_member(xml, &fields);
}

fn describe_hooks(group: &Group, asked: &Parameters) -> Result<String, ApiError> {
    in_group(group, asked)?;
    let wanted: Vec<&String> =
        asked.iter().filter(|(key, _)| key.starts_with("LifecycleHookNames.member.")).map(|(_, name)| name).collect();
    let mut xml = String::from("<LifecycleHooks>");
    for hook in group.hooks.iter().filter(|hook| wanted.is_empty() || wanted.contains(&&hook.name)) {
        describe_hook(&mut xml, group, hook);
    }
    Ok(xml + "</LifecycleHooks>")
}

fn describe_hook(xml: &mut String, group: &Group, hook: &HookSpec) {
    debug_assert!([LAUNCHING, TERMINATING].contains(&hook.transition.as_str()));
    // Whole seconds, at least one: the API knows no shorter ones.
    let whole = |seconds: f64| format!("{:.0}", seconds.max(1.0));
    let fields = [
        ("LifecycleHookName", hook.name.as_str()),
        ("AutoScalingGroupName", &group.options.group),
        ("LifecycleTransition", &hook.transition),
        ("HeartbeatTimeout", &whole(hook.heartbeat_seconds)),
        ("GlobalTimeout", &whole(hook.global().as_secs_f64())),
        ("DefaultResult", &hook.default_result),
    ];
    write_member(xml, &fields);
}

fn write_member(xml: &mut String, fields: &[(&str, &str)]) {
    xml.push_str("<member>");
    for (name, value) in fields {
        write!(xml, "<{name}>{}</{name}>", escape(value)).expect("a String takes everything");
    }
    xml.push_str("</member>");
}

/// The hook, the instance and the token of a call about an action.
fn whose<'a>(group: &Group, asked: &'a Parameters) -> Result<(&'a str, &'a str, Option<&'a str>), ApiError> {
    in_group(group, asked)?;
    let hook = required(asked, "LifecycleHookName")?;
    let token = asked.get("LifecycleActionToken").map(String::as_str);
    let id = asked.get("InstanceId").map_or("", String::as_str);
    if id.is_empty() && token.is_none() {
        return Err(validation("Either a lifecycle action token or an instance ID must be specified"));
    }
    Ok((hook, id, token))
}

fn in_group(group: &Group, asked: &Parameters) -> Result<(), ApiError> {
    let name = required(asked, "AutoScalingGroupName")?;
    if name == group.options.group {
        return Ok(());
    }
    Err(validation(format!("AutoScalingGroup name not found - AutoScalingGroup {name} not found")))
}

fn required<'a>(asked: &'a Parameters, name: &str) -> Result<&'a str, ApiError> {
    let missing = || {
        validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    };
    asked.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(missing)
}

fn no_action(why: &Refusal, id: &str, token: Option<&str>) -> ApiError {
    debug_assert_eq!(why, &Refusal::NoActiveAction);
    let whose = token.map_or_else(|| format!("instance ID {id}"), |token| format!("token {token}"));
    validation(format!("No active Lifecycle Action found with {whose}"))
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

impl ApiError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn outcome(&self) -> String {
        format!("{} {}: {}", self.status, self.code, self.message)
    }
}

/// The outcome on the wire.
pub fn reply(done: &Result<String, ApiError>) -> Reply {
    let (status, body) = match done {
        Ok(body) => (200, body.clone()),
        Err(ApiError { status, code, message }) => {
            let kind = if *status < 500 { "Sender" } else { "Receiver" };
            let (message, id) = (escape(message), request_id());
            let error = format!("<Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            (*status, format!("<ErrorResponse xmlns=\"{XMLNS}\">{error}<RequestId>{id}</RequestId></ErrorResponse>"))
        }
    };
    Reply::new(status, "text/xml", body).with("x-amzn-requestid", request_id())
}

fn request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
