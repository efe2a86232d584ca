//! Files and links that change in one step and stay changed: write, fsync, rename, fsync of the directory.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::error::{StoreError, failed};
use super::remove;

/// The name a file or link has until it is finished.
pub(super) fn temporary(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Replaces the file `name` in `dir`.
pub(super) fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let draft = dir.join(temporary(name));
    let mut file = File::create(&draft).map_err(failed("write", &draft))?;
    file.write_all(bytes).map_err(failed("write", &draft))?;
    file.sync_all().map_err(failed("sync", &draft))?;
    rename(dir, &draft, name)
}

/// Makes the link `name` in `dir` lead to `target`.
pub(super) fn point(dir: &Path, name: &str, target: &Path) -> Result<(), StoreError> {
    let draft = dir.join(temporary(name));
    remove(&draft)?;
    std::os::unix::fs::symlink(target, &draft).map_err(failed("make the link", &draft))?;
    rename(dir, &draft, name)
}

fn rename(dir: &Path, draft: &Path, name: &str) -> Result<(), StoreError> {
    let path = dir.join(name);
    std::fs::rename(draft, &path).map_err(failed("replace", &path))?;
    sync_dir(dir)
}

/// Makes renames and removals in `dir` last.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    let file = File::open(dir).map_err(failed("open", dir))?;
    file.sync_all().map_err(failed("sync", dir))
}

/// Brings everything written so far to the disk of `dir`: thousands of small files, at the price of one call.
pub(super) fn sync_filesystem(dir: &Path) -> Result<(), StoreError> {
    let file = File::open(dir).map_err(failed("open", dir))?;
    rustix::fs::syncfs(&file).map_err(|error| failed("sync", dir)(error.into()))
}
