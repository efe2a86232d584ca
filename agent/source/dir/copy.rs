//! Copying a tree into an empty directory, file contents by the kernel where it can (`copy_file_range`, reflinks).

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::tree::{Kind, check, list, open};
use crate::source::SourceError;

/// Copies everything that [`list`] finds. The list is made first, so a copy into a directory below `root` ends.
pub(super) fn copy(root: &Path, into: &Path, stop: &AtomicBool) -> Result<(), SourceError> {
    for entry in list(root, stop)? {
        check(stop)?;
        let to = into.join(&entry.path);
        let at = |e| SourceError::io(&to, e);
        match entry.kind {
            Kind::Dir { mode } => {
                std::fs::create_dir(&to).map_err(at)?;
                std::fs::set_permissions(&to, Permissions::from_mode(mode)).map_err(at)?;
            }
            Kind::Link { target } => std::os::unix::fs::symlink(target, &to).map_err(at)?,
            Kind::File { mode } => {
                let mut from = open(&root.join(&entry.path))?;
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(at)?;
                std::io::copy(&mut from, &mut file).map_err(at)?;
                file.set_permissions(Permissions::from_mode(mode)).map_err(at)?;
            }
        }
    }
    Ok(())
}

/// Empties a directory.
pub(super) fn clear(dir: &Path) -> Result<(), SourceError> {
    for entry in std::fs::read_dir(dir).map_err(|e| SourceError::io(dir, e))? {
        let entry = entry.map_err(|e| SourceError::io(dir, e))?;
        let is_dir = entry.file_type().map_err(|e| SourceError::io(&entry.path(), e))?.is_dir();
        let gone = if is_dir { std::fs::remove_dir_all(entry.path()) } else { std::fs::remove_file(entry.path()) };
        gone.map_err(|e| SourceError::io(&entry.path(), e))?;
    }
    Ok(())
}
