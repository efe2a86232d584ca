//! The two calls that every kind of source answers, and what a source is called in logs.

use std::path::Path;
use std::time::Duration;

use super::{SourceError, dir, git};
use crate::config::{Origin, Source};
use crate::decide::ids::Revision;

/// What the source holds now. `cache` is a directory of our own for scratch files; `within` bounds the whole call.
///
/// # Errors
/// See [`SourceError`]; nothing is tried twice here.
pub async fn resolve(source: &Source, cache: &Path, within: Duration) -> Result<Revision, SourceError> {
    match &source.origin {
        Origin::Git { url, reference } => git::resolve(url, reference.as_deref(), cache, within).await,
        Origin::Path(path) => dir::resolve(path, source.subdir.as_deref(), within).await,
    }
}

/// Lays the files of `revision` down in `into`, which is there and empty; `within` bounds the whole call.
///
/// With `subdir` that directory alone becomes `into`. After an error `into` may hold some of the files: it is to be emptied.
///
/// # Errors
/// See [`SourceError`]; nothing is tried twice here.
pub async fn fetch(
    source: &Source,
    revision: &Revision,
    cache: &Path,
    into: &Path,
    within: Duration,
) -> Result<(), SourceError> {
    let subdir = source.subdir.as_deref();
    match &source.origin {
        Origin::Git { url, .. } => git::fetch(url, revision, subdir, cache, into, within).await,
        Origin::Path(path) => dir::fetch(path, subdir, revision, into, within).await,
    }
}

/// What the source is called in logs and in the metadata of a release: its address without user names and secrets, and its
/// subdirectory. The reference is left out: the same revision of the same place is the same release.
pub fn public_name(source: &Source) -> String {
    let place = match &source.origin {
        Origin::Git { url, .. } => git::public_url(url),
        Origin::Path(path) => path.display().to_string(),
    };
    match &source.subdir {
        Some(subdir) => format!("{place} ({})", subdir.display()),
        None => place,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn git(url: &str, subdir: Option<&str>) -> Source {
        Source {
            origin: Origin::Git { url: url.to_owned(), reference: Some("main".to_owned()) },
            subdir: subdir.map(PathBuf::from),
            deadline: Duration::from_secs(1),
        }
    }

    #[test]
    fn names_carry_no_user_and_no_secret() {
        assert_eq!(public_name(&git("https://ghp_secret@github.com/a/b", None)), "https://github.com/a/b");
        assert_eq!(public_name(&git("https://u:p@w@host:8443/a?b", Some("web"))), "https://host:8443/a?b (web)");
        assert_eq!(public_name(&git("git@github.com:a/b.git", None)), "git@github.com:a/b.git");
        assert_eq!(public_name(&git("ssh://git@host/a@b", None)), "ssh://git@host/a@b");
        assert_eq!(public_name(&git("ssh://git:secret@host/a", None)), "ssh://git@host/a");
        assert_eq!(public_name(&git("/srv/a.git", None)), "/srv/a.git");
    }
}
