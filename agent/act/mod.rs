//! Effects → world. Answers only by posting events; decides nothing.

pub mod health;
pub mod hooks;
pub mod release;
pub mod workers;

use self::hooks::HookDesk;
use self::release::desk::ReleaseDesk;
use self::workers::crew::Crew;
use crate::decide::event::Effect;

/// Everyone who carries effects out.
#[derive(Debug)]
pub struct Acts {
    /// Fetches, builds, activates.
    pub release: ReleaseDesk,
    /// Runs the workers.
    pub crew: Crew,
    /// Calls Auto Scaling.
    pub hooks: HookDesk,
}

impl Acts {
    /// Does it, or starts doing it.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Fetch => self.release.fetch(),
            Effect::Build(release) => self.release.build(release),
            Effect::AbandonRelease => self.release.abandon(),
            Effect::MarkGood(release) => self.release.mark_good(release),
            Effect::StartWorkers => self.crew.start(),
            Effect::StopWorkers { within } => self.crew.stop(within),
            Effect::CallHook(way, call) => self.hooks.call(way, call),
            // The driver's own: it leaves.
            Effect::Leave => {}
        }
    }
}
