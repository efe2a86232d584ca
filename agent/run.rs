//! The composition root: builds every part, starts the named tasks, and ends them all when the driver has come to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info};

use crate::act::hooks::HookDesk;
use crate::act::{Acts, health, release::desk::ReleaseDesk, workers::crew::Crew};
use crate::clock::Clock;
use crate::cloud::Imds;
use crate::config::Layer;
use crate::configured::Configured;
use crate::control::server::{self, Office};
use crate::decide::event::Effect;
use crate::decide::life::Life;
use crate::driver::{self, Hands};
use crate::facts::Facts;
use crate::observe::{identity, notices, signals::Signals};
use crate::paths::Dirs;
use crate::recent::Recent;
use crate::seen::Seen;
use crate::systemd;

/// So many events may wait for the driver, which takes microseconds for one; whoever sends more waits.
const EVENTS: usize = 1024;

impl Hands for Acts {
    fn perform(&mut self, effect: Effect) {
        Self::perform(self, effect);
    }
}

/// Runs an agent until it may leave. Must be called within a `LocalSet`.
///
/// # Errors
/// When the configuration has problems, or what the agent needs for itself (ports, socket, state directory) cannot be had.
pub async fn run(layers: Vec<Layer>, dirs: &Dirs) -> anyhow::Result<()> {
    let clock = Clock::start();
    let configured = Configured::new(layers)?;
    // Bound before anything slow starts: the load balancer gets an answer from the first moment on.
    let listen = configured.config().health.listen;
    let health_listener = bind_health(listen)?;
    let signals = Signals::catch().context("the signals could not be caught")?;
    let socket = dirs.socket();
    let control = server::bind(&socket)?;

    let life = Life::new(configured.settings());
    let (seen, _) = watch::channel(Seen { life: Arc::new(life.clone()), turns: 0 });
    let (facts, _) = watch::channel(Facts { health: health_listener.local_addr().ok(), ..Facts::default() });
    let (events, inbox) = mpsc::channel(EVENTS);
    let cloud = configured.config().instance.cloud;
    let (configured, _) = watch::channel(configured);
    let recent = Recent::default();

    let crew = Crew::new(clock, events.clone(), recent.clone());
    let release = ReleaseDesk::open(
        &dirs.state(),
        clock,
        configured.clone(),
        facts.clone(),
        events.clone(),
        recent.clone(),
        crew.recipe(),
    )?;
    let mut acts = Acts { release, crew, hooks: HookDesk::new(facts.subscribe(), events.clone()) };

    let office = Office { seen: seen.subscribe(), facts: facts.subscribe(), clock, events: events.clone(), recent };
    let mut tasks = Tasks::default();
    tasks.start("health", keep_health(health_listener, configured.subscribe(), seen.subscribe(), facts.clone(), clock));
    tasks.start("control", server::serve(control, office));
    tasks.start("systemd", systemd::notify(seen.subscribe()));
    tasks.start("signals", signals.pass_on(events.clone()));
    if identity::in_cloud(cloud) {
        let imds = Rc::new(Imds::from_env()?);
        tasks.start("notices", notices::watch(Rc::clone(&imds), events.clone()));
        tasks.start("identity", identity::identify(imds, configured, facts, events));
    } else {
        identity::without_cloud(&configured, &events).await;
    }
    info!(
        event = "start",
        version = env!("CARGO_PKG_VERSION"),
        "herdsman {} starts: state in {}, socket {}",
        env!("CARGO_PKG_VERSION"),
        dirs.state().display(),
        socket.display()
    );

    // Before the first decision, and while /health answers already.
    acts.release.clear_up().await?;
    driver::run(life, clock, inbox, &mut acts, &seen).await;
    acts.release.leave_nothing().await;
    tasks.end().await;
    // Only tidiness: the next agent takes the path over anyway.
    let _ = std::fs::remove_file(&socket);
    info!("herdsman leaves");
    Ok(())
}

fn bind_health(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    health::bind(listen).with_context(|| {
        format!("/health cannot listen on {listen} (`health.listen`); is another agent or program there?")
    })
}

/// `/health` moves when user-data says so; where the new address cannot be had, it stays where it is.
async fn keep_health(
    mut listener: TcpListener,
    mut configured: watch::Receiver<Configured>,
    seen: watch::Receiver<Seen>,
    facts: watch::Sender<Facts>,
    clock: Clock,
) {
    let mut listen = configured.borrow_and_update().config().health.listen;
    loop {
        let wanted = async {
            match configured.wait_for(|now| now.config().health.listen != listen).await {
                Ok(now) => now.config().health.listen,
                Err(_) => std::future::pending().await,
            }
        };
        let serving = health::serve(&listener, seen.clone(), clock);
        listen = tokio::select! {
            () = serving => return,
            wanted = wanted => wanted,
        };
        match bind_health(listen) {
            Ok(new) => {
                facts.send_modify(|facts| facts.health = new.local_addr().ok());
                info!("/health moves to {listen}");
                listener = new;
            }
            Err(error) => error!("/health stays where it is: {error:#}"),
        }
    }
}

/// The tasks beside the driver, each with a name. None of them should ever end before the driver does, but for the one that identifies.
#[derive(Default)]
struct Tasks(JoinSet<&'static str>);

impl Tasks {
    fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + 'static) {
        self.0.spawn_local(async move {
            task.await;
            name
        });
    }

    async fn end(mut self) {
        self.0.abort_all();
        while let Some(ended) = self.0.join_next().await {
            if let Err(failure) = ended
                && failure.is_panic()
            {
                error!("a task panicked: {failure}");
            }
        }
    }
}
