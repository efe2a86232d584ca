//! What follows from what the metadata service says: who this is, what its user-data wants, and where Auto Scaling is taking it.

use super::Life;
use crate::decide::aws::{LifecycleState, TargetState};
use crate::decide::clock::Now;
use crate::decide::event::{Effect, Identified, Settings, UserData};
use crate::decide::hook::{HookWork, Journey};
use crate::decide::phase::Phase;

impl Life {
    pub(super) fn learn_identity(&mut self, identified: Identified, now: Now, effects: &mut Vec<Effect>) {
        if self.identified.is_some() {
            return;
        }
        self.identified = Some(identified.in_cloud);
        self.identity_trouble = None;
        match identified.user_data {
            UserData::NotOurs => {}
            UserData::Refused(why) => self.user_data_trouble = Some(why),
            UserData::Taken => self.begin_anew(&identified.settings, now, effects),
        }
        if matches!(self.phase, Phase::Identifying) {
            self.settings = identified.settings;
        }
        if identified.in_cloud && !self.phase.leaving() {
            let said = self.target == Some(TargetState::InService);
            let journey = if said { Journey::IntoService } else { Journey::Launch };
            self.launching = Some(HookWork::new(journey, now));
        }
    }

    /// The user-data came after the agent had gone on without it. As long as no worker runs, what it wants is fetched instead.
    fn begin_anew(&mut self, settings: &Settings, now: Now, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Identifying) || self.phase.leaving() {
            return;
        }
        if !self.workers.slots.is_empty() {
            self.user_data_trouble = Some(
                "the user-data came when the workers were started already, and is not applied: restart the agent to apply it"
                    .to_owned(),
            );
            return;
        }
        self.settings = settings.clone();
        self.failure = None;
        self.enter(Phase::Fetching { started: now.at, failures: 0, retry_at: None }, now);
        effects.extend([Effect::AbandonRelease, Effect::Fetch]);
    }

    pub(super) fn learn_target(&mut self, target: TargetState, now: Now) {
        match &target {
            TargetState::Terminated | TargetState::WarmedTerminated => self.set_out(Journey::Terminate, now),
            TargetState::InService if self.in_pool() && !self.phase.leaving() => {
                // The launch hook pauses a second time on the way out of the pool.
                self.launching = Some(HookWork::after(self.launching.as_ref(), Journey::IntoService, now));
            }
            pool if rests_in_pool(pool) && self.target == Some(TargetState::InService) => {
                self.set_out(Journey::ReturnToPool, now);
            }
            _ => {}
        }
        self.target = Some(target);
    }

    /// Begins a way out, unless that one has begun. The end comes after everything else, a return to the pool included.
    fn set_out(&mut self, journey: Journey, now: Now) {
        let begun = self.terminating.as_ref().map(HookWork::journey);
        if begun == Some(journey) || begun == Some(Journey::Terminate) {
            return;
        }
        self.terminating = Some(HookWork::after(self.terminating.as_ref(), journey, now));
        if self.phase == Phase::Released {
            self.enter(Phase::Drained, now);
        }
    }

    /// Whether the instance is kept in a warm pool: prepared, not serving. Where the metadata does not say yet, the group does.
    pub(super) fn in_pool(&self) -> bool {
        use LifecycleState as S;
        match &self.target {
            Some(target) => rests_in_pool(target),
            None => matches!(
                self.launch_state(),
                Some(
                    S::WarmedPending
                        | S::WarmedPendingWait
                        | S::WarmedPendingProceed
                        | S::WarmedStopped
                        | S::WarmedRunning
                        | S::WarmedHibernated
                )
            ),
        }
    }
}

fn rests_in_pool(target: &TargetState) -> bool {
    matches!(target, TargetState::WarmedHibernated | TargetState::WarmedRunning | TargetState::WarmedStopped)
}
