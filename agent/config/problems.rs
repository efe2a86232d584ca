//! What is wrong with a configuration: each problem with its place, its key, what was found and what would be right.
//!
//! Only says; never decides. What is said here goes to logs and status, so whoever makes a [`Problem`] keeps secrets out of it.

use std::fmt;

use serde::Serialize;

/// Where in which file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file's path, `user-data` or `command line`.
    pub file: String,
    /// Counted from 1; none when the whole file is meant.
    pub line: Option<usize>,
    /// In characters, counted from 1.
    pub column: Option<usize>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it was found.
    pub place: Place,
    /// The key it is about, such as `app.port`; none for a file that cannot be read or is no TOML.
    pub key: Option<String>,
    /// The value found, as it would stand in TOML; none where there is none, or where it could be a secret.
    pub found: Option<String>,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// All that is wrong, in the order of the layers; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems as an error, or nothing when there are none.
    pub(super) fn of(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    /// How many there are, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One after the other, in the order of the layers and lines.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Adds those of another error.
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Place {
    /// A whole file.
    pub(super) fn whole(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, column: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.place)?;
        if let Some(key) = &self.key {
            f.write_str(key)?;
            if let Some(found) = &self.found {
                write!(f, " = {found}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            1 => f.write_str("1 problem in the configuration:")?,
            several => write!(f, "{several} problems in the configuration:")?,
        }
        for problem in self.iter() {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
