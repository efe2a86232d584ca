//! A directory of this machine as a source: its revision is a checksum over all of it, and a release is a copy.
//!
//! `.git` is left out at every level. Links that lead out of the directory, sockets, pipes and devices are refused.

mod copy;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::SourceError;
use super::bounded::{Late, bounded};
use crate::decide::ids::Revision;

/// The checksum of the directory as it is now.
pub(super) async fn resolve(path: &Path, subdir: Option<&Path>, within: Duration) -> Result<Revision, SourceError> {
    let (path, subdir) = (path.to_owned(), subdir.map(PathBuf::from));
    let what = format!("reading {}", path.display());
    bounded(&what, within, Late::Await, move |stop| {
        let root = root(&path, subdir.as_deref())?;
        Ok(Revision::new(tree::checksum(&root, stop)?))
    })
    .await
}

/// Copies the directory into the empty directory `into`, which then has the checksum `revision`.
pub(super) async fn fetch(
    path: &Path,
    subdir: Option<&Path>,
    revision: &Revision,
    into: &Path,
    within: Duration,
) -> Result<(), SourceError> {
    let (path, subdir, into) = (path.to_owned(), subdir.map(PathBuf::from), into.to_owned());
    let wanted = revision.as_str().to_owned();
    let what = format!("copying {}", path.display());
    bounded(&what, within, Late::Await, move |stop| {
        let root = root(&path, subdir.as_deref())?;
        // Twice: a file may have been written just then. A source that never rests is told to whoever deploys.
        if copied(&root, &into, &wanted, stop)? {
            return Ok(());
        }
        copy::clear(&into)?;
        if copied(&root, &into, &wanted, stop)? { Ok(()) } else { Err(SourceError::Changing { dir: root }) }
    })
    .await
}

/// Whether the copy has the checksum that was asked for.
fn copied(root: &Path, into: &Path, wanted: &str, stop: &AtomicBool) -> Result<bool, SourceError> {
    match copy::copy(root, into, stop) {
        Ok(()) => Ok(tree::checksum(into, stop)? == wanted),
        // A file that was listed a moment ago and is gone is a change like any other.
        Err(SourceError::Io { source, path })
            if source.kind() == std::io::ErrorKind::NotFound && path.starts_with(root) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn root(path: &Path, subdir: Option<&Path>) -> Result<PathBuf, SourceError> {
    let top = path.canonicalize().map_err(|e| SourceError::io(path, e))?;
    let Some(subdir) = subdir else { return Ok(top) };
    let root = top.join(subdir);
    if root.is_dir() {
        return Ok(root);
    }
    let mut there: Vec<String> = std::fs::read_dir(&top)
        .map_err(|e| SourceError::io(&top, e))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != ".git")
        .collect();
    there.sort();
    there.truncate(20);
    Err(SourceError::NoSubdir { subdir: subdir.to_owned(), from: path.display().to_string(), there })
}
