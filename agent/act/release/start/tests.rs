//! Which command is found in which release.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A release with these files, and a home with these programs.
fn release(files: &[(&str, &str)], programs: &[&str]) -> (TempDir, Runtimes) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join("app").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir_all(dir.path().join("app")).unwrap();
    for name in programs {
        let path = dir.path().join("home/.bun/bin").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let runtimes = Runtimes::new(&dir.path().join("app"), Some(&dir.path().join("home")));
    (dir, runtimes)
}

/// Where it was found, and the command with its program's bare name.
fn started(run: Option<&str>, files: &[(&str, &str)]) -> Result<(String, String), StartError> {
    let (dir, runtimes) = release(files, &["node", "bun", "deno", "python3", "next", "npm"]);
    let found = find(run, &dir.path().join("app"), &runtimes)?;
    let mut words: Vec<String> = found.argv.into_iter().map(|word| word.into_string().unwrap()).collect();
    assert!(words[0].starts_with('/'));
    words[0] = words[0].rsplit('/').next().unwrap().to_owned();
    Ok((found.found_in, words.join(" ")))
}

fn is(found_in: &str, command: &str) -> (String, String) {
    (found_in.to_owned(), command.to_owned())
}

#[test]
fn what_is_written_nearest_to_the_owner_wins() {
    let all = [
        ("Procfile", "worker: node w.js\nweb: node proc.js\n"),
        ("package.json", r#"{"scripts": {"start": "NODE_ENV=production next start"}}"#),
        ("app.js", ""),
    ];
    assert_eq!(started(Some("node run.js"), &all).unwrap(), is("app.run", "node run.js"));
    assert_eq!(started(None, &all).unwrap(), is("Procfile web", "node proc.js"));
    assert_eq!(started(None, &all[1..]).unwrap(), is("package.json scripts.start", "next start"));
    assert_eq!(started(None, &all[2..]).unwrap(), is("app.js", "node app.js"));
}

#[test]
fn a_procfile_that_says_npm_start_leads_to_the_program() {
    let files = [("Procfile", "web: npm start"), ("package.json", r#"{"scripts": {"start": "node server.js"}}"#)];
    assert_eq!(started(None, &files).unwrap(), is("Procfile web → scripts.start", "node server.js"));
}

#[test]
fn well_known_files_are_run_by_what_fits_them() {
    assert_eq!(started(None, &[("main.py", "")]).unwrap().1, "python3 main.py");
    assert_eq!(started(None, &[("dist/index.js", "")]).unwrap().1, "node dist/index.js");
    assert_eq!(started(None, &[("index.ts", "")]).unwrap().1, "bun index.ts");
    assert_eq!(started(None, &[("index.js", ""), ("bun.lock", "")]).unwrap().1, "bun index.js");
    assert_eq!(started(None, &[("index.ts", ""), ("deno.json", "")]).unwrap().1, "deno run --allow-all index.ts");
    assert_eq!(started(None, &[("index.js", ""), ("app.js", "")]).unwrap().1, "node app.js");
}

#[test]
fn typescript_without_anything_to_run_it_says_what_is_missing() {
    let (dir, runtimes) = release(&[("index.ts", "")], &["node"]);
    let error = find(None, &dir.path().join("app"), &runtimes).unwrap_err();
    assert!(error.to_string().contains("bun is not on this machine"), "{error}");
    let (dir, runtimes) = release(&[("index.ts", "")], &["deno"]);
    assert!(find(None, &dir.path().join("app"), &runtimes).is_ok());
}

#[test]
fn an_empty_release_is_told_with_everything_that_was_looked_for() {
    let error = started(None, &[("README", "")]).unwrap_err().to_string();
    for word in ["app.run", "Procfile", "scripts.start", "dist/app.js", "main.py", "[app]\nrun = "] {
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn a_shell_is_used_only_where_it_is_needed() {
    assert_eq!(started(Some("node a.js && node b.js"), &[]).unwrap().1, "sh -c node a.js && node b.js");
    assert_eq!(started(Some("node a.js $PORT"), &[]).unwrap().1, "sh -c exec node a.js $PORT");
}

#[test]
fn a_broken_package_json_matters_only_to_what_needs_it() {
    let broken = [("package.json", "{,}")];
    assert!(started(Some("node a.js"), &broken).is_ok());
    assert!(matches!(started(Some("npm start"), &broken), Err(StartError::Package(_))));
    assert!(matches!(started(None, &broken), Err(StartError::Package(_))));
}

#[test]
fn scripts_that_are_left_out_are_noted() {
    let files = [("package.json", r#"{"scripts": {"start": "npm run serve", "serve": "node a", "preserve": "x"}}"#)];
    let (dir, runtimes) = release(&files, &["node"]);
    let found = find(None, &dir.path().join("app"), &runtimes).unwrap();
    assert!(found.notes[0].starts_with("scripts.preserve is not run"), "{:?}", found.notes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_release_makes_it_panic(procfile in "(web: )?\\PC*", start in "\\PC*", run in proptest::option::of("\\PC*")) {
        let package = serde_json::json!({"scripts": {"start": start}}).to_string();
        let (dir, runtimes) = release(&[("Procfile", &procfile), ("package.json", &package)], &[]);
        let _ = find(run.as_deref(), &dir.path().join("app"), &runtimes);
    }
}
