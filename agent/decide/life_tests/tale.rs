//! A life under test, and the events that it is told.

use std::time::Duration;

use crate::decide::aws::{Hook, HookResult, LifecycleState, Member, Transition};
use crate::decide::clock::{Now, Uptime};
use crate::decide::event::{Effect, Event, Identified, Settings, UserData};
use crate::decide::hook::{Answer, Call, HookWork, Journey, Way};
use crate::decide::ids::{Generation, GroupName, HookName, ReleaseId, Slot};
use crate::decide::life::Life;
use crate::decide::workers::WorkerNews;

pub(super) const SEC: Duration = Duration::from_secs(1);

pub(super) fn settings() -> Settings {
    Settings { workers: 2, has_source: true, source_deadline: 300 * SEC, drain_timeout: 300 * SEC, unready_wait: None }
}

pub(super) fn identified(in_cloud: bool) -> Event {
    Event::Identified(Identified { in_cloud, settings: settings(), user_data: UserData::NotOurs })
}

pub(super) fn member(state: LifecycleState) -> Answer {
    Answer::Instance(Some(Member { group: GroupName::new("web"), state }))
}

pub(super) fn hook(transition: Transition) -> Answer {
    Answer::Hooks(vec![Hook {
        name: HookName::new("wait"),
        transition,
        heartbeat_timeout: 60 * SEC,
        global_timeout: 6000 * SEC,
        default_result: HookResult::Abandon,
    }])
}

pub(super) fn ready(slot: u16) -> [Event; 2] {
    [
        Event::Worker(Slot(slot), WorkerNews::Started { pid: 100 + u32::from(slot), generation: Generation(1) }),
        Event::Worker(Slot(slot), WorkerNews::Ready),
    ]
}

pub(super) fn stopped(slot: u16) -> Event {
    Event::Worker(Slot(slot), WorkerNews::Stopped { killed: false })
}

pub(super) fn failed(slot: u16, failures: u32) -> Event {
    let why = "exit code 1".to_owned();
    Event::Worker(Slot(slot), WorkerNews::Failed { why, failures, looping: failures > 2, retry_in: SEC })
}

/// A life under test: knows the time, keeps every effect.
pub(super) struct Tale {
    pub(super) life: Life,
    pub(super) at: Duration,
    pub(super) effects: Vec<Effect>,
    /// The call of the way out that is not answered yet, and how many completions Auto Scaling took.
    pub(super) open: Option<Call>,
    pub(super) taken: u32,
}

impl Tale {
    pub(super) fn new() -> Self {
        Self { life: Life::new(settings()), at: Duration::ZERO, effects: Vec::new(), open: None, taken: 0 }
    }

    /// One event; returns its effects.
    pub(super) fn on(&mut self, event: Event) -> Vec<Effect> {
        if let Event::Hook(Way::Out, answer) = &event {
            let completion = matches!(self.open.take(), Some(Call::Complete(..)));
            self.taken += u32::from(completion && *answer == Answer::Done);
        }
        let before = self.journey();
        let (life, effects) = self.life.clone().step(event, Now { at: Uptime(self.at), jitter: 0.5 });
        self.life = life;
        if before != self.journey() {
            // Another journey has hooks of its own.
            self.taken = 0;
        }
        for effect in &effects {
            if let Effect::CallHook(Way::Out, call) = effect {
                assert_eq!(self.open.replace(call.clone()), None, "two calls at once");
                assert!(self.taken == 0 || !matches!(call, Call::Complete(..)), "completed twice");
            }
        }
        self.effects.extend(effects.iter().cloned());
        effects
    }

    fn journey(&self) -> Option<Journey> {
        self.life.hooks().map(HookWork::journey)
    }

    /// Time passes, with every wake-up on the way.
    pub(super) fn wait(&mut self, time: Duration) -> Vec<Effect> {
        let end = self.at + time;
        let mut effects = Vec::new();
        while let Some(Uptime(wake)) = self.life.wake_at().filter(|wake| wake.0 <= end) {
            self.at = wake.max(self.at);
            let more = self.on(Event::Tick);
            if more.is_empty() && wake <= self.at {
                self.at += Duration::from_millis(1);
            }
            effects.extend(more);
        }
        self.at = end;
        effects.extend(self.on(Event::Tick));
        effects
    }

    pub(super) fn word(&self) -> &'static str {
        self.life.phase().word()
    }

    /// The group tells its one hook, and takes the heartbeat that follows at once.
    pub(super) fn list_hook(&mut self, way: Way) -> Vec<Effect> {
        let beat = self.on(Event::Hook(way, hook(way.transition())));
        assert!(beat.contains(&heartbeat(way)), "{beat:?}");
        self.on(Event::Hook(way, Answer::Done))
    }

    /// Up to service, with the launch hook (if in the cloud) held open.
    pub(super) fn serve(in_cloud: bool) -> Self {
        let mut tale = Self::new();
        let effects = tale.on(identified(in_cloud));
        assert!(effects.contains(&Effect::Fetch));
        if in_cloud {
            tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
            tale.list_hook(Way::In);
        }
        let effects = tale.on(Event::Fetched { release: ReleaseId::new("r1") });
        assert_eq!(effects, [Effect::Build(ReleaseId::new("r1"))]);
        let effects = tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
        assert_eq!(effects, [Effect::StartWorkers]);
        for event in ready(0).into_iter().chain(ready(1)) {
            tale.on(event);
        }
        assert_eq!(tale.word(), "in-service");
        tale
    }
}

pub(super) fn complete(way: Way, result: HookResult) -> Effect {
    Effect::CallHook(way, Call::Complete(GroupName::new("web"), HookName::new("wait"), result))
}

pub(super) fn heartbeat(way: Way) -> Effect {
    Effect::CallHook(way, Call::Heartbeat(GroupName::new("web"), HookName::new("wait")))
}

/// Some moment, for a life that is stepped without its tale.
pub(super) fn tale_now() -> Now {
    Now { at: Uptime(1000 * SEC), jitter: 0.5 }
}
