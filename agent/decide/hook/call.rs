//! What is asked of Auto Scaling about a hook, and what it may answer.

use crate::decide::aws::{Hook, HookResult, Member, Transition};
use crate::decide::ids::{GroupName, HookName};

/// Which of the two ways: into service or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`.
    In,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`.
    Out,
}

impl Way {
    /// The transition in the words of Auto Scaling.
    #[must_use]
    pub fn transition(self) -> Transition {
        match self {
            Self::In => Transition::Launching,
            Self::Out => Transition::Terminating,
        }
    }
}

/// One call to Auto Scaling; each is answered once, by `HookWork::learn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `DescribeAutoScalingInstances`.
    AskInstance,
    /// `DescribeLifecycleHooks`.
    AskHooks(GroupName),
    /// `RecordLifecycleActionHeartbeat`.
    Heartbeat(GroupName, HookName),
    /// `CompleteLifecycleAction`.
    Complete(GroupName, HookName, HookResult),
}

/// What came of a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The instance's place in its group; `None`: it is in no group (or no longer).
    Instance(Option<Member>),
    /// The group's hooks, of either transition.
    Hooks(Vec<Hook>),
    /// The heartbeat or the completion was taken.
    Done,
    /// `ValidationError`, "No active Lifecycle Action found": it has ended, or not begun.
    NoActiveAction,
    /// It failed; told in words. Whatever the error, it is tried again later: permissions and networks come back.
    Failed(String),
}

/// What is wanted of the lifecycle action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Keep it open with heartbeats.
    Hold,
    /// End it.
    Complete(HookResult),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every hook was completed by us, with this result.
    Completed(HookResult),
    /// There was nothing to complete: no group, no hook, or the instance had moved on.
    Nothing,
    /// It could not be completed in time; told in words.
    GaveUp(String),
}
