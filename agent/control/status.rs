//! Puts a [`Status`](super::api::Status) together from what is decided and what is known.

use super::api;
use crate::clock::Clock;
use crate::decide::health::health;
use crate::decide::hook::HookWork;
use crate::decide::life::Life;
use crate::facts::Facts;

/// How things stand now.
pub(super) fn status(life: &Life, facts: &Facts, clock: &Clock) -> api::Status {
    let answer = health(life);
    api::Status {
        version: api::VERSION,
        agent: api::Agent {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: clock.uptime().0.as_secs(),
        },
        phase: life.phase().word().to_owned(),
        since: clock.wall(life.since()),
        reason: life.reason(),
        settled: life.phase().settled(),
        release: facts.release.clone().map(|release| api::Release {
            id: release.id,
            revision: release.revision,
            source: release.source,
            activated_at: release.activated_at,
        }),
        app: api::App { command: facts.command.clone(), port: facts.port },
        workers_wanted: life.wanted(),
        workers: life.workers().slots.iter().map(|slot| worker(slot, clock)).collect(),
        health: api::Health {
            status: answer.status.to_owned(),
            http: if answer.serving { 200 } else { 503 },
            listen: facts.health.map(|addr| addr.to_string()),
        },
        instance: instance(life, facts),
        hooks: life.hooks().map(open_hooks).unwrap_or_default(),
    }
}

fn worker(view: &crate::decide::workers::SlotView, clock: &Clock) -> api::Worker {
    api::Worker {
        slot: view.slot,
        pid: view.pid,
        generation: view.generation,
        state: view.state.word().to_owned(),
        restarts: view.restarts,
        since: clock.wall(view.since),
        crash_loop: view.looping,
        last_exit: view.last_exit.clone(),
        retry_at: view.retry_at.map(|at| clock.wall(at)),
    }
}

fn instance(life: &Life, facts: &Facts) -> Option<api::Instance> {
    let identity = facts.identity.as_ref()?;
    Some(api::Instance {
        id: identity.instance_id.clone(),
        kind: identity.instance_type.clone(),
        region: identity.region.clone(),
        zone: identity.zone.clone(),
        image: identity.image_id.clone(),
        group: life.group().cloned().or_else(|| identity.group_hint.clone()),
        lifecycle: life.lifecycle(),
    })
}

fn open_hooks(work: &HookWork) -> Vec<api::Hook> {
    let hooks = work.open_hooks();
    hooks
        .into_iter()
        .map(|hook| api::Hook { name: hook.name.to_string(), transition: hook.transition.to_string() })
        .collect()
}
