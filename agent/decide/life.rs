//! The life of one instance: facts come in as events, and what follows from them goes out as effects.
//!
//! Events only change what is known; `advance` then draws the conclusions. So it does not matter in which order facts arrive,
//! or whether one arrives twice. The way out is in `drain.rs`, what others may ask in `life/view.rs`.

mod hooks;
mod metadata;
mod view;

use std::time::Duration;

use super::aws::TargetState;
use super::clock::{Now, Uptime, backoff};
use super::event::{Effect, Event, Settings};
use super::hook::HookWork;
use super::ids::{GroupName, ReleaseId};
use super::phase::Phase;
use super::workers::Workers;

/// Between two tries to reach a source.
const FETCH_FIRST: Duration = Duration::from_secs(1);
const FETCH_MAX: Duration = Duration::from_secs(30);
/// A source that could not be reached within its deadline is tried again so often, in case it comes back.
const FETCH_LATER: Duration = Duration::from_secs(60);
/// A start has failed for good when every slot failed so often in a row; the workers are tried on all the same.
const START_FAILURES: u32 = 5;

/// All that is known and decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    pub(super) phase: Phase,
    pub(super) since: Uptime,
    pub(super) settings: Settings,
    identified: Option<bool>,
    identity_trouble: Option<String>,
    user_data_trouble: Option<String>,
    /// Why the release or its start failed, while it has.
    pub(super) failure: Option<String>,
    target: Option<TargetState>,
    /// As Auto Scaling last called it.
    group: Option<GroupName>,
    release: Option<ReleaseId>,
    /// The release that was last noted as one that has served.
    good: Option<ReleaseId>,
    pub(super) workers: Workers,
    pub(super) launching: Option<HookWork>,
    pub(super) terminating: Option<HookWork>,
    /// How often SIGTERM came.
    pub(super) stops: u32,
    pub(super) drain_asked: bool,
    pub(super) left: bool,
}

impl Life {
    /// A life that begins now, with the settings of the baked configuration.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            phase: Phase::Identifying,
            since: Uptime::default(),
            settings,
            identified: None,
            identity_trouble: None,
            user_data_trouble: None,
            failure: None,
            target: None,
            group: None,
            release: None,
            good: None,
            workers: Workers::default(),
            launching: None,
            terminating: None,
            stops: 0,
            drain_asked: false,
            left: false,
        }
    }

    /// Takes in one event and says what is to be done. Total: an event that makes no sense now changes nothing.
    #[must_use]
    pub fn step(mut self, event: Event, now: Now) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        self.learn(event, now, &mut effects);
        // Conclusions may follow from conclusions; each moves the phase on, and there are few phases.
        for _ in 0..8 {
            let before = self.phase;
            self.advance(now, &mut effects);
            if before == self.phase {
                break;
            }
        }
        self.call_hooks(now, &mut effects);
        (self, effects)
    }

    fn learn(&mut self, event: Event, now: Now, effects: &mut Vec<Effect>) {
        match event {
            Event::Identified(identified) => self.learn_identity(identified, now, effects),
            Event::IdentityDelayed { why } if self.identified.is_none() => self.identity_trouble = Some(why),
            Event::IdentityDelayed { .. } => {}
            Event::Target(target) => self.learn_target(target, now),
            Event::StopAsked => {
                self.stops = self.stops.saturating_add(1);
                if self.stops > 1 && !self.workers.gone() {
                    effects.push(Effect::StopWorkers { within: Duration::ZERO });
                }
            }
            Event::DrainAsked => self.drain_asked = true,
            Event::Fetched { release } if self.is_fetching() => {
                self.failure = None;
                self.enter(Phase::Building, now);
                effects.push(Effect::Build(release));
            }
            Event::FetchFailed { why, transient } if self.is_fetching() => self.fetch_failed(why, transient, now),
            Event::Built { release, settings } if self.phase == Phase::Building => {
                self.release = Some(release);
                self.settings = settings;
                if self.in_pool() {
                    self.enter(Phase::Warm, now);
                } else {
                    self.start(now, effects);
                }
            }
            Event::BuildFailed { why } if self.phase == Phase::Building => {
                self.failure = Some(why);
                self.enter(Phase::Failed { retry_at: None }, now);
            }
            // Late news of a release that was given up.
            Event::Fetched { .. } | Event::FetchFailed { .. } | Event::Built { .. } | Event::BuildFailed { .. } => {}
            Event::Worker(slot, news) => self.workers.learn(slot, news, now.at),
            Event::Hook(way, answer) => {
                if let Some(work) = self.hook_work(way) {
                    work.learn(answer, now);
                    let group = work.member().map(|member| member.group.clone());
                    self.group = group.or(self.group.take());
                }
            }
            Event::Tick => {}
        }
    }

    fn is_fetching(&self) -> bool {
        match self.phase {
            Phase::Fetching { .. } => true,
            Phase::Failed { .. } => self.workers.slots.is_empty(),
            _ => false,
        }
    }

    fn fetch_failed(&mut self, why: String, transient: bool, now: Now) {
        self.failure = Some(why);
        let phase = match self.phase {
            Phase::Fetching { started, failures, .. }
                if transient && now.at.since(started) < self.settings.source_deadline =>
            {
                let retry_at = Some(now.at + backoff(FETCH_FIRST, FETCH_MAX, failures, now.jitter));
                Phase::Fetching { started, failures: failures.saturating_add(1), retry_at }
            }
            _ => Phase::Failed { retry_at: transient.then(|| now.at + FETCH_LATER) },
        };
        self.enter(phase, now);
    }

    pub(super) fn advance(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.must_leave() && !self.phase.leaving() {
            self.begin_drain(now, effects);
        }
        match self.phase {
            Phase::Identifying => self.advance_identifying(now, effects),
            Phase::Fetching { started, failures, retry_at: Some(at) } if now.at >= at => {
                self.enter(Phase::Fetching { started, failures, retry_at: None }, now);
                effects.push(Effect::Fetch);
            }
            Phase::Failed { retry_at: Some(at) } if now.at >= at => {
                self.enter(Phase::Failed { retry_at: None }, now);
                effects.push(Effect::Fetch);
            }
            Phase::Warm if !self.in_pool() => self.start(now, effects),
            Phase::Starting | Phase::InService | Phase::Degraded | Phase::Failed { .. } => {
                self.judge_workers(now, effects)
            }
            Phase::LettingGo { .. } | Phase::Finishing { .. } | Phase::Drained | Phase::Released => {
                self.advance_drain(now, effects);
            }
            Phase::Fetching { .. } | Phase::Building | Phase::Warm => {}
        }
        self.wish_for_launch(now);
    }

    fn advance_identifying(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let known = self.identified.is_some();
        if self.settings.has_source && (known || self.identity_trouble.is_some()) {
            self.enter(Phase::Fetching { started: now.at, failures: 0, retry_at: None }, now);
            effects.push(Effect::Fetch);
        } else if known {
            self.failure = Some(
                "no source is configured: give `source.git` or `source.path` in /etc/herdsman/herdsman.toml or in the user-data, \
                 or run `herdsman up URL`"
                    .to_owned(),
            );
            self.enter(Phase::Failed { retry_at: None }, now);
        }
    }

    fn start(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.workers = Workers::wanted(self.settings.workers, now.at);
        self.enter(Phase::Starting, now);
        effects.push(Effect::StartWorkers);
    }

    fn judge_workers(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let workers = &self.workers;
        if workers.slots.is_empty() {
            return;
        }
        let phase = if workers.all_ready() {
            Phase::InService
        } else if workers.all_failed(START_FAILURES) && !matches!(self.phase, Phase::InService | Phase::Degraded) {
            Phase::Failed { retry_at: None }
        } else if self.phase != Phase::Starting && workers.ready() > 0 {
            Phase::Degraded
        } else if self.phase == Phase::Starting && workers.ready() > 0 && workers.slots.iter().any(|slot| slot.looping)
        {
            // Some serve, and another will not: that is a start too, if a poor one.
            Phase::Degraded
        } else if self.phase == Phase::InService {
            Phase::Degraded
        } else {
            return;
        };
        if phase == Phase::InService && self.good != self.release {
            self.good.clone_from(&self.release);
            effects.extend(self.release.clone().map(Effect::MarkGood));
        }
        self.enter(phase, now);
    }

    pub(super) fn enter(&mut self, phase: Phase, now: Now) {
        if phase.word() != self.phase.word() {
            self.since = now.at;
        }
        self.phase = phase;
    }
}
