//! What a life wishes of its lifecycle hooks, and the calls that follow from it.

use super::Life;
use crate::decide::aws::{HookResult, LifecycleState};
use crate::decide::clock::Now;
use crate::decide::event::Effect;
use crate::decide::hook::{HookWork, Way, Wish};
use crate::decide::phase::Phase;

impl Life {
    pub(super) fn wish_for_launch(&mut self, now: Now) {
        let wish = match self.phase {
            Phase::InService | Phase::Degraded if self.workers.ready() > 0 => Wish::Complete(HookResult::Continue),
            Phase::Failed { .. } => Wish::Complete(HookResult::Abandon),
            Phase::Warm if self.launch_state() == Some(&LifecycleState::WarmedPendingWait) => {
                Wish::Complete(HookResult::Continue)
            }
            _ => return,
        };
        if let Some(work) = &mut self.launching {
            work.wish(wish, now);
        }
    }

    pub(super) fn launch_state(&self) -> Option<&LifecycleState> {
        self.launching.as_ref().and_then(HookWork::member).map(|member| &member.state)
    }

    pub(super) fn hook_work(&mut self, way: Way) -> Option<&mut HookWork> {
        match way {
            Way::In => self.launching.as_mut(),
            Way::Out => self.terminating.as_mut(),
        }
    }

    pub(super) fn call_hooks(&mut self, now: Now, effects: &mut Vec<Effect>) {
        for way in [Way::In, Way::Out] {
            if let Some(call) = self.hook_work(way).and_then(|work| work.due(now)) {
                effects.push(Effect::CallHook(way, call));
            }
        }
    }
}
