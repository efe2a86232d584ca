//! Carries out what was decided about releases: resolve and fetch, build, activate. One piece of work at a time; a new one replaces the old.

mod making;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::making::Desk;
use super::store::{Store, StoreError};
use crate::act::workers::recipe::RecipeCell;
use crate::clock::Clock;
use crate::configured::Configured;
use crate::decide::event::Event;
use crate::decide::ids::ReleaseId;
use crate::facts::Facts;
use crate::process::Herd;
use crate::recent::Recent;
use crate::words::chain;

/// So many releases are kept, besides the current one and the last that served.
const KEEP: usize = 3;

/// The desk at which releases are made.
#[derive(Debug)]
pub struct ReleaseDesk {
    desk: Desk,
    events: mpsc::Sender<Event>,
    work: JoinSet<()>,
}

impl ReleaseDesk {
    /// Takes the store of releases; [`ReleaseDesk::clear_up`] is to follow.
    ///
    /// # Errors
    /// When another agent has it, or the file system refuses.
    pub fn open(
        state: &Path,
        clock: Clock,
        configured: watch::Sender<Configured>,
        facts: watch::Sender<Facts>,
        events: mpsc::Sender<Event>,
        recent: Recent,
        recipe: RecipeCell,
    ) -> Result<Self, StoreError> {
        let store = Arc::new(Store::lock(state)?);
        let state = state.to_owned();
        let herd = Herd::of(&state);
        let herd = herd.map_err(|source| StoreError::Io { what: "look at", path: state.clone(), source })?;
        let desk = Desk { state, store, herd, clock, configured, facts, recipe, recent, fetched: Arc::default() };
        Ok(Self { desk, events, work: JoinSet::new() })
    }

    /// Ends what an agent that died has left running, and then clears away what it has left half done: a build that still ran would
    /// go on writing there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub async fn clear_up(&self) -> Result<(), StoreError> {
        self.desk.herd.end_what_is_left().await;
        let store = Arc::clone(&self.desk.store);
        // Trees of files: not for the thread that answers /health. A panic there has been told already.
        tokio::task::spawn_blocking(move || store.repair()).await.unwrap_or(Ok(()))
    }

    /// Kills whatever still runs for this state directory; to be called when the agent leaves.
    pub async fn leave_nothing(&mut self) {
        self.work.abort_all();
        while self.work.join_next().await.is_some() {}
        self.desk.herd.kill_what_is_left().await;
    }

    /// Resolves the source and fetches what it holds.
    pub fn fetch(&mut self) {
        let desk = self.desk.clone();
        self.begin(async move {
            match desk.fetch().await {
                Ok(release) => Event::Fetched { release },
                Err(failure) => Event::FetchFailed { why: failure.why, transient: failure.transient },
            }
        });
    }

    /// Builds what was fetched, and makes it the current release.
    pub fn build(&mut self, release: ReleaseId) {
        let desk = self.desk.clone();
        self.begin(async move {
            match desk.build(&release).await {
                Ok(settings) => Event::Built { release, settings },
                Err(why) => Event::BuildFailed { why },
            }
        });
    }

    /// Gives up what is under way; what runs for it is killed with it.
    pub fn abandon(&mut self) {
        self.work.abort_all();
    }

    /// Notes that the release has served, and clears old ones away.
    pub fn mark_good(&mut self, release: ReleaseId) {
        let store = Arc::clone(&self.desk.store);
        self.work.spawn_blocking(move || {
            let tidy = store.mark_good(&release).and_then(|_| store.prune(KEEP));
            match tidy {
                Ok(gone) if gone.is_empty() => {}
                Ok(gone) => info!("{} old release(s) removed", gone.len()),
                Err(error) => warn!("old releases could not be cleared away: {}", chain(&error)),
            }
        });
    }

    fn begin(&mut self, work: impl Future<Output = Event> + 'static) {
        self.work.abort_all();
        while self.work.try_join_next().is_some() {}
        let events = self.events.clone();
        self.work.spawn_local(async move {
            // The driver's end is closed only when everything is.
            let _ = events.send(work.await).await;
        });
    }
}
