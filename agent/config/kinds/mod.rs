//! The kinds of values: for each what a person calls it, its JSON Schema, how it is read and how it is shown.
//!
//! A kind knows nothing of keys, files or layers. It refuses what can never be right; rules between keys are in `rules`.

mod address;
mod env;
mod kind;
mod numbers;
mod texts;
mod times;
mod words;

pub(super) use address::GIT;
pub(super) use env::ENV;
pub(super) use kind::{Kind, Wrong, quoted};
pub(super) use numbers::{COUNT, LISTEN, PORT};
pub(super) use texts::{APP_COMMAND, BUILD_COMMAND, DIRECTORY, PROBE, REFERENCE, SUBDIR, USER};
pub(super) use times::{SPAN, SPAN_OR_ZERO};
pub(super) use words::{CLOUD, SHARE, SIGNAL};
