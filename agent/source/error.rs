//! What can go wrong between a source and a directory, and whether to try again.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a source gave no revision or no directory.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The remote has no such branch, tag or commit.
    #[error("{url} has no branch, tag or commit {reference:?}{}", hint(.similar, .note))]
    UnknownReference {
        /// The remote, without secrets.
        url: String,
        /// What was asked for.
        reference: String,
        /// Names there that look like it, best first.
        similar: Vec<String>,
        /// What else may help, or nothing.
        note: &'static str,
    },
    /// No reference was named and the remote has no default branch, as an empty repository has none.
    #[error("{url} has no default branch (it may be empty); name a branch in `source.ref`")]
    NoDefaultBranch {
        /// The remote, without secrets.
        url: String,
    },
    /// The reference is there but names no commit, or the commit has no files.
    #[error("{url}: {what} is not a commit")]
    NotACommit {
        /// The remote, without secrets.
        url: String,
        /// What was asked for.
        what: String,
    },
    /// The remote wants to know who we are, or does not like who we are.
    #[error(
        "{url} wants authentication ({detail}): it is private, or not there at all; use an ssh address with a deploy key of the \
         agent's account, or make the repository readable"
    )]
    Authentication {
        /// The remote, without secrets.
        url: String,
        /// The remote's own words.
        detail: String,
        /// What the client said.
        #[source]
        source: Option<gix::Error>,
    },
    /// `ssh` does not know the remote's host key, or knows another one.
    #[error(
        "ssh does not trust the host key of {url} ({detail}): put the right one into /etc/ssh/ssh_known_hosts on the image \
         (`ssh-keyscan`), or decide otherwise in /etc/ssh/ssh_config.d/"
    )]
    HostKey {
        /// The remote, without secrets.
        url: String,
        /// The words of `ssh`.
        detail: String,
        /// What the client said.
        #[source]
        source: gix::Error,
    },
    /// There is no repository at this address.
    #[error("no repository at {url} ({detail})")]
    NotFound {
        /// The remote, without secrets.
        url: String,
        /// The remote's own words.
        detail: String,
        /// What the client said.
        #[source]
        source: Option<gix::Error>,
    },
    /// The remote did not answer, broke off, or is not well (5xx); worth another try.
    #[error("{url} cannot be reached ({detail})")]
    Unreachable {
        /// The remote, without secrets.
        url: String,
        /// What happened.
        detail: String,
        /// What the client said.
        #[source]
        source: gix::Error,
    },
    /// The remote answered, but not in a way that another try would change.
    #[error("{url} gave no usable answer ({detail})")]
    Refused {
        /// The remote, without secrets.
        url: String,
        /// What happened.
        detail: String,
        /// What the client said.
        #[source]
        source: gix::Error,
    },
    /// A program that this kind of address needs is not on the machine.
    #[error("{url} needs the program `{program}`, which is not on this machine; install it on the image")]
    NoProgram {
        /// The remote, without secrets.
        url: String,
        /// The program.
        program: &'static str,
    },
    /// The address cannot be understood.
    #[error("{url:?} is not an address of a git repository")]
    Address {
        /// The address, without secrets.
        url: String,
        /// What the parser said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took longer than it was given.
    #[error("{what} took longer than {}", humantime::format_duration(*.after))]
    TimedOut {
        /// What was done.
        what: String,
        /// How long it had.
        after: Duration,
    },
    /// No space or no inodes left.
    #[error("no space left on the disk of {}; free some or give the instance a larger volume", .dir.display())]
    DiskFull {
        /// The directory being written.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `source.subdir` is not in this revision.
    #[error("no directory {:?} in {from}; its top level has: {}", .subdir.display().to_string(), listing(.there))]
    NoSubdir {
        /// What was asked for.
        subdir: PathBuf,
        /// The source, without secrets.
        from: String,
        /// What is there instead.
        there: Vec<String>,
    },
    /// The tree holds something that a release may not have.
    #[error("{}: {why}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why it is refused.
        why: &'static str,
    },
    /// A source directory was written to while it was copied, twice in a row.
    #[error("{} changes while it is copied; deploy from a directory that nobody writes to", .dir.display())]
    Changing {
        /// The source directory.
        dir: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Files could not be laid down.
    #[error("the files of {url} could not be written to {}: {detail}", .into.display())]
    Checkout {
        /// The source, without secrets.
        url: String,
        /// The release directory.
        into: PathBuf,
        /// What happened.
        detail: String,
        /// What the client said.
        #[source]
        source: Option<gix::Error>,
    },
    /// The work died; a defect of ours.
    #[error("{what} broke off")]
    Broken {
        /// What was done.
        what: String,
        /// How it died.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl SourceError {
    /// Whether the same call may work a little later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Changing { .. } => true,
            Self::UnknownReference { .. }
            | Self::NoDefaultBranch { .. }
            | Self::NotACommit { .. }
            | Self::Authentication { .. }
            | Self::HostKey { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::NoProgram { .. }
            | Self::Address { .. }
            | Self::DiskFull { .. }
            | Self::NoSubdir { .. }
            | Self::Unfit { .. }
            | Self::Io { .. }
            | Self::Checkout { .. }
            | Self::Broken { .. } => false,
        }
    }

    /// An error of the file system at `path`; a full disk is told apart.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { dir: path.parent().unwrap_or(path).to_owned(), source }
            }
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

fn hint(similar: &[String], note: &str) -> String {
    let mut text = String::new();
    if !similar.is_empty() {
        text.push_str("; there are: ");
        text.push_str(&similar.join(", "));
    }
    if !note.is_empty() {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}

fn listing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
