//! The group's rules, over time that only the test moves.

use std::time::Duration;

use crate::local_cloud::{Balancer, Group, HookSpec, LAUNCHING, Options, Refusal, TERMINATING, Wish};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn group(hooks: Vec<HookSpec>) -> Group {
    Group::new(Options { hooks, drain: secs(20), ..Options::default() })
}

fn both_hooks() -> Vec<HookSpec> {
    vec![HookSpec::launching("boot", 60.0), HookSpec::terminating("drain", 60.0)]
}

fn state(group: &Group) -> (&str, &str, Balancer) {
    let member = &group.members["i-1"];
    (&member.state, member.target, member.balancer)
}

fn history(group: &Group) -> Vec<&str> {
    group.members["i-1"].history.iter().map(|(_, state)| state.as_str()).collect()
}

#[test]
fn a_life_with_both_hooks() {
    let mut group = group(both_hooks());
    group.launch("i-1", None, secs(0));
    assert_eq!(state(&group), ("Pending:Wait", "InService", Balancer::Out));
    group.complete("boot", "i-1", None, "CONTINUE", secs(5)).unwrap();
    assert_eq!(state(&group), ("InService", "InService", Balancer::Registered));
    group.wish("i-1", Wish::Terminate, secs(10)).unwrap();
    assert_eq!(state(&group), ("Terminating", "Terminated", Balancer::Draining));
    assert_eq!(group.complete("drain", "i-1", None, "CONTINUE", secs(29)), Err(Refusal::NoActiveAction), "too early");
    group.tick(secs(30));
    assert_eq!(state(&group), ("Terminating:Wait", "Terminated", Balancer::Out));
    group.complete("drain", "i-1", None, "CONTINUE", secs(31)).unwrap();
    assert_eq!(group.complete("drain", "i-1", None, "CONTINUE", secs(32)), Err(Refusal::NoActiveAction), "twice");
    assert_eq!(group.heartbeat("drain", "i-1", None, secs(32)), Err(Refusal::NoActiveAction), "too late");
    let expected = [
        "Pending",
        "Pending:Wait",
        "Pending:Proceed",
        "InService",
        "Terminating",
        "Terminating:Wait",
        "Terminating:Proceed",
        "Terminated",
    ];
    assert_eq!(history(&group), expected);
}

#[test]
fn without_hooks_nothing_waits_but_the_balancer() {
    let mut group = group(Vec::new());
    group.launch("i-1", None, secs(0));
    assert_eq!(state(&group).0, "InService");
    group.wish("i-1", Wish::Terminate, secs(1)).unwrap();
    group.wish("i-1", Wish::Terminate, secs(2)).unwrap();
    assert_eq!((state(&group).0, group.next_due()), ("Terminating", Some(secs(21))));
    group.tick(secs(21));
    assert_eq!(state(&group).0, "Terminated");
}

#[test]
fn a_heartbeat_holds_the_hook_but_not_beyond_the_global_timeout() {
    let mut group = group(both_hooks());
    group.launch("i-1", None, secs(0));
    for beat in 1..=100 {
        group.heartbeat("boot", "i-1", None, secs(beat * 59)).unwrap();
    }
    assert_eq!(group.next_due(), Some(secs(5900 + 60)));
    group.heartbeat("boot", "i-1", None, secs(5950)).unwrap();
    assert_eq!(group.next_due(), Some(secs(6000)));
    group.tick(secs(6000));
    assert_eq!((state(&group).0, state(&group).1), ("Terminated", "Terminated"), "the default result is ABANDON");
    assert_eq!(group.heartbeat("boot", "i-1", None, secs(6001)), Err(Refusal::NoActiveAction));
}

#[test]
fn a_hook_left_alone_ends_with_its_default_result() {
    let mut group = group(vec![HookSpec::new("boot", LAUNCHING, 60.0, "CONTINUE")]);
    group.launch("i-1", None, secs(0));
    group.tick(secs(59));
    assert_eq!(state(&group).0, "Pending:Wait");
    group.tick(secs(60));
    assert_eq!(state(&group).0, "InService");
}

#[test]
fn an_abandoned_launch_never_serves() {
    let mut group = group(both_hooks());
    group.launch("i-1", None, secs(0));
    group.complete("boot", "i-1", None, "ABANDON", secs(1)).unwrap();
    assert_eq!(history(&group), ["Pending", "Pending:Wait", "Terminating", "Terminating:Proceed", "Terminated"]);
}

#[test]
fn two_hooks_wait_for_each_other_unless_one_abandons() {
    let mut group = group(vec![HookSpec::terminating("a", 60.0), HookSpec::terminating("b", 60.0)]);
    group.launch("i-1", None, secs(0));
    group.wish("i-1", Wish::Terminate, secs(0)).unwrap();
    group.tick(secs(20));
    let token = group.members["i-1"].actions[0].token.clone();
    assert_eq!(token.len(), 36);
    group.complete("a", "", Some(&token), "CONTINUE", secs(21)).unwrap();
    assert_eq!(state(&group).0, "Terminating:Wait");
    group.complete("b", "i-1", None, "CONTINUE", secs(22)).unwrap();
    assert_eq!(state(&group).0, "Terminated");
}

#[test]
fn an_abandoned_termination_is_kept_where_the_group_says_so() {
    let hooks = vec![HookSpec::new("drain", TERMINATING, 60.0, "ABANDON")];
    let mut group = Group::new(Options { hooks, retain_abandoned: true, ..Options::default() });
    group.launch("i-1", None, secs(0));
    group.wish("i-1", Wish::Terminate, secs(0)).unwrap();
    group.tick(secs(60));
    assert_eq!(state(&group).0, "Terminating:Retained");
}

#[test]
fn a_warm_instance_meets_the_launching_hook_twice() {
    let mut group = group(both_hooks());
    group.launch("i-1", Some("Warmed:Stopped"), secs(0));
    assert_eq!(state(&group), ("Warmed:Pending:Wait", "Warmed:Stopped", Balancer::Out));
    group.complete("boot", "i-1", None, "CONTINUE", secs(1)).unwrap();
    assert_eq!(state(&group).0, "Warmed:Stopped");
    group.wish("i-1", Wish::LeavePool, secs(2)).unwrap();
    assert_eq!(state(&group), ("Pending:Wait", "InService", Balancer::Out));
    group.complete("boot", "i-1", None, "CONTINUE", secs(3)).unwrap();
    group.wish("i-1", Wish::ReturnToPool, secs(4)).unwrap();
    group.tick(secs(24));
    assert_eq!(state(&group), ("Warmed:Pending:Wait", "Warmed:Stopped", Balancer::Out));
    group.complete("drain", "i-1", None, "CONTINUE", secs(25)).unwrap();
    group.wish("i-1", Wish::Terminate, secs(26)).unwrap();
    assert_eq!(state(&group).0, "Warmed:Terminating:Wait");
    group.tick(secs(86));
    assert_eq!(state(&group).0, "Warmed:Terminated");
}

#[test]
fn standby_fires_no_hook_and_only_what_serves_can_go_there() {
    let mut group = group(both_hooks());
    group.launch("i-1", None, secs(0));
    assert_eq!(group.wish("i-1", Wish::EnterStandby, secs(1)), Err(Refusal::WrongState("Pending:Wait".to_owned())));
    group.complete("boot", "i-1", None, "CONTINUE", secs(1)).unwrap();
    group.wish("i-1", Wish::EnterStandby, secs(2)).unwrap();
    assert_eq!(state(&group), ("EnteringStandby", "Standby", Balancer::Draining));
    group.tick(secs(22));
    assert_eq!(state(&group), ("Standby", "Standby", Balancer::Out));
    group.wish("i-1", Wish::ExitStandby, secs(23)).unwrap();
    assert_eq!(state(&group), ("InService", "InService", Balancer::Registered));
    group.wish("i-1", Wish::Detach, secs(24)).unwrap();
    group.tick(secs(44));
    assert_eq!(state(&group), ("Detached", "Detached", Balancer::Out));
}

#[test]
fn a_hook_that_is_deleted_ends_what_waits_for_it() {
    let mut group = group(both_hooks());
    group.launch("i-1", None, secs(0));
    group.complete("boot", "i-1", None, "CONTINUE", secs(1)).unwrap();
    group.launch("i-2", None, secs(1));
    group.wish("i-1", Wish::Terminate, secs(2)).unwrap();
    group.tick(secs(22));
    assert_eq!(state(&group).0, "Terminating:Wait");
    group.set_hooks(Vec::new(), secs(23));
    assert_eq!(state(&group).0, "Terminated");
    assert!(group.members["i-2"].history.iter().all(|(_, state)| state != "InService"), "its launch was abandoned");
}
