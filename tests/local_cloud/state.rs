//! One Auto Scaling group: what becomes of its instances as time goes by and calls come in.
//!
//! Pure: time comes in as the group's seconds since it began. The rules are those of the EC2 Auto Scaling user guide ("Lifecycle hooks",
//! "Warm pools"). The words are written out here again, on purpose: a slip in the agent's own must show.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::options::{HookSpec, LAUNCHING, Options, TERMINATING};

/// The group's time since it began.
pub type Moment = Duration;

/// A way from one steady state to another: `stem`, `stem:Wait` while hooks wait, `stem:Proceed`, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journey {
    stem: &'static str,
    end: &'static str,
    /// The hooks that fire on it.
    hooks: Option<&'static str>,
}

const LAUNCH: Journey = Journey { stem: "Pending", end: "InService", hooks: Some(LAUNCHING) };
const TERMINATE: Journey = Journey { stem: "Terminating", end: "Terminated", hooks: Some(TERMINATING) };
/// Of an instance whose launch was abandoned: it never served.
const GIVE_UP: Journey = Journey { stem: "Terminating", end: "Terminated", hooks: None };
const LEAVE_STANDBY: Journey = Journey { stem: "Pending", end: "InService", hooks: None };

/// Where the balancer has the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balancer {
    /// It gets no requests.
    Out,
    /// It gets requests.
    Registered,
    /// It gets no new ones.
    Draining,
}

/// One instance of the group.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: String,
    pub state: String,
    /// What IMDS says of where it is going.
    pub target: &'static str,
    pub balancer: Balancer,
    pub actions: Vec<Action>,
    /// Every state it was in, and since when.
    pub history: Vec<(Moment, String)>,
    journey: Journey,
    /// When the state ends by itself.
    due: Option<Moment>,
}

/// What an instance is asked to do from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Scale-in.
    Terminate,
    /// From the warm pool into service.
    LeavePool,
    /// From service into the warm pool (ReuseOnScaleIn): it waits for the *terminating* hooks.
    ReturnToPool,
    EnterStandby,
    ExitStandby,
    Detach,
}

/// Why a call did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    NoSuchInstance,
    /// The wish makes no sense in this state.
    WrongState(String),
    /// AWS's ValidationError.
    NoActiveAction,
}

/// The group.
#[derive(Debug)]
pub struct Group {
    pub options: Options,
    pub hooks: Vec<HookSpec>,
    pub members: BTreeMap<String, Member>,
}

impl Group {
    pub fn new(options: Options) -> Self {
        Self { hooks: options.hooks.clone(), options, members: BTreeMap::new() }
    }

    /// Begins a launch, into service or into a warm pool whose resting state is `pool` (`Warmed:Stopped` …).
    pub fn launch(&mut self, id: &str, pool: Option<&'static str>, now: Moment) {
        let journey = pool.map_or(LAUNCH, |end| Journey { stem: "Warmed:Pending", end, hooks: Some(LAUNCHING) });
        let member = Member {
            id: id.to_owned(),
            state: String::new(),
            target: journey.end,
            balancer: Balancer::Out,
            actions: Vec::new(),
            history: Vec::new(),
            journey,
            due: None,
        };
        self.members.insert(id.to_owned(), member);
        self.set_out(id, journey, self.options.pending, now);
    }

    /// What someone wants of an instance.
    pub fn wish(&mut self, id: &str, wish: Wish, now: Moment) -> Result<(), Refusal> {
        let member = self.members.get(id).ok_or(Refusal::NoSuchInstance)?;
        let state = member.state.as_str();
        let ending = state.contains("Terminat") || state.starts_with("Detach");
        let (journey, allowed) = match wish {
            Wish::Terminate if ending => return Ok(()),
            Wish::Terminate if state.starts_with("Warmed:") => {
                (Journey { stem: "Warmed:Terminating", end: "Warmed:Terminated", hooks: Some(TERMINATING) }, true)
            }
            Wish::Terminate => (TERMINATE, true),
            Wish::LeavePool => (LAUNCH, matches!(state, "Warmed:Stopped" | "Warmed:Running" | "Warmed:Hibernated")),
            Wish::ReturnToPool => (
                Journey { stem: "Warmed:Pending", end: "Warmed:Stopped", hooks: Some(TERMINATING) },
                state == "InService",
            ),
            Wish::EnterStandby => {
                (Journey { stem: "EnteringStandby", end: "Standby", hooks: None }, state == "InService")
            }
            Wish::ExitStandby => (LEAVE_STANDBY, state == "Standby"),
            Wish::Detach => {
                (Journey { stem: "Detaching", end: "Detached", hooks: None }, matches!(state, "InService" | "Standby"))
            }
        };
        if !allowed {
            return Err(Refusal::WrongState(state.to_owned()));
        }
        // Only what the balancer has must be let go by it.
        let registered = member.balancer == Balancer::Registered;
        let delay = match journey.end {
            "InService" => self.options.pending,
            _ if registered => self.options.drain,
            _ => Duration::ZERO,
        };
        self.set_out(id, journey, delay, now);
        Ok(())
    }

    /// RecordLifecycleActionHeartbeat. `token` wins over `id`, as in AWS.
    pub fn heartbeat(&mut self, hook: &str, id: &str, token: Option<&str>, now: Moment) -> Result<(), Refusal> {
        self.tick(now);
        let (id, at) = self.find(hook, id, token)?;
        self.members.get_mut(&id).expect("it was just found").actions[at].beat(now);
        Ok(())
    }

    /// CompleteLifecycleAction. `token` wins over `id`, as in AWS.
    pub fn complete(
        &mut self,
        hook: &str,
        id: &str,
        token: Option<&str>,
        result: &str,
        now: Moment,
    ) -> Result<(), Refusal> {
        self.tick(now);
        let (id, at) = self.find(hook, id, token)?;
        self.settle(&id, at, result, now);
        self.tick(now);
        Ok(())
    }

    /// Everything that is due by now.
    pub fn tick(&mut self, now: Moment) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            while let Some(at) = self.due_of(&id).filter(|at| *at <= now) {
                self.advance(&id, at);
            }
        }
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<Moment> {
        self.members.keys().filter_map(|id| self.due_of(id)).min()
    }

    /// Other hooks from now on. What waits for a hook that is deleted ends: CONTINUE for terminating ones, ABANDON for launching ones.
    pub fn set_hooks(&mut self, hooks: Vec<HookSpec>, now: Moment) {
        let gone = |hook: &&HookSpec| !hooks.iter().any(|kept| kept.name == hook.name);
        let deleted: Vec<HookSpec> = self.hooks.iter().filter(gone).cloned().collect();
        self.hooks = hooks;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for (id, hook) in ids.iter().flat_map(|id| deleted.iter().map(move |hook| (id, hook))) {
            let result = if hook.transition == LAUNCHING { "ABANDON" } else { "CONTINUE" };
            if let Ok((id, at)) = self.find(&hook.name, id, None) {
                self.settle(&id, at, result, now);
            }
        }
        self.tick(now);
    }

    fn due_of(&self, id: &str) -> Option<Moment> {
        let member = self.members.get(id)?;
        let ends = member.actions.iter().map(Action::ends);
        ends.chain(member.due).min()
    }

    fn find(&self, hook: &str, id: &str, token: Option<&str>) -> Result<(String, usize), Refusal> {
        let of = |member: &Member| {
            let is = |action: &Action| action.hook == hook && token.map_or(member.id == id, |t| action.token == t);
            member.actions.iter().position(is).map(|at| (member.id.clone(), at))
        };
        self.members.values().find_map(of).ok_or(Refusal::NoActiveAction)
    }

    fn set_out(&mut self, id: &str, journey: Journey, delay: Duration, now: Moment) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.journey = journey;
        member.target = journey.end;
        member.actions.clear();
        if member.balancer == Balancer::Registered {
            member.balancer = Balancer::Draining;
        }
        member.enter(journey.stem.to_owned(), now);
        member.due = Some(now + delay);
        self.tick(now);
    }

    /// The one thing of this instance that is due at `at`.
    fn advance(&mut self, id: &str, at: Moment) {
        let Some(member) = self.members.get_mut(id) else { return };
        if let Some(index) = member.actions.iter().position(|action| at >= action.ends()) {
            let result = member.actions[index].default_result.clone();
            return self.settle(id, index, &result, at);
        }
        let Journey { stem, end, hooks } = member.journey;
        member.due = None;
        if member.state != stem {
            member.balancer = if end == "InService" { Balancer::Registered } else { Balancer::Out };
            return member.enter(end.to_owned(), at);
        }
        if member.balancer == Balancer::Draining {
            member.balancer = Balancer::Out;
        }
        member.actions = self
            .hooks
            .iter()
            .filter(|hook| Some(hook.transition.as_str()) == hooks)
            .map(|hook| Action::new(hook, at))
            .collect();
        if member.actions.is_empty() {
            return self.proceed(id, at);
        }
        member.enter(format!("{stem}:Wait"), at);
    }

    /// One action of an instance ended.
    fn settle(&mut self, id: &str, index: usize, result: &str, now: Moment) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.actions.remove(index);
        let abandoned = result == "ABANDON";
        if abandoned {
            // ABANDON stops what other hooks there are; CONTINUE lets them finish.
            member.actions.clear();
        }
        if !member.actions.is_empty() {
            return;
        }
        let terminating = member.journey.hooks == Some(TERMINATING);
        match (abandoned, terminating) {
            (true, false) => self.set_out(id, GIVE_UP, Duration::ZERO, now),
            (true, true) if self.options.retain_abandoned => {
                member.enter(format!("{}:Retained", member.journey.stem), now)
            }
            _ => self.proceed(id, now),
        }
    }

    fn proceed(&mut self, id: &str, now: Moment) {
        let delay = self.options.proceed;
        let Some(member) = self.members.get_mut(id) else { return };
        member.enter(format!("{}:Proceed", member.journey.stem), now);
        member.due = Some(now + delay);
    }
}

impl Member {
    fn enter(&mut self, state: String, now: Moment) {
        self.state.clone_from(&state);
        self.history.push((now, state));
    }
}
