//! Mistakes in the TOML itself: what to say of them, and how much of the document is still what its author meant.
//!
//! The parser goes on after a mistake, mostly with the next line. What stands on a line with a mistake is not looked at, and nothing
//! after a mistake that can move whole lines into another place: a broken section header, array, table or text of several lines.
//! The parser's own excerpt of the line is never shown: a text that lacks its quotes may be a secret.

use std::collections::BTreeSet;
use std::ops::Range;

use super::lines::Lines;
use crate::config::suggest::shown_key;

/// What is known of the mistakes so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    /// The lines that have one, counted from 0.
    lines: BTreeSet<usize>,
    /// The first line after which nothing is certain.
    adrift_from: Option<usize>,
    not_toml: bool,
}

const NOT_TOML: &str =
    "TOML wants `key = value` on a line, or `{ key = value }` for a table; this looks like YAML, JSON or plain text";

impl Mistakes {
    /// What to say of a mistake; nothing when it is only the consequence of another.
    pub(super) fn message(
        &mut self,
        lines: &Lines<'_>,
        span: &Range<usize>,
        said: &str,
        found: &str,
    ) -> Option<String> {
        let line = lines.line(span.start);
        let known = self.lines.contains(&line) || self.adrift_from.is_some_and(|from| from < line);
        let header = !known && lines.text_at(span.start).trim_start().starts_with('[');
        if header || ["array", "inline table", "multi-line", "unclosed"].iter().any(|word| said.contains(word)) {
            self.adrift_from = Some(self.adrift_from.map_or(line, |before| before.min(line)));
        }
        self.lines.insert(line);
        if known {
            return None;
        }
        let message = in_our_words(said, found);
        if message == NOT_TOML && std::mem::replace(&mut self.not_toml, true) {
            return None;
        }
        Some(format!("not valid TOML: {message}"))
    }

    /// Whether what stands in `span` may not be what its author meant.
    pub(super) fn doubt(&self, lines: &Lines<'_>, span: &Range<usize>) -> bool {
        let (first, last) = (lines.line(span.start), lines.line(span.end));
        self.adrift_from.is_some_and(|from| from <= last) || self.lines.range(first..=last).next().is_some()
    }
}

/// The parser's message in the words of somebody who only wants to start an app; its own where there is nothing better.
fn in_our_words(said: &str, found: &str) -> String {
    let starts = |start: &str| said.starts_with(start);
    let ours = match () {
        () if starts("duplicate key") => {
            return format!("`{}` stands here a second time; keep one of them", shown_key(found));
        }
        () if starts("string values must be quoted") && found.is_empty() => "there is no value after the `=`",
        () if starts("string values must be quoted") => {
            "a text is written in quotes; only numbers, `true` and `false` are not"
        }
        () if starts("invalid boolean") => "write `true` or `false` in small letters, a text in quotes",
        () if starts("invalid basic string") || starts("invalid literal string") => {
            "the text has no closing quote on its line"
        }
        () if starts("invalid multi-line") => "a text that began with three quotes is not closed",
        () if starts("missing escaped value") => {
            "in double quotes a `\\` is written `\\\\`; or write the text in single quotes"
        }
        () if starts("unclosed table") => "the section's header has no `]`",
        () if starts("unexpected leading zero") => "a number does not begin with 0",
        () if said.contains("inline table") || said.contains("array") || starts("missing comma") => {
            "a `,` is missing, or a `{` or `[` above is not closed"
        }
        () if starts("key with no value") || starts("invalid unquoted key") || starts("invalid key-value pair") => {
            NOT_TOML
        }
        () if starts("unexpected key or value") => {
            "something follows that does not belong on this line; each key has a line of its own"
        }
        () => said,
    };
    ours.to_owned()
}
