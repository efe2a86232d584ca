//! One life a test, as a list of events.

use std::time::Duration;

use crate::decide::aws::{HookResult, LifecycleState, TargetState, Transition};
use crate::decide::event::{Effect, Event};
use crate::decide::health::health;
use crate::decide::hook::{Answer, Way};
use crate::decide::ids::ReleaseId;

use super::tale::*;

#[test]
fn the_launch_hook_is_continued_once_every_worker_serves() {
    let mut tale = Tale::serve(true);
    assert!(health(&tale.life).serving);
    assert_eq!(tale.effects.iter().filter(|e| **e == complete(Way::In, HookResult::Continue)).count(), 1);
    tale.on(Event::Hook(Way::In, Answer::Done));
    assert!(tale.wait(600 * SEC).is_empty());
}

#[test]
fn a_long_build_is_held_by_heartbeats_a_third_of_the_time_out_apart() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
    tale.list_hook(Way::In);
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    let beat = heartbeat(Way::In);
    for _ in 0..5 {
        assert!(!tale.wait(19 * SEC).contains(&beat));
        assert!(tale.wait(SEC).contains(&beat));
        tale.on(Event::Hook(Way::In, Answer::Done));
    }
}

#[test]
fn a_build_that_fails_abandons_the_launch_and_says_why() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
    tale.list_hook(Way::In);
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    let effects = tale.on(Event::BuildFailed { why: "npm ci: exit code 1".to_owned() });
    assert_eq!(effects, [complete(Way::In, HookResult::Abandon)]);
    assert_eq!(tale.word(), "failed");
    assert_eq!(tale.life.reason().as_deref(), Some("npm ci: exit code 1"));
    assert!(!health(&tale.life).serving);
}

#[test]
fn an_unreachable_source_is_tried_until_its_deadline_and_slowly_after_it() {
    let mut tale = Tale::new();
    tale.on(identified(false));
    let unreachable = || Event::FetchFailed { why: "connection refused".to_owned(), transient: true };
    let mut tries = 1;
    while tale.word() == "fetching" {
        tale.on(unreachable());
        tries += tale.wait(30 * SEC).iter().filter(|e| **e == Effect::Fetch).count();
    }
    assert!((10..40).contains(&tries), "{tries} tries");
    assert_eq!(tale.word(), "failed");
    tale.on(unreachable());
    assert!(tale.wait(60 * SEC).contains(&Effect::Fetch));
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    assert_eq!(tale.word(), "building", "a source that came back is taken");
}

#[test]
fn an_unknown_ref_is_not_tried_again() {
    let mut tale = Tale::new();
    tale.on(identified(false));
    tale.on(Event::FetchFailed { why: "no ref `mian`".to_owned(), transient: false });
    assert_eq!(tale.word(), "failed");
    assert!(tale.wait(3600 * SEC).is_empty());
}

#[test]
fn a_crash_degrades_and_its_replacement_restores() {
    let mut tale = Tale::serve(false);
    tale.on(failed(0, 1));
    assert_eq!(tale.word(), "degraded");
    assert!(health(&tale.life).serving, "one of two still serves");
    tale.on(failed(1, 1));
    assert!(!health(&tale.life).serving);
    for event in ready(0).into_iter().chain(ready(1)) {
        tale.on(event);
    }
    assert_eq!(tale.word(), "in-service");
}

#[test]
fn a_start_that_always_fails_is_a_failure_that_can_still_end_well() {
    let mut tale = Tale::new();
    tale.on(identified(false));
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
    for failures in 1..=5 {
        tale.on(failed(0, failures));
        tale.on(failed(1, failures));
    }
    assert_eq!(tale.word(), "failed");
    assert!(tale.life.reason().is_some_and(|why| why.contains("crash loop") && why.contains("exit code 1")));
    for event in ready(0).into_iter().chain(ready(1)) {
        tale.on(event);
    }
    assert_eq!(tale.word(), "in-service");
}

#[test]
fn termination_serves_on_until_the_balancer_let_go_and_completes_last() {
    let mut tale = Tale::serve(true);
    tale.on(Event::Hook(Way::In, Answer::Done));
    tale.on(Event::Target(TargetState::Terminated));
    assert_eq!(tale.word(), "draining");
    assert!(!health(&tale.life).serving);
    for _ in 0..40 {
        let effects = tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
        assert_eq!(effects, [], "still serving: nothing stops");
        tale.wait(20 * SEC);
    }
    tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    assert!(tale.effects.contains(&Effect::StopWorkers { within: 300 * SEC }));
    tale.list_hook(Way::Out);
    tale.on(stopped(0));
    assert!(!tale.effects.contains(&complete(Way::Out, HookResult::Continue)), "a worker still runs");
    let effects = tale.on(stopped(1));
    assert_eq!(effects, [complete(Way::Out, HookResult::Continue)]);
    tale.on(Event::Hook(Way::Out, Answer::Done));
    assert_eq!(tale.word(), "released");
    assert_eq!(tale.on(Event::StopAsked), [Effect::Leave]);
}

#[test]
fn a_failed_instance_waits_out_the_balancer_too() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::FetchFailed { why: "no ref".to_owned(), transient: false });
    tale.on(Event::Target(TargetState::Terminated));
    assert_eq!(tale.word(), "drained", "there is nothing to stop");
    tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
    // A hook will wait, so it is waited for.
    tale.on(Event::Hook(Way::Out, hook(Transition::Terminating)));
    tale.wait(20 * SEC);
    for _ in 0..200 {
        tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
        tale.wait(20 * SEC);
    }
    tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    let effects = tale.on(Event::Hook(Way::Out, hook(Transition::Terminating)));
    assert_eq!(effects, [complete(Way::Out, HookResult::Continue)]);
}

#[test]
fn without_permission_to_ask_the_balancer_is_given_the_unready_wait() {
    let mut tale = Tale::serve(true);
    tale.on(Event::Target(TargetState::Terminated));
    tale.on(Event::Hook(Way::Out, Answer::Failed("not authorized".to_owned())));
    let stop = Effect::StopWorkers { within: 300 * SEC };
    assert!(!tale.wait(59 * SEC).contains(&stop));
    // Whoever asks again is told no again.
    tale.on(Event::Hook(Way::Out, Answer::Failed("not authorized".to_owned())));
    assert!(tale.wait(2 * SEC).contains(&stop));
    assert!(tale.life.reason().is_some_and(|why| why.contains("not authorized")));
}

#[test]
fn a_stop_without_a_group_does_not_wait() {
    let mut tale = Tale::serve(false);
    let effects = tale.on(Event::StopAsked);
    assert_eq!(effects, [Effect::StopWorkers { within: 300 * SEC }]);
    tale.on(stopped(0));
    assert_eq!(tale.on(stopped(1)), [Effect::Leave]);
}

#[test]
fn a_second_stop_kills_at_once() {
    let mut tale = Tale::serve(false);
    tale.on(Event::StopAsked);
    assert_eq!(tale.on(Event::StopAsked), [Effect::StopWorkers { within: Duration::ZERO }]);
}

#[test]
fn a_drain_by_the_operator_leaves_the_agent_there() {
    let mut tale = Tale::serve(false);
    tale.on(Event::DrainAsked);
    tale.on(stopped(0));
    assert_eq!(tale.on(stopped(1)), []);
    assert_eq!(tale.word(), "drained");
    assert_eq!(tale.on(Event::StopAsked), [Effect::Leave]);
}

#[test]
fn an_instance_in_a_warm_pool_prepares_and_waits() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Target(TargetState::WarmedStopped));
    tale.on(Event::Hook(Way::In, member(LifecycleState::WarmedPendingWait)));
    tale.list_hook(Way::In);
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    let effects = tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
    assert_eq!(effects, [complete(Way::In, HookResult::Continue)]);
    assert_eq!(tale.word(), "warm");
    tale.on(Event::Hook(Way::In, Answer::Done));
    assert!(tale.on(Event::Target(TargetState::InService)).contains(&Effect::StartWorkers));
}

#[test]
fn metadata_that_does_not_answer_does_not_keep_a_baked_source_from_starting() {
    let mut tale = Tale::new();
    let why = "no answer".to_owned();
    assert_eq!(tale.on(Event::IdentityDelayed { why }), [Effect::Fetch]);
    assert_eq!(tale.life.reason().as_deref(), Some("no answer"));
    tale.on(identified(true));
    assert_eq!(tale.life.reason(), None);
}
