//! What the group, the metadata and their faults do to a life.

use crate::decide::aws::{Hook, HookResult, LifecycleState, TargetState, Transition};
use crate::decide::event::{Effect, Event, Identified, UserData};
use crate::decide::hook::{Answer, Call, Ended, HookWork, Way};
use crate::decide::ids::{GroupName, HookName, ReleaseId};

use super::tale::*;

/// In service, the launch hook completed, and now to be terminated.
fn terminating() -> Tale {
    let mut tale = Tale::serve(true);
    tale.on(Event::Hook(Way::In, Answer::Done));
    tale.on(Event::Target(TargetState::Terminated));
    tale
}

fn refused() -> Event {
    Event::Hook(Way::Out, Answer::Failed("throttled".to_owned()))
}

fn stops(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::StopWorkers { .. }))
}

#[test]
fn one_throttled_question_does_not_end_the_patience_with_the_balancer() {
    let mut tale = terminating();
    tale.on(refused());
    tale.wait(2 * SEC);
    for _ in 0..30 {
        tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
        assert!(!stops(&tale.wait(20 * SEC)), "the balancer drains still, and the group says so");
    }
}

#[test]
fn workers_that_were_granted_more_than_the_hooks_hold_are_stopped_before_these_end() {
    let mut tale = terminating();
    let stop = tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    assert!(stop.contains(&Effect::StopWorkers { within: 300 * SEC }));
    let short = Answer::Hooks(vec![Hook {
        name: HookName::new("wait"),
        transition: Transition::Terminating,
        heartbeat_timeout: 30 * SEC,
        global_timeout: 120 * SEC,
        default_result: HookResult::Continue,
    }]);
    let effects = tale.on(Event::Hook(Way::Out, short));
    assert!(effects.contains(&Effect::StopWorkers { within: 110 * SEC }), "{effects:?}");
    tale.on(Event::Hook(Way::Out, Answer::Done));
    assert!(!stops(&tale.on(Event::Tick)), "once is enough");
}

#[test]
fn a_group_that_does_not_know_a_new_instance_yet_is_asked_again() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    for _ in 0..5 {
        tale.on(Event::Hook(Way::In, Answer::Instance(None)));
        assert!(tale.wait(3 * SEC).contains(&Effect::CallHook(Way::In, Call::AskInstance)));
    }
    tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
    assert_eq!(tale.life.lifecycle().as_deref(), Some("Pending:Wait"));
}

#[test]
fn an_instance_of_no_group_stops_asking() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    for _ in 0..12 {
        tale.on(Event::Hook(Way::In, Answer::Instance(None)));
        tale.wait(10 * SEC);
    }
    assert_eq!(tale.life.hooks().and_then(HookWork::ended), Some(&Ended::Nothing));
    assert!(!tale.wait(600 * SEC).iter().any(|effect| matches!(effect, Effect::CallHook(..))));
}

#[test]
fn an_instance_that_came_to_serve_after_all_is_not_abandoned() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
    tale.list_hook(Way::In);
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
    for failures in 1..=5 {
        tale.on(failed(0, failures));
        tale.on(failed(1, failures));
    }
    assert_eq!(tale.effects.last(), Some(&complete(Way::In, HookResult::Abandon)));
    for event in ready(0).into_iter().chain(ready(1)) {
        tale.on(event);
    }
    tale.on(Event::Hook(Way::In, Answer::Failed("throttled".to_owned())));
    assert!(tale.wait(2 * SEC).contains(&complete(Way::In, HookResult::Continue)));
}

#[test]
fn an_outage_of_an_hour_does_not_keep_the_hook_from_being_completed() {
    let mut tale = terminating();
    tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    tale.list_hook(Way::Out);
    tale.on(stopped(0));
    tale.on(stopped(1));
    for _ in 0..200 {
        tale.on(refused());
        tale.wait(20 * SEC);
    }
    assert_eq!(tale.word(), "drained");
    tale.on(Event::Hook(Way::Out, Answer::Done));
    assert_eq!(tale.word(), "released");
}

#[test]
fn an_agent_that_is_to_end_does_not_try_for_hours() {
    let mut tale = terminating();
    tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    tale.list_hook(Way::Out);
    tale.on(stopped(0));
    tale.on(stopped(1));
    tale.on(Event::StopAsked);
    for _ in 0..20 {
        tale.on(refused());
        tale.wait(20 * SEC);
    }
    assert!(tale.effects.contains(&Effect::Leave));
    assert!(matches!(tale.life.hooks().and_then(HookWork::ended), Some(Ended::GaveUp(why)) if why == "throttled"));
}

#[test]
fn of_two_hooks_the_one_that_had_ended_does_not_hide_that_the_other_was_completed() {
    let mut tale = terminating();
    let hook = |name: &str| Hook {
        name: HookName::new(name),
        transition: Transition::Terminating,
        heartbeat_timeout: 60 * SEC,
        global_timeout: 6000 * SEC,
        default_result: HookResult::Continue,
    };
    tale.on(stopped(0));
    tale.on(stopped(1));
    tale.on(Event::Hook(Way::Out, member(LifecycleState::TerminatingWait)));
    tale.on(Event::Hook(Way::Out, Answer::Hooks(vec![hook("a"), hook("b")])));
    let first = Call::Complete(GroupName::new("web"), HookName::new("a"), HookResult::Continue);
    assert_eq!(tale.effects.last(), Some(&Effect::CallHook(Way::Out, first)));
    // The tale itself allows one completion.
    tale.taken = 0;
    tale.open = None;
    let (life, _) = tale.life.step(Event::Hook(Way::Out, Answer::Done), tale_now());
    let (life, _) = life.step(Event::Hook(Way::Out, Answer::NoActiveAction), tale_now());
    assert_eq!(life.hooks().and_then(HookWork::ended), Some(&Ended::Completed(HookResult::Continue)));
}

fn user_data(user_data: UserData) -> Event {
    let settings = crate::decide::event::Settings { workers: 3, ..settings() };
    Event::Identified(Identified { in_cloud: true, settings, user_data })
}

#[test]
fn user_data_that_comes_late_starts_the_release_over_as_long_as_no_worker_runs() {
    let mut tale = Tale::new();
    tale.on(Event::IdentityDelayed { why: "no answer".to_owned() });
    tale.on(Event::Fetched { release: ReleaseId::new("baked") });
    assert_eq!(tale.word(), "building");
    let effects = tale.on(user_data(UserData::Taken));
    assert!(effects.starts_with(&[Effect::AbandonRelease, Effect::Fetch]), "{effects:?}");
    assert_eq!((tale.word(), tale.life.wanted()), ("fetching", 3));
    assert_eq!(tale.life.reason(), None);
}

#[test]
fn user_data_that_comes_when_workers_run_is_said_to_be_too_late() {
    let mut tale = Tale::new();
    tale.on(Event::IdentityDelayed { why: "no answer".to_owned() });
    tale.on(Event::Fetched { release: ReleaseId::new("baked") });
    tale.on(Event::Built { release: ReleaseId::new("baked"), settings: settings() });
    assert!(!tale.on(user_data(UserData::Taken)).contains(&Effect::Fetch));
    assert!(tale.life.reason().is_some_and(|why| why.contains("not applied")));
}

#[test]
fn user_data_for_somebody_else_changes_nothing_however_late_it_comes() {
    let mut tale = Tale::new();
    tale.on(Event::IdentityDelayed { why: "no answer".to_owned() });
    tale.on(Event::Fetched { release: ReleaseId::new("baked") });
    assert!(!tale.on(user_data(UserData::NotOurs)).contains(&Effect::Fetch));
    assert_eq!(tale.word(), "building");
}

#[test]
fn the_group_says_warm_where_the_metadata_does_not_yet() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::WarmedPendingWait)));
    tale.list_hook(Way::In);
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
    assert_eq!(tale.word(), "warm");
}

#[test]
fn an_old_answer_does_not_hide_the_hook_on_the_way_out_of_the_pool() {
    let mut tale = Tale::new();
    tale.on(Event::Target(TargetState::WarmedRunning));
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::WarmedRunning)));
    tale.on(Event::Target(TargetState::InService));
    tale.on(Event::Hook(Way::In, member(LifecycleState::WarmedRunning)));
    tale.wait(2 * SEC);
    tale.on(Event::Hook(Way::In, member(LifecycleState::PendingWait)));
    assert!(tale.effects.contains(&Effect::CallHook(Way::In, Call::AskHooks(GroupName::new("web")))));
}

#[test]
fn a_return_to_the_warm_pool_drains_and_completes_the_terminating_hook_there() {
    let mut tale = Tale::serve(true);
    tale.on(Event::Hook(Way::In, Answer::Done));
    tale.on(Event::Target(TargetState::InService));
    tale.on(Event::Target(TargetState::WarmedRunning));
    assert_eq!(tale.word(), "draining");
    tale.on(Event::Hook(Way::Out, member(LifecycleState::WarmedPending)));
    assert!(!stops(&tale.wait(2 * SEC)), "the balancer drains still");
    assert!(stops(&tale.on(Event::Hook(Way::Out, member(LifecycleState::WarmedPendingWait)))));
    tale.list_hook(Way::Out);
    tale.on(stopped(0));
    assert_eq!(tale.on(stopped(1)), [complete(Way::Out, HookResult::Continue)]);
    tale.on(Event::Hook(Way::Out, Answer::Done));
    assert_eq!(tale.word(), "released");
    assert_eq!(tale.on(Event::Target(TargetState::InService)), [Effect::Leave], "systemd begins the next life");
}

#[test]
fn an_instance_that_ends_in_the_warm_pool_to_which_it_returned_is_released_once_more() {
    let mut tale = Tale::serve(true);
    tale.on(Event::Target(TargetState::InService));
    tale.on(Event::Target(TargetState::WarmedStopped));
    tale.on(stopped(0));
    tale.on(stopped(1));
    tale.on(Event::Hook(Way::Out, member(LifecycleState::WarmedStopped)));
    assert_eq!(tale.word(), "released", "no hook waited");
    tale.on(Event::Target(TargetState::WarmedTerminated));
    assert_eq!(tale.word(), "drained");
    tale.on(Event::Hook(Way::Out, member(LifecycleState::WarmedTerminatingWait)));
    let effects = tale.on(Event::Hook(Way::Out, hook(Transition::Terminating)));
    assert_eq!(effects, [complete(Way::Out, HookResult::Continue)]);
}

#[test]
fn where_no_hook_will_wait_a_drained_instance_waits_for_none() {
    let mut tale = terminating();
    tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
    assert!(!stops(&tale.wait(3600 * SEC)), "without a hook the machine's own end says when");
    tale.on(Event::StopAsked);
    tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
    assert!(stops(&tale.wait(61 * SEC)));
    tale.on(stopped(0));
    tale.on(stopped(1));
    tale.on(Event::Hook(Way::Out, member(LifecycleState::Terminating)));
    assert_eq!(tale.effects.last(), Some(&Effect::CallHook(Way::Out, Call::AskHooks(GroupName::new("web")))));
    assert_eq!(tale.on(Event::Hook(Way::Out, hook(Transition::Launching))), [Effect::Leave]);
    assert_eq!(tale.word(), "released");
}

#[test]
fn why_it_never_served_and_in_which_group_is_still_known_at_the_end() {
    let mut tale = Tale::new();
    tale.on(identified(true));
    tale.on(Event::Hook(Way::In, member(LifecycleState::InService)));
    tale.on(Event::Fetched { release: ReleaseId::new("r1") });
    tale.on(Event::Built { release: ReleaseId::new("r1"), settings: settings() });
    for failures in 1..=5 {
        tale.on(failed(0, failures));
        tale.on(failed(1, failures));
    }
    tale.on(Event::Target(TargetState::Terminated));
    tale.on(stopped(0));
    tale.on(stopped(1));
    tale.on(Event::Hook(Way::Out, Answer::Instance(None)));
    assert!(tale.life.reason().is_some_and(|why| why.contains("exit code 1")), "{:?}", tale.life.reason());
    assert_eq!(tale.life.group(), Some(&GroupName::new("web")));
}
