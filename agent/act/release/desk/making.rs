//! How a release is made: resolve and fetch, build, activate. What is waited for here may be given up at any await.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::act::release::build::build;
use crate::act::release::owner::{self, Owner};
use crate::act::release::recipe::recipe;
use crate::act::release::runner::{self, Runner};
use crate::act::release::store::{Draft, Prepared, Release, Store};
use crate::act::workers::recipe::RecipeCell;
use crate::clock::Clock;
use crate::config::{Config, Layer};
use crate::configured::Configured;
use crate::decide::event::Settings;
use crate::decide::ids::ReleaseId;
use crate::facts::{Facts, ReleaseFacts};
use crate::process::{Account, AccountError, Herd};
use crate::recent::Recent;
use crate::source::{self, SourceError};
use crate::words::chain;

/// What the desk shares with its work.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) state: PathBuf,
    pub(super) store: Arc<Store>,
    pub(super) herd: Herd,
    pub(super) clock: Clock,
    pub(super) configured: watch::Sender<Configured>,
    pub(super) facts: watch::Sender<Facts>,
    pub(super) recipe: RecipeCell,
    pub(super) recent: Recent,
    /// What was fetched and waits to be built.
    pub(super) fetched: Arc<Mutex<Option<Prepared>>>,
}

/// Why there is no release, and whether trying again may help.
pub(super) struct Failure {
    pub(super) why: String,
    pub(super) transient: bool,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self { why: chain(&error), transient: error.is_transient() }
    }
}

/// Everything but the network is this machine's own: trying again changes nothing until somebody has mended it.
fn lasting(error: &dyn std::error::Error) -> Failure {
    Failure { why: chain(error), transient: false }
}

impl Desk {
    pub(super) async fn fetch(&self) -> Result<ReleaseId, Failure> {
        let config = self.configured.borrow().config().clone();
        let Some(source) = &config.source else {
            return Err(Failure { why: "no source is configured".to_owned(), transient: false });
        };
        let account = self.account(&config).map_err(|error| lasting(&error))?;
        let cache = self.state.join("sources");
        tokio::fs::create_dir_all(&cache).await.map_err(|error| lasting(&error))?;
        let name = source::public_name(source);
        let started = self.clock.uptime();
        let revision = source::resolve(source, &cache, source.deadline).await?;
        let (of, from, key) = (revision.clone(), name.clone(), build_key(&config, account.as_ref()));
        let prepared = self.in_store(move |store| store.prepare(&of, &from, &key)).await;
        let prepared = prepared.map_err(|error| lasting(&error))?.map_err(|error| lasting(&error))?;
        let (prepared, id) = match prepared {
            Prepared::Whole(release) => {
                info!(event = "fetched", release = %release.id, revision = %revision, source = name, "release {} of {name} is there already", release.id);
                let id = release.id.clone();
                (Prepared::Whole(release), id)
            }
            Prepared::Empty(mut draft) => {
                source::fetch(source, &revision, &cache, draft.dir(), source.deadline).await?;
                if let Some(account) = account {
                    let (dir, owner) = (draft.dir().to_owned(), owner_of(&account));
                    let given = tokio::task::spawn_blocking(move || owner::give(&dir, &owner)).await;
                    given.map_err(|error| lasting(&error))?.map_err(|error| lasting(&error))?;
                }
                draft.fetched();
                let took = self.clock.uptime().since(started).as_millis();
                info!(event = "fetched", release = %draft.id(), revision = %revision, source = name, took_ms = took, "release {} of {name} fetched in {took} ms", draft.id());
                let id = draft.id().clone();
                (Prepared::Empty(draft), id)
            }
        };
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner) = Some(prepared);
        Ok(id)
    }

    pub(super) async fn build(&self, id: &ReleaseId) -> Result<Settings, String> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (dir, draft) = match fetched {
            Some(Prepared::Whole(release)) => (release.dir, None),
            Some(Prepared::Empty(draft)) => (draft.dir().to_owned(), Some(draft)),
            None => return Err(format!("release {id} is not there any more")),
        };
        let outcome = self.make_ready(&dir, draft).await;
        outcome.inspect_err(|_| self.recipe.send_replace(None).map_or((), drop))
    }

    /// The app's own file joins the configuration; then the build, the start command, and only when all is well the switch.
    async fn make_ready(&self, dir: &Path, draft: Option<Draft>) -> Result<Settings, String> {
        let app = Layer::app(dir).map_err(|problems| problems.to_string())?;
        let configured = self.configured.borrow().with(app).map_err(|problems| problems.to_string())?;
        let config = configured.config();
        let account = self.account(config).map_err(|error| chain(&error))?;
        let owner = account.as_ref().map(owner_of);
        let release = match draft {
            None => None,
            Some(draft) => Some(self.build_draft(draft, config, account.as_ref(), owner.as_ref()).await?),
        };
        let id = release.as_ref().map(|release: &Release| release.id.clone()).or_else(|| id_of(dir));
        let id = id.ok_or_else(|| format!("{} is no release", dir.display()))?;
        let made = recipe(&id, dir, config, configured.settings().workers, account, owner.as_ref(), &self.herd)?;
        let chosen = id.clone();
        let activated = self.in_store(move |store| store.activate(&chosen)).await.map_err(|error| chain(&error))?;
        let release = activated.map_err(|error| chain(&error))?;
        info!(event = "active", release = %id, command = made.command(), "release {id} is active, its command is {}", made.command());
        self.facts.send_modify(|facts| {
            facts.command = Some(made.command());
            facts.port = Some(config.app.port.get());
            facts.release = Some(ReleaseFacts {
                id: release.id,
                revision: release.revision,
                source: release.source,
                activated_at: self.clock.wall(self.clock.uptime()),
            });
        });
        self.recipe.send_replace(Some(Rc::new(made)));
        Ok(configured.settings())
    }

    async fn build_draft(
        &self,
        draft: Draft,
        config: &Config,
        account: Option<&Account>,
        owner: Option<&Owner>,
    ) -> Result<Release, String> {
        let started = self.clock.uptime();
        let recent = self.recent.clone();
        let mut on_line = move |line: &str| runner::show(&recent, line);
        let runner = Runner::new(account.cloned(), self.herd.clone());
        let built = build(&runner, draft.dir(), &config.build, owner, &config.app.env, &mut on_line).await;
        if let Err(error) = built {
            let discarded = self.in_store(move |store| store.discard(draft)).await;
            if let Ok(Err(error)) = discarded {
                warn!("what is left of the failed build stays on the disk: {}", chain(&error));
            }
            return Err(format!("the build failed: {}", chain(&error)));
        }
        let sealed = self.in_store(move |store| store.seal(draft)).await.map_err(|error| chain(&error))?;
        let release = sealed.map_err(|error| chain(&error))?;
        let took = self.clock.uptime().since(started).as_millis();
        info!(event = "built", release = %release.id, took_ms = took, "release {} built in {took} ms", release.id);
        Ok(release)
    }

    /// The store waits for the disk, and a disk that is busy with a build takes its time: `/health` must not wait for it.
    async fn in_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || work(&store)).await
    }

    fn account(&self, config: &Config) -> Result<Option<Account>, AccountError> {
        Account::for_app(config.app.user.as_deref(), &self.state)
    }
}

fn owner_of(account: &Account) -> Owner {
    Owner {
        uid: account.uid.as_raw(),
        gid: account.gid.as_raw(),
        name: account.name.clone(),
        home: account.home.clone(),
        shell: account.shell.clone(),
    }
}

fn id_of(dir: &Path) -> Option<ReleaseId> {
    dir.file_name().and_then(|name| name.to_str()).map(ReleaseId::new)
}

/// The same files built in another way, or for another account, are another release.
fn build_key(config: &Config, account: Option<&Account>) -> String {
    let account = account.map(|account| account.name.as_str()).unwrap_or_default();
    // A hash: the key is written down, and the environment may hold secrets.
    let digest = Sha256::digest(format!("{:?}\0{account}\0{:?}", config.build.run, config.app.env));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
