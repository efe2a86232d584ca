//! Reads layers from disk.
//!
//! Only reads; what a text means is for `merge`. The app's own file is written by whoever can push to its repository, and its directory
//! belongs to the app's account: it is opened without following a link and without waiting for a pipe.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::layer::{Layer, LayerKind, shown_path};
use super::merge::merge;
use super::problems::{Place, Problem, Problems};

const FILE: &str = "herdsman.toml";
const DROP_INS: &str = "conf.d";
const LARGEST: u64 = 1024 * 1024;

impl Layer {
    /// `herdsman.toml` and `conf.d/*.toml` in `config_dir`; what is missing is no problem.
    ///
    /// # Errors
    /// When a file cannot be read; then with all other problems of the files that can.
    pub fn read_dir(config_dir: &Path) -> Result<Vec<Self>, Problems> {
        let mut layers = Vec::new();
        let mut problems = Vec::new();
        let (drop_ins, unreadable) = drop_ins(&config_dir.join(DROP_INS));
        problems.extend(unreadable);
        let baked = LayerKind::Baked(config_dir.join(FILE));
        for kind in std::iter::once(baked).chain(drop_ins.into_iter().map(LayerKind::DropIn)) {
            match Self::read(kind) {
                Ok(layer) => layers.extend(layer),
                Err(unread) => problems.extend(unread),
            }
        }
        match (Problems::of(problems), merge(&layers)) {
            (Ok(()), _) => Ok(layers),
            (Err(unread), Ok(_)) => Err(unread),
            (Err(unread), Err(wrong)) => Err(unread.and(wrong)),
        }
    }

    /// The app's own `herdsman.toml` in a release; none when it has none.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn app(release_dir: &Path) -> Result<Option<Self>, Problems> {
        Self::read(LayerKind::App(release_dir.join(FILE)))
    }

    /// A file that somebody named, and that therefore must be there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn named(kind: LayerKind) -> Result<Self, Problems> {
        let missing = whole_file(&kind, "there is no such file".to_owned());
        Self::read(kind)?.ok_or(missing)
    }

    fn read(kind: LayerKind) -> Result<Option<Self>, Problems> {
        let Some(path) = kind.path() else {
            return Ok(None);
        };
        match read(path, matches!(kind, LayerKind::App(_))) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(Self { kind, text })),
                Err(error) => {
                    let valid = error.utf8_error().valid_up_to();
                    let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
                    Err(whole_file(&kind, format!("is not UTF-8 text (line {line}); save it as UTF-8")))
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(whole_file(&kind, unreadable(&error, &kind))),
        }
    }
}

/// The paths of the drop-ins in the order of their names, and what kept them from being listed.
fn drop_ins(dir: &Path) -> (Vec<PathBuf>, Option<Problem>) {
    let listed = std::fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<_> = match listed {
        Ok(entries) => entries.iter().map(std::fs::DirEntry::path).filter(|path| is_drop_in(path)).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Vec::new(), None),
        Err(error) => {
            let message = format!("cannot be listed: {error}; it should be a directory of `*.toml` files");
            let place = Place::whole(shown_path(dir));
            return (Vec::new(), Some(Problem { place, key: None, found: None, message }));
        }
    };
    paths.sort();
    (paths, None)
}

/// Editors leave hidden files behind.
fn is_drop_in(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}

fn read(path: &Path, no_link: bool) -> io::Result<Vec<u8>> {
    let no_link = if no_link { libc::O_NOFOLLOW } else { 0 };
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | no_link).open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !about.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    read_all(file)
}

fn read_all(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

fn unreadable(error: &io::Error, kind: &LayerKind) -> String {
    if error.raw_os_error() == Some(libc::ELOOP) && matches!(kind, LayerKind::App(_)) {
        return "is a symbolic link, which the app's own herdsman.toml may not be; put the file itself there"
            .to_owned();
    }
    match error.kind() {
        io::ErrorKind::IsADirectory => "is a directory, and should be a file".to_owned(),
        io::ErrorKind::FileTooLarge => {
            "is larger than 1 MiB; no configuration is, so it is probably another file".to_owned()
        }
        _ => format!("cannot be read: {error}"),
    }
}

fn whole_file(kind: &LayerKind, message: String) -> Problems {
    Problem { place: Place::whole(kind.to_string()), key: None, found: None, message }.into()
}
