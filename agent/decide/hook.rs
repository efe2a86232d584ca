//! The lifecycle action of one transition: when to ask, when to send a heartbeat, when to complete; each hook exactly once.
//!
//! The order on the way out is the trap: the metadata says `Terminated` before the action can be completed, because the load balancer
//! drains first. Only `Terminating:Wait`, asked of Auto Scaling, means "now" (`docs/lifecycle.md`).
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html>

mod answers;
mod call;
mod journey;

use std::time::Duration;

pub use self::call::{Answer, Call, Ended, Way, Wish};
pub use self::journey::Journey;

use super::aws::{Hook, HookResult, Member};
use super::clock::{Now, Uptime};
use super::ids::GroupName;

/// The first and the longest time between two questions about the instance's state.
const ASK_FIRST: Duration = Duration::from_secs(1);
const ASK_MAX: Duration = Duration::from_secs(15);
/// The completion is tried again for so long: the longest heartbeat time-out there is. After it Auto Scaling has ended the action itself.
const COMPLETE_WITHIN: Duration = Duration::from_secs(7200);
/// The same when the agent is asked to end: the machine goes down, and nobody waits for hours.
const COMPLETE_IN_HURRY: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Active {
    hook: Hook,
    entered: Uptime,
    beat_at: Uptime,
    done: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Waiting for the instance to reach the state in which the action is active.
    Approaching,
    /// It has: which hooks are there?
    Listing(GroupName),
    /// They are active.
    Open(GroupName, Vec<Active>),
    Over(Ended),
}

/// A look at the group's hooks before any of them can wait: without one, nothing needs to be waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Later,
    Now(GroupName),
    Done,
}

/// The work on one transition's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookWork {
    journey: Journey,
    wish: Wish,
    stage: Stage,
    /// How the hooks that are done were ended by us, if one was.
    completed: Option<HookResult>,
    member: Option<Member>,
    /// Answers in a row that there is no such instance.
    empty: u32,
    /// Failures in a row, and what the last one said.
    failures: u32,
    trouble: Option<String>,
    asked: u32,
    in_flight: Option<Call>,
    next_at: Uptime,
    /// Whether there is any hook to wait for.
    look: Look,
    complete_within: Duration,
    complete_by: Option<Uptime>,
}

impl HookWork {
    /// Work on this journey's hooks, from now on, holding.
    #[must_use]
    pub fn new(journey: Journey, now: Now) -> Self {
        Self {
            journey,
            wish: Wish::Hold,
            stage: Stage::Approaching,
            completed: None,
            member: None,
            empty: 0,
            failures: 0,
            trouble: None,
            asked: 0,
            in_flight: None,
            next_at: now.at,
            look: Look::Later,
            complete_within: COMPLETE_WITHIN,
            complete_by: None,
        }
    }

    /// Work on another journey's hooks: the call that is under way is still waited for, so that its answer is taken for no other call's.
    #[must_use]
    pub fn after(before: Option<&Self>, journey: Journey, now: Now) -> Self {
        Self { in_flight: before.and_then(|work| work.in_flight.clone()), ..Self::new(journey, now) }
    }

    /// On which journey the hooks are.
    #[must_use]
    pub fn journey(&self) -> Journey {
        self.journey
    }

    /// Changes what is wanted. Once completion was asked for, it stays so; only its result may change until Auto Scaling has taken it: an
    /// instance that came to serve after all need not be replaced because its ABANDON was throttled.
    pub fn wish(&mut self, wish: Wish, now: Now) {
        let already = matches!(self.wish, Wish::Complete(_));
        if matches!(wish, Wish::Complete(_)) {
            self.wish = wish;
            if !already {
                self.complete_by = Some(now.at + self.complete_within);
                self.next_at = now.at;
            }
        }
    }

    /// The agent is to end: the completion is still made, but not tried for hours.
    pub fn hurry(&mut self, now: Now) {
        if self.complete_within > COMPLETE_IN_HURRY {
            self.complete_within = COMPLETE_IN_HURRY;
            self.complete_by = self.complete_by.map(|by| by.min(now.at + COMPLETE_IN_HURRY));
        }
    }

    /// The instance's place in its group, as last heard.
    #[must_use]
    pub fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// Whether the load balancer has let go, seen from the terminating side: the action is active, or over.
    #[must_use]
    pub fn let_go(&self) -> bool {
        !matches!(self.stage, Stage::Approaching)
    }

    /// Why nothing is known, while the questions fail.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        match &self.stage {
            Stage::Over(ended) => Some(ended),
            _ => None,
        }
    }

    /// The hooks that hold the instance now, for `status`.
    #[must_use]
    pub fn open_hooks(&self) -> Vec<&Hook> {
        match &self.stage {
            Stage::Open(_, active) => active.iter().filter(|a| !a.done).map(|a| &a.hook).collect(),
            _ => Vec::new(),
        }
    }

    /// The longest the open hooks can hold the instance from now on, by their global time-outs.
    #[must_use]
    pub fn holds_until(&self) -> Option<Uptime> {
        match &self.stage {
            Stage::Open(_, active) => {
                active.iter().filter(|a| !a.done).map(|a| a.entered + a.hook.global_timeout).min()
            }
            _ => None,
        }
    }

    /// When there is something to do without anything happening first.
    #[must_use]
    pub fn wake_at(&self) -> Option<Uptime> {
        if self.in_flight.is_some() {
            return None;
        }
        match &self.stage {
            Stage::Over(_) => None,
            Stage::Approaching | Stage::Listing(_) => Some(self.next_at),
            Stage::Open(_, active) => match self.wish {
                Wish::Complete(_) => Some(self.next_at),
                Wish::Hold => active.iter().map(|a| a.beat_at.max(self.next_at)).min(),
            },
        }
    }

    /// The call to make now, if one is due; none is due while one is unanswered.
    pub fn due(&mut self, now: Now) -> Option<Call> {
        if self.in_flight.is_some() || now.at < self.next_at {
            return None;
        }
        if self.complete_by.is_some_and(|by| now.at >= by) && self.ended().is_none() {
            let why = self.trouble.clone().unwrap_or_else(|| "the instance never reached its wait state".to_owned());
            self.stage = Stage::Over(Ended::GaveUp(why));
        }
        let call = match &self.stage {
            Stage::Over(_) => None,
            Stage::Approaching => match &self.look {
                Look::Now(group) => Some(Call::AskHooks(group.clone())),
                Look::Later | Look::Done => Some(Call::AskInstance),
            },
            Stage::Listing(group) => Some(Call::AskHooks(group.clone())),
            Stage::Open(group, active) => match self.wish {
                Wish::Complete(result) => {
                    active.iter().find(|a| !a.done).map(|a| Call::Complete(group.clone(), a.hook.name.clone(), result))
                }
                Wish::Hold => active
                    .iter()
                    .find(|a| a.beat_at <= now.at)
                    .map(|a| Call::Heartbeat(group.clone(), a.hook.name.clone())),
            },
        };
        self.in_flight.clone_from(&call);
        call
    }
}
