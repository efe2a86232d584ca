//! Opening what lies below a directory without ever leaving it, whatever is put in the way meanwhile.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

/// Whether links on the way may be followed (as long as they stay below).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Those that stay below.
    Follow,
    /// None.
    Refuse,
}

/// Opens `path` below `root`.
///
/// The kernel itself keeps the path below (openat2(2), Linux 5.6). Where a container's filter hides that call, the path is walked name by name,
/// and then no link is followed at all (`ELOOP`).
///
/// # Errors
/// `EXDEV` or `ELOOP` for a path that leads out; else the file system's.
pub(super) fn open_beneath(root: impl AsFd, path: &Path, flags: OFlags, links: Links) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH
        | match links {
            Links::Follow => ResolveFlags::NO_MAGICLINKS,
            Links::Refuse => ResolveFlags::NO_SYMLINKS,
        };
    match openat2(root.as_fd(), path, flags, Mode::empty(), resolve) {
        Err(Errno::NOSYS) => walk(root, path, flags),
        opened => Ok(opened?),
    }
}

fn walk(root: impl AsFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here: Option<OwnedFd> = None;
    let mut names = path.components().filter(|part| *part != Component::CurDir).peekable();
    while let Some(part) = names.next() {
        let Component::Normal(name) = part else { return Err(Errno::XDEV.into()) };
        let from = here.as_ref().map_or(root.as_fd(), AsFd::as_fd);
        let flags = if names.peek().is_some() { step } else { flags | OFlags::NOFOLLOW };
        here = Some(openat(from, name, flags, Mode::empty())?);
    }
    match here {
        Some(opened) => Ok(opened),
        None => Ok(openat(root.as_fd(), ".", flags, Mode::empty())?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn without_the_kernels_help_no_link_is_followed_and_nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/c"), "").unwrap();
        symlink("a", dir.path().join("link")).unwrap();
        symlink("b/c", dir.path().join("a/last")).unwrap();
        let root = std::fs::File::open(dir.path()).unwrap();
        let open = |path: &str| walk(&root, Path::new(path), OFlags::RDONLY | OFlags::CLOEXEC);
        for path in ["a/b/c", "./a", ".", "a/./b/c"] {
            assert!(open(path).is_ok(), "{path}");
        }
        for path in ["link/b/c", "a/last", "../x", "a/../a", "/etc/passwd", "absent"] {
            assert!(open(path).is_err(), "{path}");
        }
    }
}
