//! What is known of a whole release, and what it is called.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Draft;
use crate::decide::ids::{ReleaseId, Revision};

/// A release that is whole: fetched, built, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub id: ReleaseId,
    /// Its files: an absolute path without links, to be used as the working directory.
    pub dir: PathBuf,
    /// What it was made from.
    pub revision: Revision,
    /// Where that came from, without secrets.
    pub source: String,
    /// When its files were all there.
    pub fetched_at: SystemTime,
    /// When it had been built.
    pub built_at: SystemTime,
    /// How it was built.
    pub build_key: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    revision: Revision,
    source: String,
    /// Seconds since 1970.
    fetched_at: u64,
    /// Milliseconds since 1970: what was built later is told apart from what was built before.
    built_at_ms: u64,
    build_key: String,
}

impl Release {
    pub(super) fn sealed(draft: Draft) -> Self {
        let built_at = today();
        Self {
            fetched_at: draft.fetched_at.unwrap_or(built_at),
            built_at,
            id: draft.id,
            dir: draft.dir,
            revision: draft.revision,
            source: draft.source,
            build_key: draft.build_key,
        }
    }

    pub(super) fn is(&self, revision: &Revision, source: &str, build_key: &str) -> bool {
        self.revision == *revision && self.source == source && self.build_key == build_key
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let stored = Stored {
            revision: self.revision.clone(),
            source: self.source.clone(),
            fetched_at: since_epoch(self.fetched_at).as_secs(),
            built_at_ms: u64::try_from(since_epoch(self.built_at).as_millis()).unwrap_or(u64::MAX),
            build_key: self.build_key.clone(),
        };
        serde_json::to_vec_pretty(&stored).expect("texts and numbers are always JSON")
    }

    /// The release `id`, if it is whole.
    pub(super) fn load(releases: &Path, id: &ReleaseId) -> Option<Self> {
        let name = id.as_str();
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            return None;
        }
        let dir = releases.join(name);
        let stored: Stored = serde_json::from_slice(&std::fs::read(releases.join(file_name(id))).ok()?).ok()?;
        std::fs::symlink_metadata(&dir).ok().filter(std::fs::Metadata::is_dir)?;
        Some(Self {
            id: id.clone(),
            dir,
            revision: stored.revision,
            source: stored.source,
            fetched_at: UNIX_EPOCH.checked_add(Duration::from_secs(stored.fetched_at))?,
            built_at: UNIX_EPOCH.checked_add(Duration::from_millis(stored.built_at_ms))?,
            build_key: stored.build_key,
        })
    }
}

/// The wall clock, for dates that people read.
#[expect(clippy::disallowed_methods, reason = "dates shown to people; nothing is measured with them")]
pub(super) fn today() -> SystemTime {
    SystemTime::now()
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The file that says that the release is whole.
pub(super) fn file_name(id: &ReleaseId) -> String {
    format!("{id}.json")
}

/// The names the release may have, the nicest first; each is tried when those before it belong to another release.
pub(super) fn names(revision: &Revision, source: &str, build_key: &str) -> Vec<ReleaseId> {
    let short: String = revision.as_str().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let short = if short.is_empty() { "release".to_owned() } else { short };
    let mut sum = Sha256::new();
    for text in [revision.as_str(), source, build_key] {
        sum.update((text.len() as u64).to_be_bytes());
        sum.update(text);
    }
    let long: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let with = |digits: usize| ReleaseId::new(format!("{short}-{}", &long[..digits]));
    vec![ReleaseId::new(short.clone()), with(6), with(16), with(64)]
}
