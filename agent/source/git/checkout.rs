//! From a commit to files: no `.git`, links as links, executable bits kept, nothing outside of the directory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::index::entry::Mode;
use gix::progress::Discard;
use gix::worktree::stack::state::attributes::Source as Attributes;

use super::address::Address;
use super::commit::Objects;
use crate::source::SourceError;

/// The most names an error lists.
const LISTED: usize = 20;
/// The size of the largest Git LFS pointer file.
const POINTER: usize = 1024;

/// Writes the tree of `commit`, or of its directory `subdir`, into the empty directory `into`.
pub(super) fn checkout(
    objects: &Objects,
    commit: ObjectId,
    subdir: Option<&Path>,
    into: &Path,
    address: &Address,
    stop: &AtomicBool,
) -> Result<(), SourceError> {
    let repo = objects.open(address)?;
    let failed = |error: gix::Error| failure(error, address, into);
    let not_a_commit = || SourceError::NotACommit { url: address.public().to_owned(), what: commit.to_string() };
    let root = repo
        .find_object(commit)
        .and_then(|object| object.peel_to_kind(gix::object::Kind::Commit))
        .map_err(|_| not_a_commit())?
        .peel_to_tree()
        .map_err(|_| not_a_commit())?;
    let tree = match subdir {
        None => root,
        Some(subdir) => below(&root, subdir, address)?,
    };

    let mut index = repo.index_from_tree(&tree.id).map_err(failed)?;
    warn_of_what_is_missing(&repo, &index, address);
    let mut options = repo.checkout_options(Attributes::IdMapping).map_err(failed)?;
    // No program of anyone's choosing, whatever the configuration of a local repository says.
    options.filters.options_mut().drivers.clear();
    options.destination_is_initially_empty = true;
    // The cores belong to the workers that serve meanwhile.
    options.thread_limit = Some(1);
    let find = repo.objects.clone().into_arc().map_err(|e| SourceError::io(into, e))?;
    let outcome =
        gix::worktree::state::checkout(&mut index, into, find, &Discard, &Discard, stop, options).map_err(failed)?;
    if stop.load(Ordering::Relaxed) {
        return Err(told(address, into, "it was interrupted".to_owned()));
    }
    if let Some(one) = outcome.collisions.first() {
        return Err(told(address, into, format!("{} is there twice", one.path)));
    }
    match outcome.errors.into_iter().next() {
        Some(one) => Err(failure(one.error, address, into)),
        None => Ok(()),
    }
}

/// The tree at `subdir`.
fn below<'a>(root: &gix::Tree<'a>, subdir: &Path, address: &Address) -> Result<gix::Tree<'a>, SourceError> {
    let entry = root.lookup_entry_by_path(subdir).ok().flatten().filter(|entry| entry.mode().is_tree());
    match entry.and_then(|entry| entry.object().ok()).and_then(|object| object.try_into_tree().ok()) {
        Some(tree) => Ok(tree),
        None => {
            let names = root.iter().flatten().take(LISTED).map(|entry| {
                let slash = if entry.mode().is_tree() { "/" } else { "" };
                format!("{}{slash}", entry.filename().to_str_lossy())
            });
            Err(SourceError::NoSubdir {
                subdir: subdir.to_owned(),
                from: address.public().to_owned(),
                there: names.collect(),
            })
        }
    }
}

/// Submodules and Git LFS are left out; whoever debugs a half-empty directory should find the reason in the log.
fn warn_of_what_is_missing(repo: &gix::Repository, index: &gix::index::State, address: &Address) {
    let submodules: Vec<String> = index
        .entries()
        .iter()
        .filter(|entry| entry.mode == Mode::COMMIT)
        .map(|entry| entry.path(index).to_string())
        .collect();
    if !submodules.is_empty() {
        tracing::warn!(
            url = address.public(),
            ?submodules,
            "submodules are not fetched, their directories stay empty: {submodules:?}"
        );
    }
    let lfs = index
        .entries()
        .iter()
        .filter(|entry| entry.path(index).rsplit_str("/").next() == Some(b".gitattributes".as_slice()))
        .filter_map(|entry| repo.find_blob(entry.id).ok())
        .any(|blob| blob.data.contains_str("filter=lfs"));
    if lfs {
        let pointer = index.entries().iter().find(|entry| entry.mode == Mode::FILE && is_pointer(repo, entry.id));
        let example = pointer.map(|entry| entry.path(index).to_string());
        tracing::warn!(
            url = address.public(),
            ?example,
            "Git LFS objects are not fetched, their pointer files are laid down (such as {example:?})"
        );
    }
}

fn is_pointer(repo: &gix::Repository, id: ObjectId) -> bool {
    let small = repo.find_header(id).is_ok_and(|header| header.size() < POINTER as u64);
    small && repo.find_blob(id).is_ok_and(|blob| blob.data.starts_with(b"version https://git-lfs.github.com/spec/"))
}

fn told(address: &Address, into: &Path, detail: String) -> SourceError {
    SourceError::Checkout { url: address.public().to_owned(), into: into.to_owned(), detail, source: None }
}

fn failure(error: gix::Error, address: &Address, into: &Path) -> SourceError {
    let full = error
        .iter_errors()
        .filter_map(|one| one.downcast_ref::<std::io::Error>())
        .find(|io| matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded));
    match full {
        Some(io) => SourceError::DiskFull { dir: into.to_owned(), source: std::io::Error::from(io.kind()) },
        None => SourceError::Checkout {
            url: address.public().to_owned(),
            into: into.to_owned(),
            detail: error.probable_cause().to_string(),
            source: Some(error),
        },
    }
}
