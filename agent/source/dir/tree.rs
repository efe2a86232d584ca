//! What is in a directory, in an order that is always the same, and the checksum over it.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::source::SourceError;

/// One thing below the root.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// What it is. Modes are permission bits alone: a set-user-id bit does not come along.
#[derive(Debug)]
pub(super) enum Kind {
    Dir {
        mode: u32,
    },
    File {
        mode: u32,
    },
    /// Leads to somewhere in the tree.
    Link {
        target: PathBuf,
    },
}

/// Everything below `root`, a directory before what is in it, without `.git`.
pub(super) fn list(root: &Path, stop: &AtomicBool) -> Result<Vec<Entry>, SourceError> {
    let mut entries = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(dir) = todo.pop() {
        check(stop)?;
        let full = root.join(&dir);
        for entry in std::fs::read_dir(&full).map_err(|e| SourceError::io(&full, e))? {
            let entry = entry.map_err(|e| SourceError::io(&full, e))?;
            if entry.file_name() == OsStr::new(".git") {
                continue;
            }
            let path = dir.join(entry.file_name());
            let meta = entry.metadata().map_err(|e| SourceError::io(&entry.path(), e))?;
            let kind = kind(&entry.path(), &path, &meta)?;
            if matches!(kind, Kind::Dir { .. }) {
                todo.push(path.clone());
            }
            entries.push(Entry { path, kind });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn kind(full: &Path, path: &Path, meta: &Metadata) -> Result<Kind, SourceError> {
    let unfit = |why| SourceError::Unfit { path: full.to_owned(), why };
    let mode = meta.mode() & 0o777;
    if meta.is_dir() {
        Ok(Kind::Dir { mode: mode | 0o700 })
    } else if meta.is_file() {
        Ok(Kind::File { mode: mode | 0o400 })
    } else if meta.is_symlink() {
        let target = std::fs::read_link(full).map_err(|e| SourceError::io(full, e))?;
        if stays_inside(path, &target) {
            Ok(Kind::Link { target })
        } else {
            Err(unfit(
                "this link may lead out of the source directory; make it relative and keep it inside, or remove it",
            ))
        }
    } else {
        Err(unfit("neither a file, a directory nor a link; a release cannot have it"))
    }
}

/// Whether a link at `path` to `target` cannot leave the tree. `..` may only stand at the front, where it climbs up real
/// directories: after a name it could climb up from wherever another link leads.
fn stays_inside(path: &Path, target: &Path) -> bool {
    let depth = path.components().count().saturating_sub(1);
    let ups = target.components().take_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
    let ups = ups.filter(|part| *part == Component::ParentDir).count();
    let rest = target.components().skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
    ups <= depth && rest.into_iter().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// SHA-256 over paths, kinds, modes and contents, in hexadecimal. Every part is preceded by its length.
pub(super) fn checksum(root: &Path, stop: &AtomicBool) -> Result<String, SourceError> {
    let mut sum = Sha256::new();
    for Entry { path, kind } in list(root, stop)? {
        check(stop)?;
        part(&mut sum, path.as_os_str().as_bytes());
        match kind {
            Kind::Dir { mode } => {
                part(&mut sum, b"dir");
                part(&mut sum, &mode.to_be_bytes());
            }
            Kind::Link { target } => {
                part(&mut sum, b"link");
                part(&mut sum, target.as_os_str().as_bytes());
            }
            Kind::File { mode } => {
                part(&mut sum, b"file");
                part(&mut sum, &mode.to_be_bytes());
                part(&mut sum, &contents(&root.join(path), stop)?);
            }
        }
    }
    Ok(hex(&sum.finalize()))
}

fn part(sum: &mut Sha256, bytes: &[u8]) {
    sum.update((bytes.len() as u64).to_be_bytes());
    sum.update(bytes);
}

fn contents(path: &Path, stop: &AtomicBool) -> Result<Vec<u8>, SourceError> {
    let mut file = open(path)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        check(stop)?;
        match file.read(&mut buffer).map_err(|e| SourceError::io(path, e))? {
            0 => return Ok(sum.finalize().to_vec()),
            n => sum.update(&buffer[..n]),
        }
    }
}

/// Opens a file that was listed as one; what has become a link or a pipe since is not followed or waited for.
pub(super) fn open(path: &Path) -> Result<File, SourceError> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|e| SourceError::io(path, e))
}

/// An error as soon as nobody waits for the answer any more.
pub(super) fn check(stop: &AtomicBool) -> Result<(), SourceError> {
    if stop.load(Ordering::Relaxed) {
        let source = std::io::Error::from(std::io::ErrorKind::Interrupted);
        return Err(SourceError::Io { path: PathBuf::new(), source });
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_cannot_leave_the_tree_are_let_in() {
        let inside = |path: &str, target: &str| stays_inside(Path::new(path), Path::new(target));
        assert!(inside("a", "b/c"));
        assert!(inside("a/b", "../c"));
        assert!(inside("node_modules/.bin/x", "../x/bin.js"));
        assert!(inside("a/b", "./../c"));
        assert!(!inside("a", "../c"));
        assert!(!inside("a", "/etc/passwd"));
        assert!(!inside("a/b", "../../c"));
        assert!(!inside("a/b/c", "d/../e"), "d may be a link to elsewhere");
    }
}
