//! The address of a repository: understood once, and told without its secrets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gix::bstr::ByteSlice;
use gix::url::Scheme;

use crate::source::SourceError;

/// An address that gix understands.
#[derive(Debug, Clone)]
pub(super) struct Address {
    url: gix::Url,
    public: String,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, SourceError> {
        let public = public_url(text);
        match gix::url::parse(text.as_bytes().as_bstr()) {
            Ok(url) => Ok(Self { url, public }),
            Err(error) => Err(SourceError::Address { url: public, source: error.into() }),
        }
    }

    pub(super) fn url(&self) -> &gix::Url {
        &self.url
    }

    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// Where the repository lies, if it is on this machine.
    pub(super) fn local(&self) -> Option<PathBuf> {
        (self.url.scheme == Scheme::File).then(|| PathBuf::from(OsStr::from_bytes(&self.url.path)))
    }

    pub(super) fn is_ssh(&self) -> bool {
        self.url.scheme == Scheme::Ssh
    }
}

/// The address without what nobody else should read: a password anywhere, and the whole user part of http(s), because
/// tokens are written there as users.
pub(in crate::source) fn public_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let Some((user, host)) = authority.rsplit_once('@') else {
        return text.to_owned();
    };
    if scheme.starts_with("http") {
        return format!("{scheme}://{host}{path}");
    }
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    format!("{scheme}://{name}@{host}{path}")
}
