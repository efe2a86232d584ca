//! Where releases come from: a source gives a revision, and then a directory with that revision's files.
//!
//! Two calls are the whole door: [`resolve()`] asks what the source holds now, [`fetch()`] lays it down in an empty directory.
//! A new kind of source is a new variant of [`crate::config::Origin`] and one more arm in each of the two.
//! Nothing here knows of builds, activation or phases, and nothing tries twice: whoever calls decides about retries
//! ([`SourceError::is_transient`]).

mod bounded;
mod dir;
mod error;
mod fetch;
mod git;

pub use error::SourceError;
pub use fetch::{fetch, public_name, resolve};
