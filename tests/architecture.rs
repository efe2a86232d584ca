//! The tree is the architecture: what stands above uses what stands below, and nothing points back up.
//!
//! Reads `agent/**/*.rs` and fails with file, line and the rule that was broken. The rules are data, in `rules.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program: to panic is how it reports")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/lexer.rs"]
mod lexer;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/samples.rs"]
mod samples;

use std::path::{Path, PathBuf};

/// One source file: its path below `agent/`, and its text.
struct Source {
    path: String,
    text: String,
}

/// One broken rule.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    rule: String,
}

#[test]
fn the_sources_keep_to_the_architecture() {
    let sources = read_agent();
    assert!(sources.iter().any(|s| s.path == "lib.rs"), "no sources were found: this test would see nothing");
    let report: Vec<String> = rules::check(&sources)
        .iter()
        .map(|finding| format!("agent/{}:{}: {}", finding.path, finding.line, finding.rule))
        .collect();
    assert!(report.is_empty(), "{} broken rule(s):\n{}", report.len(), report.join("\n"));
}

/// All of `agent/`, in the order of the paths.
fn read_agent() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("agent");
    let mut sources: Vec<Source> = files_below(&root)
        .into_iter()
        .map(|file| Source {
            path: file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
            text: std::fs::read_to_string(&file).unwrap(),
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
