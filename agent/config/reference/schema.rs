//! The JSON Schema, for editors that complete and check `herdsman.toml`.
//!
//! It cannot say everything that the parser says (times, addresses, rules between keys): `herdsman check` is the judge.

use serde_json::{Map, Value as Json, json};

use crate::config::keys::{Key, SECTIONS, Section};

/// The schema as it stands in `docs/herdsman.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let sections: Map<String, Json> = SECTIONS.iter().map(|one| (one.name.to_owned(), section(one))).collect();
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "herdsman.toml",
        "description": "The configuration of herdsman. `herdsman check` knows more rules than this schema can say.",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    });
    format!("{schema:#}\n")
}

fn section(section: &Section) -> Json {
    let keys: Map<String, Json> = section.keys.iter().map(|one| (one.name.to_owned(), key(one))).collect();
    let mut schema = json!({
        "description": section.meaning,
        "type": "object",
        "additionalProperties": false,
        "properties": keys,
    });
    if section.name == "source" {
        schema["not"] = json!({ "required": ["git", "path"] });
    }
    schema
}

fn key(key: &Key) -> Json {
    let mut schema = (key.schema)();
    schema["description"] = key.meaning.into();
    schema["examples"] = json!([toml_to_json(key.example)]);
    if let Some(default) = key.default() {
        schema["default"] = toml_to_json(&default);
    }
    schema
}

fn toml_to_json(toml: &str) -> Json {
    let table: Option<toml::Table> = format!("value = {toml}").parse().ok();
    table.and_then(|table| serde_json::to_value(table.get("value")?).ok()).unwrap_or(Json::Null)
}
