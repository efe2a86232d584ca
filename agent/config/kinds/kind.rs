//! What a kind of value is, and what is said of a wrong one.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::suggest::shown;

/// Linux refuses a longer argument or environment string (`MAX_ARG_STRLEN`, execve(2)).
pub(super) const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;

/// One kind of value.
pub(in crate::config) struct Kind<T: 'static> {
    /// The kind in words, for the documentation.
    pub(in crate::config) words: &'static str,
    /// The kind as JSON Schema, without description and default.
    pub(in crate::config) schema: fn() -> Json,
    /// The value, or all that is wrong with it.
    pub(in crate::config) read: fn(&Spanned<DeValue<'_>>) -> Result<T, Vec<Wrong>>,
    /// The value as TOML; names alone where the value may be a secret.
    pub(in crate::config) show: fn(&T) -> String,
}

/// One thing that is wrong with a value.
#[derive(Debug)]
pub(in crate::config) struct Wrong {
    /// Where inside the value; none for all of it.
    pub(in crate::config) span: Option<Range<usize>>,
    /// Which part of the value, such as a variable's name.
    pub(in crate::config) part: Option<String>,
    /// What was found; none when it could be a secret.
    pub(in crate::config) found: Option<String>,
    /// What would be right.
    pub(in crate::config) message: String,
}

impl Wrong {
    /// Wrong, and the value may be shown.
    pub(super) fn value(value: &DeValue<'_>, message: impl Into<String>) -> Vec<Self> {
        vec![Self { span: None, part: None, found: Some(shown(value)), message: message.into() }]
    }

    /// Wrong, and the value is not to be shown.
    pub(super) fn hidden(message: impl Into<String>) -> Vec<Self> {
        vec![Self { span: None, part: None, found: None, message: message.into() }]
    }
}

/// The text of a string; `what` says what should stand there, such as "a path".
pub(super) fn text<'a>(value: &'a DeValue<'_>, what: &str) -> Result<&'a str, Vec<Wrong>> {
    value.as_str().ok_or_else(|| Wrong::value(value, format!("{what} is written in quotes")))
}

/// A text as TOML.
pub(in crate::config) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
pub(super) mod testing {
    //! Reads one value the way the walker does.

    use super::{Kind, Wrong};

    /// The value, or what is wrong as `part = found: message` lines.
    pub(in crate::config) fn read<T>(kind: &Kind<T>, toml: &str) -> Result<T, String> {
        let value = toml::de::DeValue::parse(toml).expect("the test's TOML");
        (kind.read)(&value).map_err(|wrongs| wrongs.iter().map(line).collect::<Vec<_>>().join("\n"))
    }

    fn line(wrong: &Wrong) -> String {
        let part = wrong.part.as_deref().unwrap_or_default();
        match &wrong.found {
            Some(found) => format!("{part} = {found}: {}", wrong.message).trim_start().to_owned(),
            None => format!("{part}: {}", wrong.message),
        }
    }
}
