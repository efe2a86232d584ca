//! The way out: unhealthy first, serve on until the load balancer has let go, let the workers finish, and tell the group last of all.

use std::time::Duration;

use super::aws::{HookResult, TargetState};
use super::clock::{Now, Uptime};
use super::event::Effect;
use super::hook::{Ended, HookWork, Journey, Wish};
use super::life::Life;
use super::phase::Phase;

/// `lifecycle.unready_wait` in a group: twice the load balancer's default health check interval of 30 s, after which it has seen `/health`
/// fail twice. <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>
const UNREADY_IN_GROUP: Duration = Duration::from_secs(60);
/// The workers are killed so long before the hooks' global time-out would cut everything off.
const HOOK_MARGIN: Duration = Duration::from_secs(10);
/// Killing takes a moment; after so long past the deadline the drain goes on without a worker that cannot be killed.
const KILL_MARGIN: Duration = Duration::from_secs(20);

impl Life {
    pub(super) fn must_leave(&self) -> bool {
        self.stops > 0 || self.drain_asked || self.terminating.is_some()
    }

    pub(super) fn begin_drain(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Fetching { .. } | Phase::Building | Phase::Failed { .. }) {
            effects.push(Effect::AbandonRelease);
        }
        if matches!(self.phase, Phase::Failed { .. }) {
            // Why it never served is still to be seen when the workers are gone.
            self.failure = self.failure.take().or_else(|| self.workers.trouble());
        }
        // An instance that leaves has no more to say about its launch: the group ends that action itself.
        self.launching = None;
        self.enter(Phase::LettingGo { until: None }, now);
    }

    pub(super) fn advance_drain(&mut self, now: Now, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::LettingGo { until } => {
                let until = self.let_go_until(until, now);
                self.phase = Phase::LettingGo { until };
                let told = self.terminating.as_ref().is_some_and(HookWork::let_go);
                if told || self.workers.gone() || until.is_some_and(|at| now.at >= at) {
                    self.finish(now, effects);
                }
            }
            Phase::Finishing { until } if self.workers.gone() || now.at >= until => self.enter(Phase::Drained, now),
            Phase::Finishing { until } => self.finish_before_hooks_end(until, now, effects),
            Phase::Drained => self.tell_group(now),
            Phase::Released => {}
            // Not on the way out.
            _ => return,
        }
        if self.may_leave() {
            self.left = true;
            effects.push(Effect::Leave);
        }
    }

    /// Only the group's state tells when a terminating instance may stop serving, unless it cannot be had, or the machine is going down.
    fn let_go_until(&self, until: Option<Uptime>, now: Now) -> Option<Uptime> {
        let blind = self.terminating.as_ref().is_none_or(|work| work.trouble().is_some());
        // Once the group answers again, it alone tells: one throttled call must not cut off what the load balancer still sends.
        (blind || self.stops > 0).then(|| until.unwrap_or_else(|| now.at + self.unready_wait()))
    }

    fn unready_wait(&self) -> Duration {
        let in_group = self.target().is_some() || self.group().is_some();
        let default = if in_group { UNREADY_IN_GROUP } else { Duration::ZERO };
        self.settings.unready_wait.unwrap_or(default)
    }

    fn finish(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.workers.gone() {
            self.enter(Phase::Drained, now);
            return;
        }
        let mut within = self.settings.drain_timeout.min(self.hooks_hold_for(now));
        if self.stops > 1 {
            within = Duration::ZERO;
        }
        self.enter(Phase::Finishing { until: now.at + within + KILL_MARGIN }, now);
        effects.push(Effect::StopWorkers { within });
    }

    /// How long the workers may take by the hooks' global time-outs; for ever while nothing is known of them.
    fn hooks_hold_for(&self, now: Now) -> Duration {
        let limit = self.terminating.as_ref().and_then(HookWork::holds_until);
        limit.map_or(Duration::MAX, |limit| limit.since(now.at).saturating_sub(HOOK_MARGIN))
    }

    /// The hooks are listed only after the workers were asked to end: if they hold for less than was granted, the grant is cut.
    fn finish_before_hooks_end(&mut self, until: Uptime, now: Now, effects: &mut Vec<Effect>) {
        let within = self.hooks_hold_for(now);
        if now.at + within + KILL_MARGIN < until {
            self.phase = Phase::Finishing { until: now.at + within + KILL_MARGIN };
            effects.push(Effect::StopWorkers { within });
        }
    }

    fn tell_group(&mut self, now: Now) {
        let hurry = self.stops > 0;
        let Some(work) = &mut self.terminating else { return };
        if hurry {
            work.hurry(now);
        }
        // Never ABANDON here: a group may be told to keep (and bill) an instance whose termination was abandoned.
        work.wish(Wish::Complete(HookResult::Continue), now);
        if work.ended().is_some() {
            self.enter(Phase::Released, now);
        }
    }

    fn may_leave(&self) -> bool {
        let done = match self.phase {
            Phase::Released => true,
            Phase::Drained => self.terminating.is_none(),
            _ => false,
        };
        done && (self.stops > 0 || self.comes_back()) && !self.left
    }

    /// Out of the warm pool to which it was returned: this life is over, and systemd begins the next one.
    fn comes_back(&self) -> bool {
        let returned = self.terminating.as_ref().is_some_and(|work| work.journey() == Journey::ReturnToPool);
        returned && self.target() == Some(&TargetState::InService)
    }

    pub(super) fn drain_reason(&self) -> Option<String> {
        let why = if let Some(work) = &self.terminating {
            match work.journey() {
                Journey::ReturnToPool => "Auto Scaling returns this instance to its warm pool",
                _ => "Auto Scaling terminates this instance",
            }
        } else if self.stops > 0 {
            "the agent was asked to stop"
        } else {
            "`herdsman drain` was asked for"
        };
        let step = match self.phase {
            Phase::LettingGo { until: None } => "serving on until the load balancer has let go",
            Phase::LettingGo { until: Some(_) } => "serving on for lifecycle.unready_wait",
            Phase::Finishing { .. } => "the workers finish what they have",
            Phase::Drained if self.terminating.is_some() => "no worker is left; telling Auto Scaling",
            Phase::Drained => "no worker is left",
            Phase::Released => match self.terminating.as_ref().and_then(HookWork::ended) {
                Some(Ended::Completed(_)) => "the lifecycle hook is completed",
                _ => "no lifecycle hook waits for it",
            },
            _ => return None,
        };
        Some(format!("{why}: {step}"))
    }
}
