//! What is written about the configuration: `docs/configuration.md` and `docs/herdsman.schema.json`.
//!
//! Both come from the table of keys, so they cannot say anything else than the parser; `tests/config.rs` fails when the files have
//! drifted, and writes them anew when asked.

mod markdown;
mod schema;

pub use markdown::markdown;
pub use schema::json_schema;

use super::keys::SECTIONS;

/// Each section's name with the names of its keys, in the order of the documentation.
#[must_use]
pub fn names() -> Vec<(&'static str, Vec<&'static str>)> {
    SECTIONS.iter().map(|section| (section.name, section.keys.iter().map(|key| key.name).collect())).collect()
}

/// A value for each key, with the key's full name, as TOML: one line each. They fit together, but for `source.path`, which excludes
/// `source.git` and `source.ref`.
#[must_use]
pub fn examples() -> Vec<(String, &'static str)> {
    let sections = SECTIONS.iter();
    sections
        .flat_map(|section| section.keys.iter().map(|key| (format!("{}.{}", section.name, key.name), key.example)))
        .collect()
}
