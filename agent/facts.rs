//! What is known beside the decisions: who this machine is, and what runs on it. For people, `status` and logs; nothing is decided by it.

use std::net::SocketAddr;

use crate::cloud::imds::Identity;
use crate::decide::ids::{ReleaseId, Revision};

/// The facts; each part is written by the one who finds it out.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// From the metadata service.
    pub identity: Option<Identity>,
    /// The active release.
    pub release: Option<ReleaseFacts>,
    /// The start command, as it is run, and where it was found.
    pub command: Option<String>,
    /// `app.port`.
    pub port: Option<u16>,
    /// Where `/health` answers.
    pub health: Option<SocketAddr>,
}

/// The active release.
#[derive(Debug, Clone)]
pub struct ReleaseFacts {
    /// The name of its directory.
    pub id: ReleaseId,
    /// What the source resolved to.
    pub revision: Revision,
    /// The source, as configured.
    pub source: String,
    /// When it was activated, RFC 3339.
    pub activated_at: String,
}
