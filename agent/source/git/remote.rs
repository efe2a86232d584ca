//! Talking to a remote: how we connect, who we refuse to be, and which references it has.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::error::{ErrorExt, message};
use gix::protocol::handshake::Ref;
use gix::protocol::transport::client::blocking_io::{Transport, http};
use gix::refspec::parse::Operation;
use gix::remote::{Direction, fetch::Tags, ref_map};

use super::address::Address;
use super::classify::{Context, classify};
use super::refs::Known;
use super::scratch::Scratch;
use super::ssh;
use crate::source::SourceError;
use crate::tls::use_ring;

/// To connect; TLS included.
const CONNECT: Duration = Duration::from_secs(20);
/// Without a single byte from an HTTP server. Servers send progress while they count and compress.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) type Connection<'a> = gix::remote::Connection<'a, 'a, 'a, Box<dyn Transport + Send>>;

/// An empty repository of our own to fetch into, with nothing of the machine's or a user's git configuration, no
/// environment, no includes.
pub(super) fn init(scratch: &Scratch) -> Result<gix::Repository, gix::Error> {
    let ssh = format!("core.sshCommand={}", ssh::command(&scratch.ssh_log()));
    let isolated = gix::open::Options::isolated().config_overrides([ssh.as_str(), "ssh.variant=ssh"]);
    let kind = gix::create::Kind::Bare;
    Ok(gix::ThreadSafeRepository::init_opts(scratch.dir(), kind, gix::create::Options::default(), isolated)?
        .to_thread_local())
}

/// The remote at `address`, tags not followed on their own.
pub(super) fn remote<'a>(repo: &'a gix::Repository, address: &Address) -> Result<gix::Remote<'a>, gix::Error> {
    Ok(repo.remote_at_without_url_rewrite(address.url().clone())?.with_fetch_tags(Tags::None))
}

/// A connection that has no credentials to give: `asked` tells whether the remote wanted some.
pub(super) fn connect<'a>(remote: &'a gix::Remote<'a>, asked: &'a AtomicBool) -> Result<Connection<'a>, gix::Error> {
    use_ring();
    let mut connection = remote.connect(Direction::Fetch)?;
    connection.set_credentials(|_| {
        asked.store(true, Ordering::Relaxed);
        Err(message("no credentials are configured").raise())
    });
    connection.set_transport_options(Box::new(http_options()));
    Ok(connection)
}

fn http_options() -> http::Options {
    let backend = http::reqwest::Options {
        configure_client: Some(Box::new(|client| Ok(client.connect_timeout(CONNECT).timeout(SILENCE)))),
        configure_request: None,
    };
    http::Options { backend: Some(Arc::new(Mutex::new(backend))), ..Default::default() }
}

pub(super) fn refspec(spec: &str) -> Result<gix::refspec::RefSpec, gix::Error> {
    Ok(gix::refspec::parse(spec.into(), Operation::Fetch)?.to_owned())
}

/// The default branch, the branches and the tags of a remote, and `wanted` if it is the full name of something else.
pub(super) fn list(address: &Address, wanted: Option<&str>, cache: &Path) -> Result<Vec<Known>, SourceError> {
    ssh::check(address)?;
    let scratch = Scratch::create(cache)?;
    let asked = AtomicBool::new(false);
    let refs = (|| {
        let repo = init(&scratch)?;
        let remote = remote(&repo, address)?;
        let mut specs =
            vec![refspec("HEAD")?, refspec("refs/heads/*:refs/heads/*")?, refspec("refs/tags/*:refs/tags/*")?];
        // One that does not parse names nothing, and is then told as unknown.
        specs.extend(wanted.filter(|name| name.starts_with("refs/")).and_then(|name| refspec(name).ok()));
        let options = ref_map::Options { extra_refspecs: specs, ..Default::default() };
        let (map, _) = connect(&remote, &asked)?.ref_map(gix::progress::Discard, options)?;
        Ok(map.remote_refs)
    })()
    .map_err(|error| {
        let said = ssh::said(&scratch.ssh_log());
        classify(error, Context { address, cache, asked: asked.load(Ordering::Relaxed), ssh: &said })
    })?;
    Ok(refs.iter().filter_map(known).collect())
}

fn known(one: &Ref) -> Option<Known> {
    let (name, target, peeled) = one.unpack();
    let id: ObjectId = peeled.or(target)?.to_owned();
    Some(Known { name: name.to_str().ok()?.to_owned(), id })
}

/// The same of a repository on this machine.
pub(super) fn list_local(dir: &Path, address: &Address) -> Result<Vec<Known>, SourceError> {
    let repo = open(dir, address)?;
    let refused = |error: gix::Error| classify(error, Context { address, cache: dir, asked: false, ssh: "" });
    let mut all = Vec::new();
    if let Ok(head) = repo.head_id() {
        all.push(Known { name: "HEAD".to_owned(), id: head.detach() });
    }
    for one in repo.references().map_err(refused)?.all().map_err(refused)?.flatten() {
        let mut one = one;
        let name = one.name().as_bstr().to_str().map(str::to_owned);
        // A reference that leads nowhere names nothing.
        if let (Ok(name), Ok(id)) = (name, one.peel_to_id()) {
            all.push(Known { name, id: id.detach() });
        }
    }
    Ok(all)
}

/// A repository of this machine, read-only, and with as little trust in its configuration as gix knows: no filters of its own.
pub(super) fn open(dir: &Path, address: &Address) -> Result<gix::Repository, SourceError> {
    if !dir.is_dir() {
        let detail = "there is no such directory".to_owned();
        return Err(SourceError::NotFound { url: address.public().to_owned(), detail, source: None });
    }
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Reduced);
    match options.open(dir) {
        Ok(repo) => Ok(repo.to_thread_local()),
        Err(error) => Err(SourceError::NotFound {
            url: address.public().to_owned(),
            detail: "the directory is not a git repository that can be read".to_owned(),
            source: Some(error),
        }),
    }
}
