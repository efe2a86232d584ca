//! Scratch repositories: one a call, below the cache directory, gone with the value that stands for it.

use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::source::SourceError;

const PREFIX: &str = "git-";

/// A bare, empty repository of our own; dropped, it is removed.
///
/// The lock on its directory tells others that it is in use: what an agent that died has left is removed by the next call.
#[derive(Debug)]
pub(super) struct Scratch {
    dir: PathBuf,
    _lock: Flock<std::fs::File>,
}

impl Scratch {
    pub(super) fn create(cache: &Path) -> Result<Self, SourceError> {
        std::fs::create_dir_all(cache).map_err(|e| SourceError::io(cache, e))?;
        sweep(cache);
        let dir = cache.join(format!("{PREFIX}{}-{:016x}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir(&dir).map_err(|e| SourceError::io(&dir, e))?;
        match lock(&dir) {
            Some(lock) => Ok(Self { dir, _lock: lock }),
            None => Err(SourceError::io(&dir, std::io::Error::from(std::io::ErrorKind::ResourceBusy))),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the `ssh` program writes its own words.
    pub(super) fn ssh_log(&self) -> PathBuf {
        self.dir.join("ssh.log")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.dir) {
            tracing::warn!(dir = %self.dir.display(), %error, "the scratch repository {} could not be removed: {error}", self.dir.display());
        }
    }
}

/// Removes what was left behind; that a leftover stays is no reason not to go on.
fn sweep(cache: &Path) {
    let Ok(entries) = std::fs::read_dir(cache) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Some(_held) = lock(&entry.path())
        {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn lock(dir: &Path) -> Option<Flock<std::fs::File>> {
    let file = std::fs::File::open(dir).ok()?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_repository_in_use_stays_and_a_leftover_goes() {
        let cache = tempfile::tempdir().unwrap();
        let leftover = cache.path().join("git-1-dead");
        std::fs::create_dir(&leftover).unwrap();
        let first = Scratch::create(cache.path()).unwrap();
        let second = Scratch::create(cache.path()).unwrap();
        assert!(!leftover.exists());
        assert!(first.dir().exists() && second.dir().exists());
        drop((first, second));
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
