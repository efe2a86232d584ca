//! The documents say what the parser does, and every key that they name is exercised.
//!
//! `HERDSMAN_RENEW_DOCUMENTS=1 cargo test --test config documents` writes them anew.

use std::collections::BTreeSet;
use std::path::Path;

use herdsman::config::{Layer, LayerKind, effective, merge, reference};
use serde_json::Value;

const RENEW: &str = "HERDSMAN_RENEW_DOCUMENTS";

#[track_caller]
fn is_current(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/{name} has drifted from the table of keys; renew it with\n  {RENEW}=1 cargo test --test config documents"
    );
}

#[test]
fn the_schema_is_current() {
    is_current("herdsman.schema.json", &reference::json_schema());
}

#[test]
fn the_documentation_is_current() {
    is_current("configuration.md", &reference::markdown());
}

fn all_keys() -> BTreeSet<String> {
    let sections = reference::names().into_iter();
    sections.flat_map(|(section, keys)| keys.into_iter().map(move |key| format!("{section}.{key}"))).collect()
}

#[test]
fn the_schema_has_every_key_and_no_other() {
    let schema: Value = serde_json::from_str(&reference::json_schema()).unwrap();
    let mut found = BTreeSet::new();
    for (section, about) in schema["properties"].as_object().unwrap() {
        assert_eq!(about["additionalProperties"], false, "{section}");
        found.extend(about["properties"].as_object().unwrap().keys().map(|key| format!("{section}.{key}")));
    }
    assert_eq!(found, all_keys());
}

#[test]
fn every_key_is_documented_with_meaning_example_and_default() {
    let text = reference::markdown();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<_>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
    assert_eq!(rows.len(), all_keys().len());
    for row in rows {
        assert_eq!(row.len(), 8, "{row:?}");
        assert!(row[1..7].iter().all(|cell| !cell.is_empty() && *cell != "``"), "{row:?}");
    }
}

#[test]
fn every_example_is_taken_alone() {
    for (key, example) in reference::examples() {
        let layers = [Layer::user_data(format!("{key} = {example}"))];
        let values = effective(&layers).unwrap_or_else(|problems| panic!("{key} = {example}: {problems}"));
        let taken = values.iter().find(|value| value.key == key).unwrap();
        assert!(taken.from.is_some(), "{key}");
    }
}

#[test]
fn every_default_is_what_the_documentation_says() {
    let schema: Value = serde_json::from_str(&reference::json_schema()).unwrap();
    let defaults = effective(&[]).unwrap();
    for value in &defaults {
        // Written out, a default must mean the same as left out.
        let written = Layer::user_data(format!("{} = {}", value.key, value.value));
        assert_eq!(merge(&[written]).unwrap(), merge(&[]).unwrap(), "{}", value.key);
        let (section, key) = value.key.split_once('.').unwrap();
        let documented = &schema["properties"][section]["properties"][key]["default"];
        let documented = documented.as_str().map_or_else(|| documented.to_string(), |text| format!("{text:?}"));
        assert_eq!(documented, value.value);
    }
    assert_eq!(defaults.len(), 11);
}

#[test]
fn every_example_in_the_introduction_holds() {
    let text = reference::markdown();
    let blocks: Vec<_> = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let kind = if block.starts_with("# app\n") { LayerKind::App("app".into()) } else { LayerKind::UserData };
        let layer = Layer { kind, text: block.to_owned() };
        if let Err(problems) = merge(&[layer]) {
            panic!("{block}\n{problems}");
        }
    }
}
