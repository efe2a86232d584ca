//! Whether there is room for another release at all, asked before a download fills the disk of running workers.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::error::{StoreError, failed};

/// The least free space for anything worth deploying.
const BYTES: u64 = 64 << 20;
/// The least free inodes; the dependencies of a small Node.js program alone are some thousand files.
const INODES: u64 = 2000;

/// Whether the disk of `dir` has room for a release.
pub(super) fn check(dir: &Path) -> Result<(), StoreError> {
    let disk = statvfs(dir).map_err(|errno| failed("ask for the free space of", dir)(errno.into()))?;
    let bytes = disk.blocks_available().saturating_mul(disk.fragment_size());
    let inodes = disk.files_available();
    let no_room = |free| Err(StoreError::NoRoom { dir: dir.to_owned(), free });
    if bytes < BYTES {
        return no_room(format!("{} MiB left, {} needed", bytes >> 20, BYTES >> 20));
    }
    // File systems without a fixed number of inodes say 0 of 0.
    if disk.files() > 0 && inodes < INODES {
        return no_room(format!("{inodes} inodes left, {INODES} needed"));
    }
    Ok(())
}
