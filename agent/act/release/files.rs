//! Looking into a release without leaving it: its files were written by others, and we may be root.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::beneath::{Links, open_beneath};

/// The most of a file that is read; a `package.json` or `Procfile` is far smaller.
const LIMIT: u64 = 4 << 20;

/// A file of the release that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to read {}", .path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// The directory of one release.
#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
    root: OwnedFd,
}

impl Files {
    /// Opens the release in `dir`.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, dir, flags, Mode::empty()) {
            Ok(root) => Ok(Self { dir: dir.to_owned(), root }),
            Err(errno) => Err(ReadError { path: dir.to_owned(), source: errno.into() }),
        }
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The names at its top level.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn names(&self) -> Result<BTreeSet<String>, ReadError> {
        let error = |source| ReadError { path: self.dir.clone(), source };
        let entries = std::fs::read_dir(&self.dir).map_err(error)?;
        entries.map(|entry| Ok(entry.map_err(error)?.file_name().to_string_lossy().into_owned())).collect()
    }

    /// Whether `name` is a regular file, links within the release followed.
    pub fn has(&self, name: &str) -> bool {
        self.open_file(name).is_ok_and(|file| file.metadata().is_ok_and(|meta| meta.is_file()))
    }

    /// The text of the file `name`, links within the release followed; `None` when there is no such file.
    ///
    /// # Errors
    /// When it leads out of the release, is no regular file, is too large, or cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<String>, ReadError> {
        let error = |source| ReadError { path: self.dir.join(name), source };
        let refused = |why: &'static str| error(io::Error::new(io::ErrorKind::InvalidData, why));
        let file = match self.open_file(name) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) if matches!(source.raw_os_error(), Some(libc::EXDEV | libc::ELOOP)) => {
                return Err(refused("it is a link that leads out of the release"));
            }
            Err(source) => return Err(error(source)),
        };
        let meta = file.metadata().map_err(error)?;
        if !meta.is_file() {
            return Err(refused("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(error)?;
        if bytes.len() as u64 > LIMIT {
            return Err(refused("it is larger than 4 MiB"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| refused("it is not UTF-8"))
    }

    /// Never leaves the release, whatever changes meanwhile; a pipe does not make us wait.
    fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(open_beneath(&self.root, Path::new(name), flags, Links::Follow)?))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_inside_are_followed_and_links_outside_are_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("real"), "text").unwrap();
        symlink("real", dir.path().join("inside")).unwrap();
        symlink("/etc/passwd", dir.path().join("outside")).unwrap();
        symlink("../../../../etc/passwd", dir.path().join("up")).unwrap();
        std::fs::create_dir(dir.path().join("dir")).unwrap();
        let files = Files::open(dir.path()).unwrap();
        assert_eq!(files.read("inside").unwrap().as_deref(), Some("text"));
        assert!(files.has("inside") && !files.has("outside") && !files.has("dir") && !files.has("absent"));
        assert!(files.read("absent").unwrap().is_none());
        for name in ["outside", "up", "dir"] {
            assert!(files.read(name).is_err(), "{name}");
        }
    }
}
