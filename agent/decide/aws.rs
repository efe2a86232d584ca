//! The words of Auto Scaling: states, hooks and answers, as values.
//!
//! AWS sends them as text and adds new ones from year to year, so every state has an `Other` that keeps what it said.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{GroupName, HookName};

/// Declares an enum of words that AWS may extend: `Display`, `FromStr` and serde all use the word itself.
macro_rules! open_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
            /// A word this agent does not know, kept as it came.
            Other(String),
        }

        impl $name {
            /// Every word known by name.
            pub const KNOWN: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// The word as AWS writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(word: &str) -> Result<Self, Infallible> {
                Ok(Self::from(word.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_words! {
    /// Where Auto Scaling is taking the instance: `meta-data/autoscaling/target-lifecycle-state` of IMDS.
    ///
    /// It is where the instance is going, not where it is: it says `Terminated` while the load balancer still drains it.
    TargetState {
        /// To serve.
        InService = "InService",
        /// To its end.
        Terminated = "Terminated",
        /// Out of the group; the instance lives on.
        Detached = "Detached",
        /// Out of service for a while, still in the group.
        Standby = "Standby",
        /// Into the warm pool, memory kept on disk.
        WarmedHibernated = "Warmed:Hibernated",
        /// Into the warm pool, running.
        WarmedRunning = "Warmed:Running",
        /// Into the warm pool, stopped.
        WarmedStopped = "Warmed:Stopped",
        /// Out of the warm pool, to its end.
        WarmedTerminated = "Warmed:Terminated",
    }
}

open_words! {
    /// Where the instance is: `LifecycleState` of DescribeAutoScalingInstances (the 30 of botocore's model, 2011-01-01).
    LifecycleState {
        /// Being launched.
        Pending = "Pending",
        /// A launching hook waits to be completed.
        PendingWait = "Pending:Wait",
        /// The launching hooks are done.
        PendingProceed = "Pending:Proceed",
        /// In the model, documented as unused.
        Quarantined = "Quarantined",
        /// Serving, registered with the load balancer.
        InService = "InService",
        /// On its way out: the load balancer lets go first. No hook can be completed yet.
        Terminating = "Terminating",
        /// A terminating hook waits to be completed.
        TerminatingWait = "Terminating:Wait",
        /// The terminating hooks are done.
        TerminatingProceed = "Terminating:Proceed",
        /// A terminating hook was abandoned and the group keeps such instances.
        TerminatingRetained = "Terminating:Retained",
        /// Gone.
        Terminated = "Terminated",
        /// Leaving the group.
        Detaching = "Detaching",
        /// Out of the group.
        Detached = "Detached",
        /// Going to standby.
        EnteringStandby = "EnteringStandby",
        /// Out of service, still in the group.
        Standby = "Standby",
        /// Its root volume is being replaced.
        ReplacingRootVolume = "ReplacingRootVolume",
        /// As before; a hook waits.
        ReplacingRootVolumeWait = "ReplacingRootVolume:Wait",
        /// As before; the hooks are done.
        ReplacingRootVolumeProceed = "ReplacingRootVolume:Proceed",
        /// Its root volume was replaced.
        RootVolumeReplaced = "RootVolumeReplaced",
        /// Being launched into the warm pool.
        WarmedPending = "Warmed:Pending",
        /// As before; a hook waits.
        WarmedPendingWait = "Warmed:Pending:Wait",
        /// As before; the hooks are done.
        WarmedPendingProceed = "Warmed:Pending:Proceed",
        /// A hook was abandoned on the way into the pool and the group keeps such instances.
        WarmedPendingRetained = "Warmed:Pending:Retained",
        /// On its way out of the warm pool, to its end.
        WarmedTerminating = "Warmed:Terminating",
        /// As before; a hook waits.
        WarmedTerminatingWait = "Warmed:Terminating:Wait",
        /// As before; the hooks are done.
        WarmedTerminatingProceed = "Warmed:Terminating:Proceed",
        /// A hook was abandoned on the way out of the pool and the group keeps such instances.
        WarmedTerminatingRetained = "Warmed:Terminating:Retained",
        /// Gone from the warm pool.
        WarmedTerminated = "Warmed:Terminated",
        /// In the warm pool, stopped.
        WarmedStopped = "Warmed:Stopped",
        /// In the warm pool, running.
        WarmedRunning = "Warmed:Running",
        /// In the warm pool, hibernated.
        WarmedHibernated = "Warmed:Hibernated",
    }
}

open_words! {
    /// When a hook fires: `LifecycleTransition`.
    Transition {
        /// Before the instance goes into service.
        Launching = "autoscaling:EC2_INSTANCE_LAUNCHING",
        /// Before the instance is terminated.
        Terminating = "autoscaling:EC2_INSTANCE_TERMINATING",
    }
}

/// How a hook ends: `LifecycleActionResult`, and a hook's `DefaultResult`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HookResult {
    /// Go on.
    Continue,
    /// Launching: terminate the instance and launch another. Terminating: terminate at once, or keep it for a look where the group says so.
    Abandon,
}

impl HookResult {
    /// The word as AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }
}

impl fmt::Display for HookResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was neither `CONTINUE` nor `ABANDON`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no result of a lifecycle hook: CONTINUE and ABANDON are")]
pub struct NoHookResult(String);

impl FromStr for HookResult {
    type Err = NoHookResult;

    fn from_str(word: &str) -> Result<Self, NoHookResult> {
        match word {
            "CONTINUE" => Ok(Self::Continue),
            "ABANDON" => Ok(Self::Abandon),
            _ => Err(NoHookResult(word.to_owned())),
        }
    }
}

/// One lifecycle hook of a group, as DescribeLifecycleHooks tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its name, needed to complete it.
    pub name: HookName,
    /// When it fires.
    pub transition: Transition,
    /// How long it waits for a sign; a heartbeat starts this anew. 30 to 7200 s.
    pub heartbeat_timeout: Duration,
    /// How long it waits in all, whatever the heartbeats: the smaller of 172800 s and 100 heartbeat time-outs.
    pub global_timeout: Duration,
    /// What is assumed once it has waited too long.
    pub default_result: HookResult,
}

/// What the group says of one instance, as DescribeAutoScalingInstances tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The group.
    pub group: GroupName,
    /// Where in its life the group has it.
    pub state: LifecycleState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back_from_its_own_word() {
        assert_eq!(LifecycleState::KNOWN.len(), 30);
        for (word, state) in LifecycleState::KNOWN {
            assert_eq!(word.parse::<LifecycleState>().as_ref(), Ok(state));
            assert_eq!(state.to_string(), *word);
            assert_eq!(serde_json::to_string(state).unwrap(), format!("{word:?}"));
        }
        for (word, target) in TargetState::KNOWN {
            assert_eq!(word.parse::<TargetState>().as_ref(), Ok(target));
            assert_eq!(target.to_string(), *word);
        }
    }

    #[test]
    fn a_state_of_next_year_is_kept_as_it_came() {
        let state: LifecycleState = serde_json::from_str("\"Rebooting:Wait\"").unwrap();
        assert_eq!(state, LifecycleState::Other("Rebooting:Wait".to_owned()));
        assert_eq!(state.to_string(), "Rebooting:Wait");
    }

    #[test]
    fn a_hook_result_is_one_of_two_words() {
        for result in [HookResult::Continue, HookResult::Abandon] {
            assert_eq!(result.as_str().parse(), Ok(result));
        }
        assert!("continue".parse::<HookResult>().is_err());
    }
}
