//! What others may ask of a life: nothing here changes it.

use super::Life;
use crate::decide::aws::TargetState;
use crate::decide::clock::Uptime;
use crate::decide::hook::{Ended, HookWork};
use crate::decide::ids::{GroupName, ReleaseId};
use crate::decide::phase::Phase;
use crate::decide::workers::Workers;

impl Life {
    /// When to look again although nothing happened.
    #[must_use]
    pub fn wake_at(&self) -> Option<Uptime> {
        let phase = match self.phase {
            Phase::Fetching { retry_at, .. } | Phase::Failed { retry_at } => retry_at,
            Phase::LettingGo { until } => until,
            Phase::Finishing { until } => Some(until),
            _ => None,
        };
        let hooks = [&self.launching, &self.terminating].into_iter().flatten().filter_map(HookWork::wake_at);
        hooks.chain(phase).min()
    }

    /// The phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when it has been in that phase.
    #[must_use]
    pub fn since(&self) -> Uptime {
        self.since
    }

    /// The active release.
    #[must_use]
    pub fn release(&self) -> Option<&ReleaseId> {
        self.release.as_ref()
    }

    /// The slots.
    #[must_use]
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Workers wanted.
    #[must_use]
    pub fn wanted(&self) -> u16 {
        self.settings.workers
    }

    /// What the metadata last said the instance is moving to.
    #[must_use]
    pub fn target(&self) -> Option<&TargetState> {
        self.target.as_ref()
    }

    /// The Auto Scaling group, once it was heard of.
    #[must_use]
    pub fn group(&self) -> Option<&GroupName> {
        self.group.as_ref()
    }

    /// The work on a transition's hooks, if there is or was some; the way out before the way in.
    #[must_use]
    pub fn hooks(&self) -> Option<&HookWork> {
        self.terminating.as_ref().or(self.launching.as_ref())
    }

    /// The instance's lifecycle state as last heard: Auto Scaling's own answer says more than the metadata's target.
    #[must_use]
    pub fn lifecycle(&self) -> Option<String> {
        let member = self.hooks().and_then(HookWork::member).map(|member| member.state.to_string());
        let moved_on = self.hooks().is_some_and(|work| work.ended().is_some());
        let target = self.target.as_ref().map(ToString::to_string);
        if moved_on { target.or(member) } else { member.or(target) }
    }

    /// Whether the agent itself was asked to end.
    #[must_use]
    pub fn stop_asked(&self) -> bool {
        self.stops > 0
    }

    /// What is wrong or waited for, in words; `None` when there is nothing to say.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let stands = matches!(self.phase, Phase::Fetching { .. } | Phase::Failed { .. }) || self.phase.leaving();
        let failure = self.failure.clone().filter(|_| stands);
        let workers = if self.phase.runs_workers() { self.workers.trouble() } else { None };
        let hook = self.hooks().and_then(|work| match work.ended() {
            Some(Ended::GaveUp(why)) => Some(format!("the lifecycle hook could not be completed: {why}")),
            Some(_) => None,
            None => work.trouble().map(|why| format!("Auto Scaling does not answer as it should: {why}")),
        });
        let parts: Vec<String> = [
            failure,
            workers,
            self.drain_reason(),
            hook,
            self.identity_trouble.clone(),
            self.user_data_trouble.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
