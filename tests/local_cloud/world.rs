//! The group and its instances behind locks, with a clock, and a bell that rings when anything has changed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::autoscaling::{self, Outcome};
use super::calls::Calls;
use super::control;
use super::faults::{ApiFaults, ImdsFaults};
use super::http::{Ask, Reply, reserve};
use super::imds::Metadata;
use super::options::{HookSpec, InstanceOptions, Options};
use super::state::{Group, Member, Moment, Refusal, Wish};

/// An instance, and where its IMDS is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    pub id: String,
    pub imds_url: String,
}

/// A port for the IMDS of a new instance, to be served by whoever owns the tasks.
pub struct NewPort {
    pub id: String,
    pub door: Door,
}

/// Connections are taken, or refused for a while.
pub enum Door {
    Open(TcpListener),
    OpensAfter(Duration, TcpSocket),
}

/// Everything that is shared.
pub struct World {
    group: Mutex<Group>,
    metadata: Mutex<BTreeMap<String, Metadata>>,
    pub faults: Mutex<ApiFaults>,
    pub calls: Calls,
    began: Instant,
    scale: f64,
    /// What the group's clock was put forward by.
    skipped: Mutex<Duration>,
    bell: watch::Sender<u64>,
    ports: mpsc::UnboundedSender<NewPort>,
    pub api_url: String,
}

impl World {
    pub fn new(options: Options, api_url: String, ports: mpsc::UnboundedSender<NewPort>) -> Self {
        Self {
            scale: options.time_scale,
            group: Mutex::new(Group::new(options)),
            metadata: Mutex::default(),
            faults: Mutex::default(),
            calls: Calls::new(),
            began: Instant::now(),
            skipped: Mutex::default(),
            bell: watch::Sender::new(0),
            ports,
            api_url,
        }
    }

    /// Does something to the group, at the time that it is there.
    pub fn change<R>(&self, what: impl FnOnce(&mut Group, Moment) -> R) -> R {
        let done = {
            let mut group = lock(&self.group);
            let now = self.began.elapsed().mul_f64(self.scale) + *lock(&self.skipped);
            group.tick(now);
            what(&mut group, now)
        };
        self.bell.send_modify(|changes| *changes += 1);
        done
    }

    /// Puts the group's clock forward.
    pub fn pass(&self, time: Duration) {
        *lock(&self.skipped) += time;
        self.change(|_, _| ());
    }

    /// Lets the group's time pass, for ever.
    pub async fn run_clock(&self) {
        let mut bell = self.bell.subscribe();
        loop {
            bell.mark_unchanged();
            let due = lock(&self.group).next_due();
            let left = due.map(|due| due.saturating_sub(*lock(&self.skipped)));
            // A millisecond late is never early.
            let at = left.map(|left| self.began + left.div_f64(self.scale) + Duration::from_millis(1));
            tokio::select! {
                () = async { sleep_until(at.unwrap_or(self.began)).await }, if at.is_some() => self.change(|_, _| ()),
                _ = bell.changed() => {}
            }
        }
    }

    pub fn launch(&self, options: &InstanceOptions) -> io::Result<Instance> {
        let pool = match options.pool.as_deref() {
            None => None,
            Some("Warmed:Stopped") => Some("Warmed:Stopped"),
            Some("Warmed:Running") => Some("Warmed:Running"),
            Some("Warmed:Hibernated") => Some("Warmed:Hibernated"),
            Some(other) => return Err(io::Error::other(format!("{other:?} is no state to rest in a warm pool"))),
        };
        let id = format!("i-0{:016x}", fastrand::u64(..));
        let socket = reserve(options.imds_port)?;
        let imds_url = format!("http://{}", socket.local_addr()?);
        let region = lock(&self.group).options.region.clone();
        lock(&self.metadata).insert(id.clone(), Metadata::new(&id, &region, options));
        let listen_after = Duration::try_from_secs_f64(options.imds_late_seconds).map_err(io::Error::other)?;
        let door = if listen_after.is_zero() {
            Door::Open(socket.listen(1024)?)
        } else {
            Door::OpensAfter(listen_after, socket)
        };
        self.ports.send(NewPort { id: id.clone(), door }).map_err(|_| io::Error::other("the emulator is ending"))?;
        self.change(|group, now| group.launch(&id, pool, now));
        Ok(Instance { id, imds_url })
    }

    pub fn wish(&self, id: &str, wish: Wish) -> Result<(), Refusal> {
        self.change(|group, now| group.wish(id, wish, now))
    }

    pub fn set_hooks(&self, hooks: Vec<HookSpec>) {
        self.change(|group, now| group.set_hooks(hooks, now));
    }

    pub fn members(&self) -> Vec<Member> {
        self.change(|group, _| group.members.values().cloned().collect())
    }

    pub fn member(&self, id: &str) -> Option<Member> {
        self.change(|group, _| group.members.get(id).cloned())
    }

    /// Changes what an instance's IMDS says.
    pub fn metadata<R>(&self, id: &str, change: impl FnOnce(&mut Metadata) -> R) -> Option<R> {
        lock(&self.metadata).get_mut(id).map(change)
    }

    /// Waits until an instance is as `wanted` says; else gives back how it was last.
    pub async fn wait(
        &self,
        id: &str,
        within: Duration,
        wanted: impl Fn(&Member) -> bool,
    ) -> Result<Member, Option<Member>> {
        let deadline = Instant::now() + within;
        let mut bell = self.bell.subscribe();
        loop {
            bell.mark_unchanged();
            let member = lock(&self.group).members.get(id).cloned();
            if let Some(member) = member.filter(&wanted) {
                return Ok(member);
            }
            if timeout_at(deadline, bell.changed()).await.is_err() {
                return Err(self.member(id));
            }
        }
    }

    /// A request to the Auto Scaling API, or to the control API on the same port.
    pub async fn answer_api(&self, ask: Ask) -> Option<Reply> {
        if ask.path.starts_with("/control") {
            return Some(control::answer(self, &ask).await);
        }
        let slow = lock(&self.faults).slow();
        sleep(slow).await;
        let asked = autoscaling::parameters(&ask);
        let action = asked.get("Action").cloned().unwrap_or_default();
        let instance = asked.get("InstanceId").or_else(|| asked.get("InstanceIds.member.1")).cloned();
        let outcome = self.change(|group, now| autoscaling::answer(group, &mut lock(&self.faults), &ask, &asked, now));
        let (told, reply) = match &outcome {
            Outcome::Answer(Ok(body)) => ("200".to_owned(), Some(autoscaling::reply(&Ok(body.clone())))),
            Outcome::Answer(Err(error)) => (error.outcome(), None),
            Outcome::Lost => ("200, but cut".to_owned(), None),
            Outcome::Cut => ("cut".to_owned(), None),
        };
        self.calls.record("autoscaling", instance, action, asked, told);
        match outcome {
            Outcome::Answer(Err(error)) => Some(autoscaling::reply(&Err(error))),
            _ => reply,
        }
    }

    /// A request to the IMDS of one instance.
    pub async fn answer_imds(&self, id: &str, ask: Ask) -> Option<Reply> {
        let slow = self.metadata(id, |metadata| metadata.faults.slow())?;
        sleep(slow).await;
        let target = self.member(id)?.target;
        let reply = self.metadata(id, |metadata| metadata.answer(&ask, target))?;
        let outcome = reply.as_ref().map_or("cut".to_owned(), |reply| reply.status.as_u16().to_string());
        self.calls.record(
            "imds",
            Some(id.to_owned()),
            format!("{} {}", ask.method, ask.path),
            BTreeMap::new(),
            outcome,
        );
        reply
    }

    pub fn set_imds_faults(&self, id: &str, faults: ImdsFaults) -> Option<()> {
        self.metadata(id, |metadata| metadata.faults = faults)
    }

    pub fn group<R>(&self, read: impl FnOnce(&Group) -> R) -> R {
        self.change(|group, _| read(group))
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
