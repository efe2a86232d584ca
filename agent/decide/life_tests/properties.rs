//! What holds in every life.

use std::time::Duration;

use proptest::prelude::*;

use crate::decide::aws::{HookResult, LifecycleState, TargetState, Transition};
use crate::decide::event::{Effect, Event};
use crate::decide::health::health;
use crate::decide::hook::{Answer, Call, Ended, HookWork, Way};
use crate::decide::ids::ReleaseId;
use crate::decide::phase::Phase;

use super::tale::*;

fn any_answer() -> impl Strategy<Value = Answer> {
    let states = LifecycleState::KNOWN.iter().map(|(_, state)| state.clone()).collect::<Vec<_>>();
    prop_oneof![
        4 => proptest::sample::select(states).prop_map(member),
        1 => Just(Answer::Instance(None)),
        2 => Just(hook(Transition::Terminating)),
        1 => Just(hook(Transition::Launching)),
        4 => Just(Answer::Done),
        1 => Just(Answer::NoActiveAction),
        2 => Just(Answer::Failed("throttled".to_owned())),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let slot = 0_u16..3;
    prop_oneof![
        any::<bool>().prop_map(identified),
        Just(Event::IdentityDelayed { why: "late".to_owned() }),
        proptest::sample::select(TargetState::KNOWN.iter().map(|(_, t)| t.clone()).collect::<Vec<_>>())
            .prop_map(Event::Target),
        Just(Event::StopAsked),
        Just(Event::DrainAsked),
        Just(Event::Fetched { release: ReleaseId::new("r1") }),
        any::<bool>().prop_map(|transient| Event::FetchFailed { why: "no".to_owned(), transient }),
        Just(Event::Built { release: ReleaseId::new("r1"), settings: settings() }),
        Just(Event::BuildFailed { why: "no".to_owned() }),
        slot.clone().prop_flat_map(|n| proptest::sample::select(ready(n).to_vec())),
        (slot.clone(), 1_u32..9).prop_map(|(n, failures)| failed(n, failures)),
        slot.prop_map(stopped),
        any_answer().prop_map(|answer| Event::Hook(Way::Out, answer)),
        any_answer().prop_map(|answer| Event::Hook(Way::In, answer)),
        Just(Event::Tick),
    ]
}

/// Answers as a group would: the instance passes through its states in order, and every call gets its answer.
fn faithful(tale: &mut Tale, state: &LifecycleState, effects: &[Effect]) -> Vec<Effect> {
    let mut more = Vec::new();
    for effect in effects {
        let answer = match effect {
            Effect::CallHook(_, Call::AskInstance) => member(state.clone()),
            Effect::CallHook(Way::Out, Call::AskHooks(_)) => hook(Transition::Terminating),
            Effect::CallHook(Way::In, Call::AskHooks(_)) => hook(Transition::Launching),
            Effect::CallHook(_, Call::Heartbeat(..) | Call::Complete(..)) => Answer::Done,
            _ => continue,
        };
        if let Effect::CallHook(way, _) = effect {
            more.extend(tale.on(Event::Hook(*way, answer)));
        }
    }
    more
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happened_before_a_terminated_instance_is_released_exactly_once(
        before in proptest::collection::vec((any_event(), 0_u64..40), 0..60),
        draining_asks in 0_usize..5,
    ) {
        let before_had_noise = before.iter().any(|(event, _)| matches!(event, Event::Hook(Way::Out, _)));
        let mut tale = Tale::new();
        for (event, seconds) in before {
            tale.on(event);
            tale.wait(Duration::from_secs(seconds));
        }
        let mut effects = tale.on(Event::Target(TargetState::Terminated));
        // Answers that the noise before may have left open.
        for way in [Way::In, Way::Out] {
            effects.extend(tale.on(Event::Hook(way, Answer::Failed("noise".to_owned()))));
        }
        for round in 0..400 {
            let state = if round < draining_asks { LifecycleState::Terminating } else { LifecycleState::TerminatingWait };
            while !effects.is_empty() {
                if effects.iter().any(|e| matches!(e, Effect::StopWorkers { .. })) {
                    for slot in 0..3 {
                        effects.extend(tale.on(stopped(slot)));
                    }
                }
                effects = faithful(&mut tale, &state, &effects);
            }
            if tale.word() == "released" {
                break;
            }
            effects = tale.wait(10 * SEC);
        }
        prop_assert_eq!(tale.word(), "released");
        // Once, or not at all where the noise had Auto Scaling say that there is nothing (more) to complete.
        prop_assert!(tale.taken <= 1);
        let gave_up = matches!(tale.life.hooks().and_then(HookWork::ended), Some(Ended::GaveUp(_)));
        let silent = before_had_noise || gave_up || tale.taken == 1;
        prop_assert!(silent, "released without telling the group");
        prop_assert!(!health(&tale.life).serving);
        let after = tale.wait(600 * SEC);
        prop_assert!(!after.iter().any(|e| matches!(e, Effect::CallHook(..) | Effect::StartWorkers)), "{after:?}");
    }

    #[test]
    fn no_order_of_events_starts_workers_on_the_way_out_or_completes_before_its_time(
        events in proptest::collection::vec((any_event(), 0_u64..40), 0..80),
    ) {
        let mut tale = Tale::new();
        let mut waited = false;
        for (event, seconds) in events {
            if let Event::Hook(Way::Out, Answer::Instance(Some(member))) = &event {
                waited |= matches!(
                    member.state,
                    LifecycleState::TerminatingWait
                        | LifecycleState::WarmedTerminatingWait
                        | LifecycleState::WarmedPendingWait
                );
            }
            let leaving = tale.life.phase().leaving();
            let mut effects = tale.on(event);
            effects.extend(tale.wait(Duration::from_secs(seconds)));
            for effect in &effects {
                prop_assert!(!(leaving && matches!(effect, Effect::StartWorkers | Effect::Fetch | Effect::Build(_))), "{effect:?}");
                if let Effect::CallHook(Way::Out, Call::Complete(_, _, result)) = effect {
                    prop_assert!(waited, "completed before Terminating:Wait");
                    prop_assert!(tale.life.workers().gone() || matches!(tale.life.phase(), Phase::Drained | Phase::Released));
                    prop_assert_eq!(*result, HookResult::Continue);
                }
            }
            prop_assert!(!leaving || tale.life.phase().leaving(), "nothing comes back from the way out");
        }
    }
}
