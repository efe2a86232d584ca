//! What a group is started with.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub const LAUNCHING: &str = "autoscaling:EC2_INSTANCE_LAUNCHING";
pub const TERMINATING: &str = "autoscaling:EC2_INSTANCE_TERMINATING";

/// AWS ends a hook after this long, whatever its heartbeats.
const LONGEST_GLOBAL: Duration = Duration::from_secs(172_800);

/// A lifecycle hook of the group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HookSpec {
    pub name: String,
    /// [`LAUNCHING`] or [`TERMINATING`].
    pub transition: String,
    /// In the group's seconds; 30 to 7200 unless short ones are allowed.
    pub heartbeat_seconds: f64,
    /// `CONTINUE` or `ABANDON`.
    pub default_result: String,
    /// The most it waits in all, if not what follows from the heartbeat time-out: AWS's is too long to be waited for.
    #[serde(default)]
    pub global_seconds: Option<f64>,
}

impl HookSpec {
    /// A launching hook with AWS's default result, ABANDON.
    pub fn launching(name: &str, heartbeat_seconds: f64) -> Self {
        Self::new(name, LAUNCHING, heartbeat_seconds, "ABANDON")
    }

    /// A terminating hook that continues when it is left alone.
    pub fn terminating(name: &str, heartbeat_seconds: f64) -> Self {
        Self::new(name, TERMINATING, heartbeat_seconds, "CONTINUE")
    }

    pub fn new(name: &str, transition: &str, heartbeat_seconds: f64, default_result: &str) -> Self {
        let (name, transition, default_result) = (name.to_owned(), transition.to_owned(), default_result.to_owned());
        Self { name, transition, heartbeat_seconds, default_result, global_seconds: None }
    }

    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs_f64(self.heartbeat_seconds)
    }

    /// The smaller of 48 hours and 100 heartbeat time-outs, unless another is given.
    pub fn global(&self) -> Duration {
        self.global_seconds.map_or_else(|| LONGEST_GLOBAL.min(self.heartbeat() * 100), Duration::from_secs_f64)
    }

    /// What AWS would refuse.
    pub fn problem(&self, short_ones: bool) -> Option<String> {
        let heartbeat = self.heartbeat_seconds;
        if !heartbeat.is_finite() || heartbeat <= 0.0 || heartbeat > 7200.0 || (heartbeat < 30.0 && !short_ones) {
            return Some(format!("{}: HeartbeatTimeout {heartbeat} is not within 30 and 7200", self.name));
        }
        if ![LAUNCHING, TERMINATING].contains(&self.transition.as_str()) {
            return Some(format!("{}: {:?} is no transition", self.name, self.transition));
        }
        if !["CONTINUE", "ABANDON"].contains(&self.default_result.as_str()) {
            return Some(format!("{}: {:?} is no result", self.name, self.default_result));
        }
        None
    }
}

/// The group and its world. Durations are the group's own: `time_scale` of them pass in one second.
#[derive(Debug, Clone)]
pub struct Options {
    pub group: String,
    pub region: String,
    pub hooks: Vec<HookSpec>,
    /// How fast the group's time runs.
    pub time_scale: f64,
    /// `Pending` → `Pending:Wait`.
    pub pending: Duration,
    /// `Terminating` → `Terminating:Wait` of an instance that the balancer has: its deregistration delay.
    pub drain: Duration,
    /// `…:Proceed` → the end of the way.
    pub proceed: Duration,
    /// The group's policy for an abandoned terminating hook: keep the instance.
    pub retain_abandoned: bool,
    /// Allow heartbeat time-outs under 30 s, which AWS does not.
    pub short_hooks: bool,
    /// The port of the Auto Scaling API and of the control API; 0 takes a free one.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            group: "herd".to_owned(),
            region: "eu-west-1".to_owned(),
            hooks: Vec::new(),
            time_scale: 1.0,
            pending: Duration::ZERO,
            drain: Duration::ZERO,
            proceed: Duration::ZERO,
            retain_abandoned: false,
            short_hooks: true,
            port: 0,
        }
    }
}

/// What an instance is launched with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceOptions {
    /// As text; bytes can be set later.
    pub user_data: Option<String>,
    /// Shown by IMDS, unless `hide_tags`.
    pub tags: BTreeMap<String, String>,
    /// As with `InstanceMetadataTags=disabled`.
    pub hide_tags: bool,
    /// Launch into a warm pool that rests so: `Warmed:Stopped`, `Warmed:Running` or `Warmed:Hibernated`.
    pub pool: Option<String>,
    /// IMDS refuses connections for so many (real) seconds.
    pub imds_late_seconds: f64,
    /// IMDS has no target state until it is told to show it (see `ImdsFaults::no_target`).
    pub no_target: bool,
    /// The port of its IMDS; 0 takes a free one.
    pub imds_port: u16,
}
