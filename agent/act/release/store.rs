//! The directories that releases live in, and the two links that say which one counts.
//!
//! ```text
//! STATE/releases/ID/        the files of one release, never changed once it has been activated
//! STATE/releases/ID.json    written last: the release is whole if and only if this is there
//! STATE/current             → releases/ID, the release that workers are started from
//! STATE/last-good           → releases/ID, the last release that has served
//! ```
//! Every change ends with one rename, so a crash at any moment leaves the old or the new; [`Store::open`] clears away what
//! a crash has left half done. All calls block on the disk: call them where that is allowed.

mod atomic;
mod error;
mod metadata;
mod room;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::fcntl::{Flock, FlockArg};

pub use self::error::StoreError;
use self::error::failed;
pub use self::metadata::Release;
use crate::decide::ids::{ReleaseId, Revision};

const CURRENT: &str = "current";
const LAST_GOOD: &str = "last-good";

/// What [`Store::prepare`] found or made.
#[derive(Debug)]
pub enum Prepared {
    /// This very revision is there, fetched and built: nothing is to be done.
    Whole(Release),
    /// An empty directory, to be filled, built and then sealed.
    Empty(Draft),
}

/// A release in the making.
#[derive(Debug)]
pub struct Draft {
    id: ReleaseId,
    dir: PathBuf,
    revision: Revision,
    source: String,
    build_key: String,
    fetched_at: Option<SystemTime>,
}

impl Draft {
    /// The id it will have.
    pub fn id(&self) -> &ReleaseId {
        &self.id
    }

    /// Where its files go; also the path they will have for good.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Notes that the files are all there.
    pub fn fetched(&mut self) {
        self.fetched_at = Some(metadata::today());
    }
}

/// The releases of one state directory; it belongs to this value until it is dropped.
#[derive(Debug)]
pub struct Store {
    state: PathBuf,
    releases: PathBuf,
    _lock: Flock<std::fs::File>,
}

impl Store {
    /// Opens the store below `state` (made if it is not there) and clears away what a crash has left.
    ///
    /// # Errors
    /// As [`Store::lock`] and [`Store::repair`].
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let store = Self::lock(state)?;
        store.repair()?;
        Ok(store)
    }

    /// Takes the store below `state` (made if it is not there) as it is. [`Store::repair`] is to follow, once nobody writes there.
    ///
    /// # Errors
    /// [`StoreError::InUse`], or the file system's.
    pub fn lock(state: &Path) -> Result<Self, StoreError> {
        let releases = state.join("releases");
        std::fs::create_dir_all(&releases).map_err(failed("make", &releases))?;
        let state = state.canonicalize().map_err(failed("find", state))?;
        let releases = state.join("releases");
        for dir in [&state, &releases] {
            let open = Permissions::from_mode(0o755);
            std::fs::set_permissions(dir, open).map_err(failed("set the mode of", dir))?;
        }
        let file = std::fs::File::open(&releases).map_err(failed("open", &releases))?;
        let lock =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| StoreError::InUse { dir: state.clone() })?;
        Ok(Self { state, releases, _lock: lock })
    }

    /// The directory for `revision` of `source` built as `build_key` says: whole already, or new and empty.
    ///
    /// `source` is told to people and compared, so it must be without secrets; `build_key` is any text that changes when
    /// the same files would have to be built in another way.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], or the file system's.
    pub fn prepare(&self, revision: &Revision, source: &str, build_key: &str) -> Result<Prepared, StoreError> {
        let mut free = None;
        for id in metadata::names(revision, source, build_key) {
            match self.load(&id) {
                Some(release) if release.is(revision, source, build_key) => {
                    return Ok(Prepared::Whole(release));
                }
                Some(_) => {}
                None => {
                    free = Some(id);
                    break;
                }
            }
        }
        let id = free.expect("the last name is a hash of the three and cannot belong to others");
        let dir = self.releases.join(id.as_str());
        remove(&dir)?;
        room::check(&self.releases)?;
        std::fs::create_dir(&dir).map_err(failed("make", &dir))?;
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).map_err(failed("set the mode of", &dir))?;
        Ok(Prepared::Empty(Draft {
            id,
            dir,
            revision: revision.clone(),
            source: source.to_owned(),
            build_key: build_key.to_owned(),
            fetched_at: None,
        }))
    }

    /// Makes the draft a release: its files reach the disk first, then the metadata that says so.
    ///
    /// # Errors
    /// The file system's.
    pub fn seal(&self, draft: Draft) -> Result<Release, StoreError> {
        atomic::sync_filesystem(&draft.dir)?;
        let release = Release::sealed(draft);
        atomic::write_file(&self.releases, &metadata::file_name(&release.id), &release.to_json())?;
        Ok(release)
    }

    /// Throws a draft away, whatever is in it.
    ///
    /// # Errors
    /// The file system's.
    pub fn discard(&self, draft: Draft) -> Result<(), StoreError> {
        remove(&draft.dir)
    }

    /// Makes `id` the current release, in one step.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`], or the file system's.
    pub fn activate(&self, id: &ReleaseId) -> Result<Release, StoreError> {
        self.point(CURRENT, id)
    }

    /// Notes that `id` has served.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`], or the file system's.
    pub fn mark_good(&self, id: &ReleaseId) -> Result<Release, StoreError> {
        self.point(LAST_GOOD, id)
    }

    /// The release that workers are started from.
    pub fn current(&self) -> Option<Release> {
        self.follow(CURRENT)
    }

    /// The last release that has served.
    pub fn last_good(&self) -> Option<Release> {
        self.follow(LAST_GOOD)
    }

    /// All whole releases, the newest first.
    ///
    /// # Errors
    /// The file system's.
    pub fn releases(&self) -> Result<Vec<Release>, StoreError> {
        let names = list(&self.releases)?;
        let ids = names.iter().filter_map(|name| name.strip_suffix(".json"));
        let mut all: Vec<Release> = ids.filter_map(|id| self.load(&ReleaseId::new(id))).collect();
        all.sort_by(|a, b| b.built_at.cmp(&a.built_at).then_with(|| a.id.cmp(&b.id)));
        Ok(all)
    }

    /// Removes all but the newest `keep` releases; the current and the last good one stay in any case. The removed ones.
    ///
    /// # Errors
    /// The file system's.
    pub fn prune(&self, keep: usize) -> Result<Vec<ReleaseId>, StoreError> {
        let held: BTreeSet<ReleaseId> =
            [self.current(), self.last_good()].into_iter().flatten().map(|r| r.id).collect();
        let old = self.releases()?.into_iter().skip(keep).map(|release| release.id);
        let old: Vec<ReleaseId> = old.filter(|id| !held.contains(id)).collect();
        for id in &old {
            // The metadata first: what is left after a crash is then half, and goes with the next start.
            let json = self.releases.join(metadata::file_name(id));
            std::fs::remove_file(&json).map_err(failed("remove", &json))?;
            atomic::sync_dir(&self.releases)?;
            remove(&self.releases.join(id.as_str()))?;
        }
        Ok(old)
    }

    fn point(&self, link: &str, id: &ReleaseId) -> Result<Release, StoreError> {
        let release = self.load(id).ok_or_else(|| StoreError::NoRelease { id: id.clone() })?;
        atomic::point(&self.state, link, &Path::new("releases").join(id.as_str()))?;
        Ok(release)
    }

    fn follow(&self, link: &str) -> Option<Release> {
        let target = std::fs::read_link(self.state.join(link)).ok()?;
        self.load(&ReleaseId::new(target.strip_prefix("releases").ok()?.to_str()?))
    }

    fn load(&self, id: &ReleaseId) -> Option<Release> {
        Release::load(&self.releases, id)
    }

    /// Clears away what a crash has left half done.
    ///
    /// # Errors
    /// The file system's.
    pub fn repair(&self) -> Result<(), StoreError> {
        for name in list(&self.releases)? {
            let path = self.releases.join(&name);
            let whole = self.load(&ReleaseId::new(name.strip_suffix(".json").unwrap_or(&name))).is_some();
            if !whole {
                tracing::info!("removing {}, a release that was never finished", path.display());
                remove(&path)?;
            }
        }
        for link in [CURRENT, LAST_GOOD] {
            remove(&self.state.join(atomic::temporary(link)))?;
            let path = self.state.join(link);
            if path.is_symlink() && self.follow(link).is_none() {
                tracing::warn!("the link {link} leads to no whole release; removing it");
                remove(&path)?;
            }
        }
        Ok(())
    }
}

fn list(dir: &Path) -> Result<Vec<String>, StoreError> {
    let entries = std::fs::read_dir(dir).map_err(failed("list", dir))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Removes a file, a link or a whole directory; that nothing is there is as good.
fn remove(path: &Path) -> Result<(), StoreError> {
    let gone = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
