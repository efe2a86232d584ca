//! One release from its repository to its start command, as the agent will do it.

use std::path::{Path, PathBuf};

use herdsman::act::release::owner::give;
use herdsman::act::release::runtime::Runtimes;
use herdsman::act::release::start;
use herdsman::act::release::store::{Prepared, Release, Store};
use herdsman::config::{Build, BuildRun, Source};
use herdsman::source::{fetch, public_name, resolve};

use super::build::{owner, run};
use super::repository::{LONG, Repository, source};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/releases").join(name)
}

/// A repository with the files of a fixture.
fn repository(name: &str) -> Repository {
    let repo = Repository::new();
    let from = fixture(name);
    let copied = std::process::Command::new("cp").arg("-a").arg(from.join(".")).arg(repo.path()).status().unwrap();
    assert!(copied.success());
    repo.commit("fixture");
    repo
}

/// Prepares, fetches, builds, seals and activates; the release and whether anything had to be done.
async fn deploy(store: &Store, source: &Source, state: &Path) -> (Release, bool) {
    let cache = state.join("sources");
    let revision = resolve(source, &cache, LONG).await.unwrap();
    let mut draft = match store.prepare(&revision, &public_name(source), "detect").unwrap() {
        Prepared::Whole(release) => return (store.activate(&release.id).unwrap(), false),
        Prepared::Empty(draft) => draft,
    };
    fetch(source, &revision, &cache, draft.dir(), LONG).await.unwrap();
    draft.fetched();
    let home = state.join("home");
    std::fs::create_dir_all(&home).unwrap();
    give(draft.dir(), &owner(&home)).unwrap();
    let (built, said) = run(draft.dir(), &home, &Build { run: BuildRun::Detect, timeout: LONG }).await;
    built.unwrap_or_else(|error| panic!("{error}\n{said:#?}"));
    let release = store.seal(draft).unwrap();
    (store.activate(&release.id).unwrap(), true)
}

#[tokio::test]
async fn a_node_program_goes_from_its_repository_to_its_own_words() {
    let repo = repository("node-app");
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let source = source(repo.path().display().to_string(), Some("main"));
    let (release, done) = deploy(&store, &source, state.path()).await;
    assert!(done);
    let built = std::fs::read_to_string(release.dir.join("greeting.txt")).unwrap();
    let home = state.path().join("home");
    assert_eq!(built.trim(), format!("a local dependency true undefined {}", home.display()));

    let runtimes = Runtimes::new(&release.dir, Some(&home));
    let start = start::find(None, &release.dir, &runtimes).unwrap();
    assert_eq!(start.found_in, "package.json scripts.start → scripts.serve");
    let out = std::process::Command::new(&start.argv[0])
        .args(&start.argv[1..])
        .env_clear()
        .env("PATH", runtimes.path_variable())
        .envs(start.env)
        .current_dir(&release.dir)
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(said.trim(), format!("hello from {}: a local dependency", release.dir.display()));

    let (again, done) = deploy(&store, &source, state.path()).await;
    assert!(!done, "the same revision costs nothing");
    assert_eq!(again, release);
}

#[tokio::test]
async fn a_new_commit_is_a_new_release_and_the_old_one_can_come_back() {
    let repo = Repository::with_app("one");
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let source = source(repo.path().display().to_string(), None);
    let (one, _) = deploy(&store, &source, state.path()).await;
    store.mark_good(&one.id).unwrap();
    repo.write("app.js", "two");
    repo.commit("second");
    let (two, _) = deploy(&store, &source, state.path()).await;
    assert_ne!(one.id, two.id);
    assert_eq!(std::fs::read_to_string(state.path().join("current/app.js")).unwrap(), "two");
    store.activate(&store.last_good().unwrap().id).unwrap();
    assert_eq!(std::fs::read_to_string(state.path().join("current/app.js")).unwrap(), "one");
}
