//! Git by gix: no `git` program is needed, none of the machine's git configuration is read, and no program of a repository's
//! choosing ever runs (no hooks, filters or credential helpers). Only `ssh://` runs a program, which is `ssh`.
//!
//! A repository of this machine (`file://` or an absolute path) is read where it lies. Any other is fetched, one commit deep,
//! into a scratch repository below the cache directory, which is gone when the call returns.
//! Submodules and Git LFS objects are not fetched; a warning says so when a revision has them.

mod address;
mod checkout;
mod classify;
mod commit;
mod refs;
mod remote;
mod scratch;
mod ssh;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::ObjectId;

use self::address::Address;
pub(super) use self::address::public_url;
use super::SourceError;
use super::bounded::{Late, bounded};
use crate::decide::ids::Revision;

/// The commit that `reference` names now; a full commit id is taken as it is, without asking.
pub(super) async fn resolve(
    url: &str,
    reference: Option<&str>,
    cache: &Path,
    within: Duration,
) -> Result<Revision, SourceError> {
    let address = Address::parse(url)?;
    if let Some(id) = reference.and_then(full_id) {
        return Ok(Revision::new(id.to_string()));
    }
    let reference = reference.map(str::to_owned);
    let cache = cache.to_owned();
    let what = format!("asking {} for its branches", address.public());
    bounded(&what, within, Late::Abandon, move |_| {
        let known = match address.local() {
            Some(dir) => remote::list_local(&dir, &address)?,
            None => remote::list(&address, reference.as_deref(), &cache)?,
        };
        let id = refs::choose(reference.as_deref(), &known, address.public())?;
        Ok(Revision::new(id.to_string()))
    })
    .await
}

/// Checks the commit `revision` (or its directory `subdir`) out into `into`.
pub(super) async fn fetch(
    url: &str,
    revision: &Revision,
    subdir: Option<&Path>,
    cache: &Path,
    into: &Path,
    within: Duration,
) -> Result<(), SourceError> {
    let started = tokio::time::Instant::now();
    let address = Address::parse(url)?;
    let Some(id) = full_id(revision.as_str()) else {
        return Err(SourceError::NotACommit { url: address.public().to_owned(), what: revision.to_string() });
    };
    let (cache, subdir, into) = (cache.to_owned(), subdir.map(PathBuf::from), into.to_owned());

    let what = format!("fetching {} from {}", revision, address.public());
    let from = address.clone();
    let objects = bounded(&what, within, Late::Abandon, move |interrupt| match from.local() {
        Some(dir) => commit::open_local(&dir, &from, id),
        None => commit::fetch(&from, id, &cache, interrupt),
    })
    .await?;

    let left = within.saturating_sub(started.elapsed());
    let what = format!("writing the files of {revision}");
    bounded(&what, left, Late::Await, move |interrupt| {
        checkout::checkout(&objects, id, subdir.as_deref(), &into, &address, interrupt)
    })
    .await
}

fn full_id(text: &str) -> Option<ObjectId> {
    (text.len() == 40).then(|| ObjectId::from_hex(text.as_bytes()).ok()).flatten()
}
