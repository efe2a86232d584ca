//! Makes the calls to Auto Scaling that were decided, one by one, each with a deadline of its own, and answers with what came of it.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::cloud::autoscaling::{ApiError, AutoScaling};
use crate::decide::event::Event;
use crate::decide::hook::{Answer, Call, Way};
use crate::decide::ids::InstanceId;
use crate::facts::Facts;
use crate::words::chain;

/// One call, with the SDK's own few tries in it. It goes on while everything else is being stopped: nothing cancels it but this.
const CALL_WITHIN: Duration = Duration::from_secs(30);

/// The desk at which calls are made.
#[derive(Debug)]
pub struct HookDesk {
    facts: watch::Receiver<Facts>,
    events: mpsc::Sender<Event>,
    /// Made with the first call: finding credentials takes time and memory that an instance without a group does not need.
    /// Given up when its credentials are refused: the SDK would keep those of a role that was replaced until they end by themselves.
    api: Rc<Mutex<Option<AutoScaling>>>,
    calls: JoinSet<()>,
}

impl HookDesk {
    /// A desk that answers to `events`.
    #[must_use]
    pub fn new(facts: watch::Receiver<Facts>, events: mpsc::Sender<Event>) -> Self {
        Self { facts, events, api: Rc::default(), calls: JoinSet::new() }
    }

    /// Makes the call in a task of its own.
    pub fn call(&mut self, way: Way, call: Call) {
        while self.calls.try_join_next().is_some() {}
        let (events, api) = (self.events.clone(), Rc::clone(&self.api));
        let identity = self.facts.borrow().identity.clone();
        self.calls.spawn_local(async move {
            let made = async {
                let identity = identity.ok_or_else(|| "the instance's identity is not known yet".to_owned())?;
                let client = client(&api, &identity.region).await;
                let made = make(&client, &identity.instance_id, &call).await;
                if matches!(made, Err(ApiError::Credentials { .. })) {
                    *api.lock().await = None;
                }
                made.map_err(|error| chain(&error))
            };
            let answer = match tokio::time::timeout(CALL_WITHIN, made).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(why)) => failed(&call, why),
                Err(_) => failed(&call, format!("no answer within {} s", CALL_WITHIN.as_secs())),
            };
            // Nobody waits for the answer any more: the agent is ending.
            let _ = events.send(Event::Hook(way, answer)).await;
        });
    }
}

async fn client(kept: &Mutex<Option<AutoScaling>>, region: &str) -> AutoScaling {
    let mut kept = kept.lock().await;
    match &*kept {
        Some(client) => client.clone(),
        None => kept.insert(AutoScaling::new(region).await).clone(),
    }
}

async fn make(api: &AutoScaling, instance: &InstanceId, call: &Call) -> Result<Answer, ApiError> {
    match call {
        Call::AskInstance => api.instance(instance).await.map(Answer::Instance),
        Call::AskHooks(group) => api.hooks(group).await.map(Answer::Hooks),
        Call::Heartbeat(group, hook) => {
            let answer = taken(api.heartbeat(group, hook, instance)).await?;
            info!(hook = %hook, group = %group, active = answer == Answer::Done, "heartbeat to hook {hook} of group {group}");
            Ok(answer)
        }
        Call::Complete(group, hook, result) => {
            let answer = taken(api.complete(group, hook, instance, *result)).await?;
            match answer {
                Answer::Done => {
                    info!(event = "hook-completed", hook = %hook, group = %group, result = %result, "hook {hook} of group {group} completed: {result}")
                }
                _ => {
                    warn!(hook = %hook, group = %group, result = %result, "hook {hook} of group {group}: the lifecycle action had already ended")
                }
            }
            Ok(answer)
        }
    }
}

async fn taken(call: impl Future<Output = Result<(), ApiError>>) -> Result<Answer, ApiError> {
    match call.await {
        Ok(()) => Ok(Answer::Done),
        Err(ApiError::NoActiveAction { .. }) => Ok(Answer::NoActiveAction),
        Err(error) => Err(error),
    }
}

fn failed(call: &Call, why: String) -> Answer {
    warn!(?call, "a call to Auto Scaling failed, and is tried again: {why}");
    Answer::Failed(why)
}
