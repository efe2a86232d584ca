//! What can go wrong in the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::decide::ids::ReleaseId;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("failed to {what} {}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another agent works on the same directory.
    #[error("{} is in use by another herdsman; only one may manage releases at a time", .dir.display())]
    InUse {
        /// The state directory.
        dir: PathBuf,
    },
    /// Not enough disk for another release.
    #[error("the disk of {} is too full for a release ({free}); free some or give the instance a larger volume", .dir.display())]
    NoRoom {
        /// The directory of releases.
        dir: PathBuf,
        /// What is left and what is needed.
        free: String,
    },
    /// No whole release has this id.
    #[error("there is no release {id}")]
    NoRelease {
        /// What was asked for.
        id: ReleaseId,
    },
}

/// Says what was tried, and on what.
pub(super) fn failed<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { what, path: path.to_owned(), source }
}
