//! The control API: what a person or a script does to the group, as JSON below `/control`.
//!
//! ```text
//! GET  /control/instances                  all instances: state, target, balancer, history, IMDS
//! POST /control/instances                  launch one (InstanceOptions; {} will do)
//! GET  /control/instances/ID[?state=S&within=SECONDS]    one, once it is in that state
//! POST /control/instances/ID/WISH          terminate, leave-pool, return-to-pool, enter-standby, exit-standby, detach
//! PUT  /control/instances/ID/user-data     bytes; DELETE takes it away
//! PUT  /control/instances/ID/tags          {"key": "value"}
//! PUT  /control/instances/ID/faults        ImdsFaults; {} heals
//! POST /control/instances/ID/forget-tokens
//! PUT  /control/faults                     ApiFaults; {} heals
//! PUT  /control/hooks                      [HookSpec]
//! POST /control/pass                       {"seconds": 30}: puts the group's clock forward
//! GET  /control/calls                      every call so far
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::http::{Ask, Reply};
use super::options::HookSpec;
use super::server::env_for;
use super::state::Member;
use super::world::{World, lock};

/// An answer, or what was wrong with the question.
type Answer = Result<Value, (u16, String)>;

pub async fn answer(world: &World, ask: &Ask) -> Reply {
    let path: Vec<&str> = ask.path.trim_start_matches("/control").split('/').filter(|part| !part.is_empty()).collect();
    let answer = match (ask.method.as_str(), &path[..]) {
        ("GET", ["calls"]) => Ok(json!(world.calls.all())),
        ("PUT", ["faults"]) => set_faults(world, ask),
        ("POST", ["pass"]) => pass(world, ask),
        ("PUT", ["hooks"]) => set_hooks(world, ask),
        ("GET", ["instances"]) => Ok(world.members().iter().map(describe).collect()),
        ("POST", ["instances"]) => launch(world, ask),
        ("GET", ["instances", id]) => one(world, id, ask).await,
        (_, ["instances", id, what]) => change(world, id, what, ask),
        _ => Err((404, format!("{} {} is nothing here", ask.method, ask.path))),
    };
    match answer {
        Ok(value) => Reply::json(200, &value),
        Err((status, error)) => Reply::json(status, &json!({ "error": error })),
    }
}

fn launch(world: &World, ask: &Ask) -> Answer {
    let options = if ask.body.is_empty() { Ok(Default::default()) } else { read(ask) }?;
    let instance = world.launch(&options).map_err(|error| (409, error.to_string()))?;
    let env: serde_json::Map<String, Value> =
        env_for(&world.api_url, &instance).into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(json!({ "id": instance.id, "imds_url": instance.imds_url, "env": env }))
}

fn set_hooks(world: &World, ask: &Ask) -> Answer {
    let hooks: Vec<HookSpec> = read(ask)?;
    let short = world.group(|group| group.options.short_hooks);
    if let Some(problem) = hooks.iter().find_map(|hook| hook.problem(short)) {
        return Err((400, problem));
    }
    world.set_hooks(hooks);
    Ok(done(()))
}

fn set_faults(world: &World, ask: &Ask) -> Answer {
    *lock(&world.faults) = read(ask)?;
    Ok(done(()))
}

fn pass(world: &World, ask: &Ask) -> Answer {
    let asked: BTreeMap<String, f64> = read(ask)?;
    let seconds = asked.get("seconds").copied().unwrap_or_default();
    world.pass(Duration::try_from_secs_f64(seconds).map_err(|error| (400, error.to_string()))?);
    Ok(done(()))
}

async fn one(world: &World, id: &str, ask: &Ask) -> Answer {
    let url = reqwest::Url::parse(&format!("http://local/?{}", ask.query)).expect("a query takes every text");
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let within = asked("within").and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let within = Duration::try_from_secs_f64(within).map_err(|error| (400, error.to_string()))?;
    let state = asked("state");
    let is_there = |member: &Member| state.as_ref().is_none_or(|state| *state == member.state);
    match world.wait(id, within, is_there).await {
        Ok(member) => Ok(describe(&member)),
        Err(Some(member)) => Err((408, format!("{id} is {}", member.state))),
        Err(None) => Err((404, format!("{id} does not exist"))),
    }
}

fn change(world: &World, id: &str, what: &str, ask: &Ask) -> Answer {
    let gone = || (404, format!("{id} does not exist"));
    let taken = match (&ask.method, what) {
        (&Method::PUT, "user-data") => world.metadata(id, |metadata| metadata.user_data = Some(ask.body.to_vec())),
        (&Method::DELETE, "user-data") => world.metadata(id, |metadata| metadata.user_data = None),
        (&Method::PUT, "tags") => {
            let tags = read(ask)?;
            world.metadata(id, |metadata| metadata.tags = tags)
        }
        (&Method::PUT, "faults") => world.set_imds_faults(id, read(ask)?),
        (&Method::POST, "forget-tokens") => world.metadata(id, |metadata| metadata.forget_tokens()),
        (&Method::POST, wish) => {
            let wish = serde_json::from_value(json!(wish)).map_err(|error| (400, error.to_string()))?;
            return world.wish(id, wish).map(done).map_err(|refusal| (409, format!("{refusal:?}")));
        }
        _ => return Err((404, format!("{what} is nothing here"))),
    };
    taken.map(done).ok_or_else(gone)
}

fn describe(member: &Member) -> Value {
    let history: Vec<Value> = member.history.iter().map(|(at, state)| json!([at.as_secs_f64(), state])).collect();
    let waiting: Vec<&str> = member.actions.iter().map(|action| action.hook.as_str()).collect();
    json!({ "id": member.id, "state": member.state, "target": member.target, "balancer": member.balancer, "waiting": waiting, "history": history })
}

fn read<T: DeserializeOwned>(ask: &Ask) -> Result<T, (u16, String)> {
    serde_json::from_slice(&ask.body).map_err(|error| (400, error.to_string()))
}

fn done((): ()) -> Value {
    json!({ "done": true })
}
