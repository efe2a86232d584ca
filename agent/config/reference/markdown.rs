//! The documentation: an introduction and a table for each section.

use std::fmt::Write as _;

use crate::config::keys::{Key, SECTIONS, Section};

const INTRODUCTION: &str = include_str!("introduction.md");

/// The text of `docs/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for one in SECTIONS.iter() {
        section(&mut text, one);
    }
    text
}

fn section(text: &mut String, section: &Section) {
    let Section { name, meaning, keys, app_may, not_yet } = section;
    // Writing to a String cannot fail.
    let _ = write!(text, "\n### `[{name}]`\n\n{meaning}\n\n");
    text.push_str("| Key | Value | Default | Meaning | Example | May be set by |\n|---|---|---|---|---|---|\n");
    for key in keys {
        text.push_str(&row(key, *app_may));
    }
    for (name, why) in *not_yet {
        let _ = write!(text, "\n`{name}` is a known name, but {why}.\n");
    }
}

fn row(key: &Key, app_may: bool) -> String {
    let default = key.default().map_or_else(|| key.absent.to_owned(), |default| format!("`{default}`"));
    let app = match key.not_for_app {
        None if app_may => "any layer",
        Some(_) | None => "any but the app",
    };
    let Key { name, words, meaning, example, .. } = key;
    format!("| `{name}` | {words} | {default} | {meaning} | `{example}` | {app} |\n")
}
