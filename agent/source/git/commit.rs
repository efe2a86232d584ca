//! One commit's objects: fetched one commit deep into a scratch repository, or found where they lie.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::protocol::transport::Protocol;
use gix::remote::{fetch::Shallow, ref_map};

use super::address::Address;
use super::classify::{Context, classify};
use super::remote::{connect, init, open, refspec, remote};
use super::scratch::Scratch;
use super::ssh;
use crate::source::SourceError;

/// A repository that has the commit. It goes from thread to thread, so it is where, not the open repository.
pub(super) struct Objects {
    git_dir: PathBuf,
    /// Goes when the objects are no longer needed.
    _scratch: Option<Scratch>,
}

impl Objects {
    pub(super) fn open(&self, address: &Address) -> Result<gix::Repository, SourceError> {
        open(&self.git_dir, address)
    }
}

/// The objects of a repository on this machine.
pub(super) fn open_local(dir: &Path, address: &Address, id: ObjectId) -> Result<Objects, SourceError> {
    let repo = open(dir, address)?;
    if !repo.has_object(id) {
        return Err(unknown(address, id));
    }
    Ok(Objects { git_dir: repo.git_dir().to_owned(), _scratch: None })
}

/// Fetches the commit alone. Servers that speak version 2 of the protocol hand out any commit they have; older ones may
/// hand out the tips of branches and tags only, and then everything is fetched and the commit looked for.
pub(super) fn fetch(address: &Address, id: ObjectId, cache: &Path, stop: &AtomicBool) -> Result<Objects, SourceError> {
    ssh::check(address)?;
    let scratch = Scratch::create(cache)?;
    let asked = AtomicBool::new(false);
    let sort = |error| {
        let said = ssh::said(&scratch.ssh_log());
        classify(error, Context { address, cache, asked: asked.load(Ordering::Relaxed), ssh: &said })
    };

    let repo = init(&scratch).map_err(sort)?;
    let one_deep = Shallow::DepthAtRemote(NonZeroU32::MIN);
    let alone = receive(&repo, address, &[id.to_string().as_str()], one_deep, &asked, stop).map_err(sort);
    match alone {
        Ok(()) if repo.has_object(id) => {}
        Err(error) if !matches!(error, SourceError::Refused { .. }) => return Err(error),
        Ok(()) | Err(_) => {
            if hands_out_any_commit(&repo, address, &asked).map_err(sort)? {
                return Err(unknown(address, id));
            }
            tracing::warn!(url = address.public(), commit = %id, "the remote does not hand out commit {id} alone; fetching everything");
            let all = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
            receive(&repo, address, &all, Shallow::NoChange, &asked, stop).map_err(sort)?;
            if !repo.has_object(id) {
                return Err(unknown(address, id));
            }
        }
    }
    Ok(Objects { git_dir: repo.git_dir().to_owned(), _scratch: Some(scratch) })
}

fn receive(
    repo: &gix::Repository,
    address: &Address,
    specs: &[&str],
    shallow: Shallow,
    asked: &AtomicBool,
    stop: &AtomicBool,
) -> Result<(), gix::Error> {
    let remote = remote(repo, address)?;
    let extra_refspecs = specs.iter().map(|spec| refspec(spec)).collect::<Result<_, _>>()?;
    let options = ref_map::Options { extra_refspecs, ..Default::default() };
    connect(&remote, asked)?
        .prepare_fetch(gix::progress::Discard, options)?
        .with_shallow(shallow)
        .with_write_packed_refs_only(true)
        .receive(gix::progress::Discard, stop)?;
    Ok(())
}

fn hands_out_any_commit(repo: &gix::Repository, address: &Address, asked: &AtomicBool) -> Result<bool, gix::Error> {
    let remote = remote(repo, address)?;
    let options = ref_map::Options { extra_refspecs: vec![refspec("HEAD")?], ..Default::default() };
    let (_, handshake) = connect(&remote, asked)?.ref_map(gix::progress::Discard, options)?;
    Ok(handshake.server_protocol_version == Protocol::V2)
}

fn unknown(address: &Address, id: ObjectId) -> SourceError {
    SourceError::UnknownReference {
        url: address.public().to_owned(),
        reference: id.to_string(),
        similar: Vec::new(),
        note: "it may have been removed by a forced push, or never been pushed",
    }
}
