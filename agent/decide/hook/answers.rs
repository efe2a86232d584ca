//! What an answer of Auto Scaling's makes of the work on a journey's hooks.

use std::time::Duration;

use super::journey::Stand;
use super::{ASK_FIRST, ASK_MAX, Active, Answer, Call, Ended, HookWork, Look, Stage, Way, Wish};
use crate::decide::aws::{Hook, HookResult, Member};
use crate::decide::clock::{Now, Uptime, backoff};
use crate::decide::ids::{GroupName, HookName};

/// So many answers that the instance is in no group are believed (half a minute's worth after a launch): the API may not know it yet.
const EMPTY_ON_THE_WAY_IN: u32 = 12;
const EMPTY_ON_THE_WAY_OUT: u32 = 3;

impl HookWork {
    /// Takes in the answer to the call in flight; an answer that nobody waits for changes nothing.
    pub fn learn(&mut self, answer: Answer, now: Now) {
        let Some(call) = self.in_flight.take() else { return };
        if let Answer::Failed(why) = answer {
            self.next_at = now.at + backoff(ASK_FIRST, ASK_MAX, self.failures, now.jitter);
            self.failures = self.failures.saturating_add(1);
            self.trouble = Some(why);
            return;
        }
        self.failures = 0;
        self.trouble = None;
        self.next_at = now.at;
        match (call, answer) {
            (Call::AskInstance, Answer::Instance(member)) => self.place(member, now),
            (Call::AskHooks(group), Answer::Hooks(hooks)) if matches!(self.stage, Stage::Listing(_)) => {
                self.open(group, hooks, now);
            }
            (Call::AskHooks(_), Answer::Hooks(hooks)) if matches!(self.look, Look::Now(_)) => {
                self.look = Look::Done;
                if !hooks.iter().any(|hook| hook.transition == self.journey.way().transition()) {
                    self.stage = Stage::Over(Ended::Nothing);
                }
            }
            (Call::Heartbeat(_, name), Answer::Done) => self.beaten(&name, now),
            (Call::Heartbeat(_, name) | Call::Complete(_, name, _), Answer::NoActiveAction) => self.close(&name, None),
            (Call::Complete(_, name, result), Answer::Done) => self.close(&name, Some(result)),
            // An answer to another question than the one asked: ask again, no faster than a failure would.
            _ => self.next_at = now.at + ASK_FIRST,
        }
    }

    fn place(&mut self, member: Option<Member>, now: Now) {
        let was_there = self.member.is_some();
        self.member.clone_from(&member);
        let Some(member) = member else { return self.not_there(was_there, now) };
        self.empty = 0;
        match self.journey.stand(&member.state) {
            Stand::Wait => self.stage = Stage::Listing(member.group),
            Stand::Past => self.stage = Stage::Over(Ended::Nothing),
            Stand::Before => {
                // The load balancer may drain for an hour: as long as the group answers, there is nothing to give up.
                self.complete_by = self.complete_by.map(|_| now.at + self.complete_within);
                if matches!(self.wish, Wish::Complete(_)) && self.look == Look::Later {
                    // Nobody is served any more. If no hook will wait, the state for which this waits will never come.
                    self.look = Look::Now(member.group);
                    return;
                }
                self.next_at = now.at + backoff(ASK_FIRST, ASK_MAX, self.asked / 4, now.jitter);
                self.asked = self.asked.saturating_add(1);
            }
        }
    }

    /// An instance that was there has left its group. One that never was may not be known yet.
    fn not_there(&mut self, was_there: bool, now: Now) {
        self.empty = self.empty.saturating_add(1);
        let believed = match self.journey.way() {
            Way::In => EMPTY_ON_THE_WAY_IN,
            Way::Out => EMPTY_ON_THE_WAY_OUT,
        };
        if was_there || self.empty >= believed {
            self.stage = Stage::Over(Ended::Nothing);
        } else {
            self.next_at = now.at + backoff(ASK_FIRST, ASK_MAX, self.empty / 4, now.jitter);
        }
    }

    fn open(&mut self, group: GroupName, hooks: Vec<Hook>, now: Now) {
        let ours = hooks.into_iter().filter(|hook| hook.transition == self.journey.way().transition());
        // The first heartbeat goes out at once: nobody knows how much of the time-out was over when the agent came to ask.
        let active: Vec<Active> =
            ours.map(|hook| Active { beat_at: now.at, entered: now.at, done: false, hook }).collect();
        self.stage = if active.is_empty() { Stage::Over(Ended::Nothing) } else { Stage::Open(group, active) };
    }

    /// The next heartbeat a third of the time-out later; none past the global limit, where it could not help.
    fn beaten(&mut self, name: &HookName, now: Now) {
        if let Stage::Open(_, active) = &mut self.stage {
            for a in active.iter_mut().filter(|a| a.hook.name == *name) {
                let next = now.at + a.hook.heartbeat_timeout / 3;
                let limit = a.entered + a.hook.global_timeout;
                a.beat_at = if next < limit { next } else { Uptime(Duration::MAX) };
            }
        }
    }

    fn close(&mut self, name: &HookName, by_us: Option<HookResult>) {
        let Stage::Open(_, active) = &mut self.stage else { return };
        for a in active.iter_mut().filter(|a| a.hook.name == *name) {
            a.done = true;
            a.beat_at = Uptime(Duration::MAX);
        }
        self.completed = by_us.or(self.completed);
        if active.iter().all(|a| a.done) {
            self.stage = Stage::Over(self.completed.map_or(Ended::Nothing, Ended::Completed));
        }
    }
}
