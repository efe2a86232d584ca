//! The layers of a configuration: texts, where they come from, and which wins.

use std::fmt;
use std::path::{Path, PathBuf};

use super::flags::FlagOverrides;

/// Where a layer comes from; a later kind wins over an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// `herdsman.toml` of the image.
    Baked(PathBuf),
    /// A file of `conf.d`, or one that somebody named.
    DropIn(PathBuf),
    /// `herdsman.toml` of the app's repository, which may not set everything.
    App(PathBuf),
    /// The instance's user-data.
    UserData,
    /// The command line.
    Flags,
}

/// One layer: TOML and where it comes from. Its `Debug` leaves the text out: there may be secrets in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where it comes from.
    pub kind: LayerKind,
    /// The TOML as it was written, so that the lines of problems are right.
    pub text: String,
}

impl Layer {
    /// User-data that [`super::user_data_is_ours`] has found to be a configuration.
    #[must_use]
    pub fn user_data(text: impl Into<String>) -> Self {
        Self { kind: LayerKind::UserData, text: text.into() }
    }

    /// What the command line says.
    #[must_use]
    pub fn flags(flags: &FlagOverrides) -> Self {
        Self { kind: LayerKind::Flags, text: flags.to_toml() }
    }
}

impl LayerKind {
    /// The file, when it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Baked(path) | Self::DropIn(path) | Self::App(path) => Some(path),
            Self::UserData | Self::Flags => None,
        }
    }

    /// The order of precedence; layers of one rank keep the order they came in.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Baked(_) => 0,
            Self::DropIn(_) => 1,
            Self::App(_) => 2,
            Self::UserData => 3,
            Self::Flags => 4,
        }
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Baked(path) | Self::DropIn(path) | Self::App(path) => f.write_str(&shown_path(path)),
            Self::UserData => f.write_str("user-data"),
            Self::Flags => f.write_str("command line"),
        }
    }
}

/// A path on one line, whatever is in it.
pub(super) fn shown_path(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.chars().any(char::is_control) { path.escape_debug().to_string() } else { path.into_owned() }
}
