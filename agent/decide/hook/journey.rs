//! The journeys on which hooks wait for an instance, and where a lifecycle state stands on each of them.

use super::call::Way;
use crate::decide::aws::LifecycleState;

/// From where to where Auto Scaling is taking the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// From its launch into service, or into a warm pool.
    Launch,
    /// Into service for sure, for the metadata says so: an answer that has the instance rest in its pool is old news.
    IntoService,
    /// To its end.
    Terminate,
    /// From service back into the warm pool (`ReuseOnScaleIn`). It is the *terminating* hook that waits then, in `Warmed:Pending:Wait`.
    /// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/warm-pool-instance-lifecycle.html>
    ReturnToPool,
}

impl Journey {
    /// Which hooks wait on it.
    #[must_use]
    pub fn way(self) -> Way {
        match self {
            Self::Launch | Self::IntoService => Way::In,
            Self::Terminate | Self::ReturnToPool => Way::Out,
        }
    }

    /// Where `state` stands to the wait state of this journey.
    pub(super) fn stand(self, state: &LifecycleState) -> Stand {
        use LifecycleState as S;
        let resting = matches!(state, S::WarmedStopped | S::WarmedRunning | S::WarmedHibernated);
        match (self, state) {
            (Self::Launch, S::PendingWait | S::WarmedPendingWait)
            | (Self::IntoService, S::PendingWait)
            | (Self::Terminate, S::TerminatingWait | S::WarmedTerminatingWait)
            | (Self::ReturnToPool, S::WarmedPendingWait) => Stand::Wait,
            (Self::Launch, S::Pending | S::WarmedPending)
            | (Self::IntoService, S::Pending | S::WarmedPending | S::WarmedPendingWait | S::WarmedPendingProceed) => {
                Stand::Before
            }
            (Self::IntoService, _) if resting => Stand::Before,
            (Self::Launch | Self::IntoService, _) => Stand::Past,
            (
                Self::Terminate,
                S::TerminatingProceed
                | S::TerminatingRetained
                | S::Terminated
                | S::WarmedTerminatingProceed
                | S::WarmedTerminatingRetained
                | S::WarmedTerminated
                | S::Detached,
            )
            | (
                Self::ReturnToPool,
                S::WarmedPendingProceed
                | S::WarmedPendingRetained
                | S::Pending
                | S::PendingWait
                | S::PendingProceed
                | S::Detached,
            ) => Stand::Past,
            (Self::ReturnToPool, _) if resting => Stand::Past,
            // `InService` too: what Auto Scaling answers may be older than what the metadata says.
            (Self::Terminate | Self::ReturnToPool, _) => Stand::Before,
        }
    }
}

/// Where a state stands to a journey's wait state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    Before,
    Wait,
    Past,
}

#[cfg(test)]
mod tests {
    use super::*;
    use LifecycleState as S;

    #[test]
    fn each_journey_waits_in_states_of_its_own() {
        let waits = |journey: Journey| -> Vec<&str> {
            let all = S::KNOWN.iter().filter(|(_, state)| journey.stand(state) == Stand::Wait);
            all.map(|(word, _)| *word).collect()
        };
        assert_eq!(waits(Journey::Launch), ["Pending:Wait", "Warmed:Pending:Wait"]);
        assert_eq!(waits(Journey::IntoService), ["Pending:Wait"]);
        assert_eq!(waits(Journey::Terminate), ["Terminating:Wait", "Warmed:Terminating:Wait"]);
        assert_eq!(waits(Journey::ReturnToPool), ["Warmed:Pending:Wait"]);
    }

    #[test]
    fn old_news_is_waited_out() {
        for rest in [S::WarmedStopped, S::WarmedRunning, S::WarmedHibernated] {
            assert_eq!(Journey::IntoService.stand(&rest), Stand::Before, "{rest}: it has left the pool");
            assert_eq!(Journey::Launch.stand(&rest), Stand::Past, "{rest}: it stays in the pool");
            assert_eq!(Journey::ReturnToPool.stand(&rest), Stand::Past, "{rest}: it is back");
            assert_eq!(Journey::Terminate.stand(&rest), Stand::Before, "{rest}: it will leave the pool");
        }
        for journey in [Journey::Terminate, Journey::ReturnToPool] {
            assert_eq!(journey.stand(&S::InService), Stand::Before);
            assert_eq!(journey.stand(&S::Other("Rebooting".to_owned())), Stand::Before);
        }
    }
}
