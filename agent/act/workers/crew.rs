//! All slots: starts their tasks, passes wishes on. Each task owns its own worker.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::output::Outlet;
use super::recipe::RecipeCell;
use super::slot::{self, SlotTask};
use crate::clock::Clock;
use crate::config::Share;
use crate::decide::event::Event;
use crate::decide::ids::Slot;
use crate::ports::{self, PortKeeper};
use crate::process::Cgroups;
use crate::recent::Recent;

/// What is wished of every slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Keep a worker there.
    Run,
    /// Let it end, and kill what is left by then.
    Stop {
        /// By this moment.
        by: tokio::time::Instant,
    },
}

/// The slots' tasks.
#[derive(Debug)]
pub struct Crew {
    clock: Clock,
    events: mpsc::Sender<Event>,
    recent: Recent,
    recipe: RecipeCell,
    cgroups: Option<Rc<Cgroups>>,
    wish: watch::Sender<Wish>,
    slots: JoinSet<()>,
}

impl Crew {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: Clock, events: mpsc::Sender<Event>, recent: Recent) -> Self {
        let (recipe, _) = watch::channel(None);
        let (wish, _) = watch::channel(Wish::Run);
        let cgroups = Cgroups::detect().map(Rc::new);
        Self { clock, events, recent, recipe, cgroups, wish, slots: JoinSet::new() }
    }

    /// Where the recipe is to be laid down before [`Crew::start`].
    #[must_use]
    pub fn recipe(&self) -> RecipeCell {
        self.recipe.clone()
    }

    /// Starts one task a slot; does nothing when they are there already.
    pub fn start(&mut self) {
        let Some(recipe) = self.recipe.borrow().clone() else { return };
        if !self.slots.is_empty() {
            return;
        }
        if let Err(error) = ports::let_connections_move() {
            info!(
                "net.ipv4.tcp_migrate_req stays as it is ({error}): connections that wait for a worker in a crash loop are reset"
            );
        }
        let shared = PortKeeper::new(recipe.port);
        info!(event = "workers", workers = recipe.count, port = recipe.port, command = recipe.command(), share = ?recipe.share, "starting {} worker(s) on port {}: {}", recipe.count, recipe.port, recipe.command());
        for n in 0..recipe.count {
            let slot = Slot(n);
            let keeper = match recipe.share {
                Share::Ports => PortKeeper::new(recipe.port_of(slot)),
                Share::Transparent | Share::SocketActivation | Share::None => shared.clone(),
            };
            let task = SlotTask {
                slot,
                recipe: Rc::clone(&recipe),
                keeper,
                cgroups: self.cgroups.clone(),
                clock: self.clock,
                events: self.events.clone(),
                outlet: Outlet::new(slot, self.recent.clone()),
                wish: self.wish.subscribe(),
            };
            self.slots.spawn_local(slot::run(task));
        }
    }

    /// Asks every worker to end within this time.
    pub fn stop(&mut self, within: Duration) {
        if within.is_zero() {
            warn!("killing the workers at once");
        }
        let by = tokio::time::Instant::now() + within;
        self.wish.send_replace(Wish::Stop { by });
    }
}
