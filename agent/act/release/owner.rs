//! The account that a release belongs to, and handing a whole tree over to it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, openat, statat};

use super::beneath::{Links, open_beneath};

/// The account that builds and runs a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its user id.
    pub uid: u32,
    /// Its primary group id.
    pub gid: u32,
    /// Its name.
    pub name: String,
    /// Its home directory.
    pub home: PathBuf,
    /// Its login shell.
    pub shell: PathBuf,
}

/// A file of a release that could not be handed over.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be given to user {uid}", .path.display())]
pub struct GiveError {
    /// The file.
    pub path: PathBuf,
    /// The account's user id.
    pub uid: u32,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Makes everything in `dir`, and `dir` itself, belong to `owner`. Links are handed over themselves; none is followed, not
/// even one that someone puts in the way meanwhile: all happens relative to the open directory. Blocks on the disk.
///
/// # Errors
/// The first file that could not be handed over.
pub fn give(dir: &Path, owner: &Owner) -> Result<(), GiveError> {
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    let at = |path: PathBuf| move |errno: rustix::io::Errno| GiveError { path, uid: owner.uid, source: errno.into() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = openat(CWD, dir, flags, Mode::empty()).map_err(at(dir.to_owned()))?;
    let mut todo = vec![PathBuf::from(".")];
    while let Some(below) = todo.pop() {
        let here = dir.join(&below);
        let open = open_beneath(&root, &below, flags, Links::Refuse);
        let open = open.map_err(|source| GiveError { path: here.clone(), uid: owner.uid, source })?;
        for entry in Dir::read_from(&open).map_err(at(here.clone()))? {
            let entry = entry.map_err(at(here.clone()))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let path = below.join(os(name));
            chownat(&open, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).map_err(at(dir.join(&path)))?;
            // Some file systems do not say what an entry is.
            let is_dir = match entry.file_type() {
                FileType::Unknown => {
                    let stat = statat(&open, name, AtFlags::SYMLINK_NOFOLLOW).map_err(at(dir.join(&path)))?;
                    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                }
                known => known == FileType::Directory,
            };
            if is_dir {
                todo.push(path);
            }
        }
    }
    rustix::fs::fchown(&root, Some(uid), Some(gid)).map_err(at(dir.to_owned()))
}

fn os(name: &std::ffi::CStr) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(name.to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn a_tree_is_handed_over_and_what_its_links_lead_to_is_not() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "").unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "").unwrap();
        symlink(outside.path(), dir.path().join("a/out")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("a/b/out")).unwrap();
        let owner = Owner { uid: 4321, gid: 4322, name: "app".into(), home: "/".into(), shell: "/bin/sh".into() };
        give(dir.path(), &owner).unwrap();
        for path in ["", "a", "a/b", "a/b/file", "a/out", "a/b/out"] {
            let meta = dir.path().join(path).symlink_metadata().unwrap();
            assert_eq!((meta.uid(), meta.gid()), (4321, 4322), "{path}");
        }
        assert_eq!(outside.path().metadata().unwrap().uid(), 0);
        assert_eq!(outside.path().join("secret").metadata().unwrap().uid(), 0);
    }
}
