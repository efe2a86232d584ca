//! Git sources: which commit is meant, which files come, and what is said when it goes wrong.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use herdsman::config::Source;
use herdsman::source::{SourceError, fetch, resolve};
use tempfile::TempDir;

use super::http::{Manner, Server};
use super::repository::{LONG, Repository, source};

/// Resolves and fetches; the release directory and the revision.
async fn deploy(source: &Source) -> Result<(TempDir, String), SourceError> {
    let cache = tempfile::tempdir().unwrap();
    let into = tempfile::tempdir().unwrap();
    let revision = resolve(source, cache.path(), LONG).await?;
    let fetched = fetch(source, &revision, cache.path(), into.path(), LONG).await;
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0, "nothing stays in the cache");
    fetched.map(|()| (into, revision.to_string()))
}

fn read(dir: &TempDir, path: &str) -> String {
    std::fs::read_to_string(dir.path().join(path)).unwrap()
}

/// A repository with a branch, a tag, an annotated tag, and a commit on `main` after all of them.
fn history() -> (Repository, [(Option<&'static str>, String); 5]) {
    let repo = Repository::with_app("one");
    let one = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["tag", "light"]);
    repo.write("app.js", "two");
    let two = repo.commit("second");
    repo.git(&["tag", "-a", "-m", "noted", "noted"]);
    repo.git(&["branch", "feature/login", "light"]);
    repo.write("app.js", "three");
    let three = repo.commit("third");
    let cases = [
        (None, three.clone()),
        (Some("main"), three),
        (Some("feature/login"), one.clone()),
        (Some("light"), one),
        (Some("noted"), two),
    ];
    (repo, cases)
}

#[tokio::test]
async fn branches_tags_and_the_default_branch_are_found_over_every_transport() {
    let (repo, cases) = history();
    let server = Server::start(repo.path(), Manner::Modern).await;
    let old = Server::start(repo.path(), Manner::Old).await;
    let path = repo.path().display().to_string();
    for url in [path.clone(), format!("file://{path}"), server.url(".git"), old.url(".git")] {
        for (reference, commit) in &cases {
            let (dir, revision) = deploy(&source(&url, *reference)).await.unwrap();
            assert_eq!(&revision, commit, "{reference:?} of {url}");
            assert_eq!(read(&dir, "app.js"), repo.git(&["show", &format!("{commit}:app.js")]));
            assert!(!dir.path().join(".git").exists());
        }
    }
    assert!(server.requests() > 0 && old.requests() > 0);
}

#[tokio::test]
async fn a_commit_is_fetched_by_its_id_even_where_no_branch_ends() {
    let repo = Repository::with_app("one");
    let one = repo.git(&["rev-parse", "HEAD"]);
    repo.write("app.js", "two");
    repo.commit("second");
    let modern = Server::start(repo.path(), Manner::Modern).await;
    let old = Server::start(repo.path(), Manner::Old).await;
    for url in [repo.path().display().to_string(), modern.url(".git"), old.url(".git")] {
        let (dir, revision) = deploy(&source(&url, Some(&one))).await.unwrap();
        assert_eq!((revision.as_str(), read(&dir, "app.js").as_str()), (one.as_str(), "one"), "{url}");
    }
}

#[tokio::test]
async fn a_commit_that_is_not_there_is_a_permanent_error() {
    let repo = Repository::with_app("one");
    let modern = Server::start(repo.path(), Manner::Modern).await;
    let old = Server::start(repo.path(), Manner::Old).await;
    let absent = "0123456789012345678901234567890123456789";
    for url in [repo.path().display().to_string(), modern.url(".git"), old.url(".git")] {
        let error = deploy(&source(&url, Some(absent))).await.unwrap_err();
        assert!(matches!(error, SourceError::UnknownReference { .. }), "{url}: {error:?}");
        assert!(!error.is_transient() && error.to_string().contains("forced push"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_branch_is_answered_with_those_that_look_like_it() {
    let (repo, _) = history();
    let server = Server::start(repo.path(), Manner::Modern).await;
    for url in [repo.path().display().to_string(), server.url(".git")] {
        let error = deploy(&source(&url, Some("feature/logn"))).await.unwrap_err();
        assert!(!error.is_transient());
        assert!(error.to_string().contains("there are: feature/login"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_repository_has_no_default_branch() {
    let repo = Repository::new();
    let server = Server::start(repo.path(), Manner::Modern).await;
    for url in [repo.path().display().to_string(), server.url(".git")] {
        let error = deploy(&source(&url, None)).await.unwrap_err();
        assert!(matches!(error, SourceError::NoDefaultBranch { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn links_executable_bits_and_odd_names_survive() {
    let repo = Repository::new();
    let script = repo.write("bin/run me.sh", "#!/bin/sh\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    repo.write("crlf.txt", "a\r\nb\r\n");
    repo.write("näme\twith\nall ü", "odd");
    std::os::unix::fs::symlink("bin/run me.sh", repo.path().join("start")).unwrap();
    std::os::unix::fs::symlink("nowhere", repo.path().join("dangling")).unwrap();
    repo.commit("files");
    let server = Server::start(repo.path(), Manner::Modern).await;
    for url in [repo.path().display().to_string(), server.url(".git")] {
        let (dir, _) = deploy(&source(&url, None)).await.unwrap();
        let mode = |path: &str| std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o111;
        assert_ne!(mode("bin/run me.sh"), 0);
        assert_eq!(mode("crlf.txt"), 0);
        assert_eq!(read(&dir, "crlf.txt"), "a\r\nb\r\n");
        assert_eq!(read(&dir, "näme\twith\nall ü"), "odd");
        assert_eq!(std::fs::read_link(dir.path().join("start")).unwrap(), Path::new("bin/run me.sh"));
        assert_eq!(std::fs::read_link(dir.path().join("dangling")).unwrap(), Path::new("nowhere"));
    }
}

#[tokio::test]
async fn a_subdirectory_becomes_the_release_and_a_missing_one_is_told_with_what_is_there() {
    let repo = Repository::new();
    repo.write("services/web/app.js", "web");
    repo.write("README", "top");
    repo.commit("files");
    let mut source = source(repo.path().display().to_string(), None);
    source.subdir = Some("services/web".into());
    let (dir, _) = deploy(&source).await.unwrap();
    assert_eq!(read(&dir, "app.js"), "web");
    assert!(!dir.path().join("README").exists());

    for wrong in ["service/web", "README"] {
        source.subdir = Some(wrong.into());
        let error = deploy(&source).await.unwrap_err();
        assert!(error.to_string().contains("README, services/"), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn filters_and_hooks_of_a_repository_never_run() {
    let repo = Repository::new();
    let proof = repo.path().join("ran");
    let run = format!("touch {}", proof.display());
    repo.write(".gitattributes", "*.js filter=evil\n");
    repo.write("app.js", "plain");
    repo.commit("files");
    repo.git(&["config", "filter.evil.smudge", &format!("{run}; cat")]);
    repo.git(&["config", "filter.evil.process", &run]);
    repo.git(&["config", "core.hooksPath", "/bin"]);
    let (dir, _) = deploy(&source(repo.path().display().to_string(), None)).await.unwrap();
    assert_eq!(read(&dir, "app.js"), "plain");
    assert!(!proof.exists());
}

#[tokio::test]
async fn a_server_is_asked_for_one_commit_and_not_for_its_history() {
    let repo = Repository::new();
    for n in 0..200 {
        repo.write("app.js", &format!("{n} {}", "x".repeat(2000)));
        repo.write(&format!("big/{n}"), &fastrand_text(n));
        repo.commit("more");
        std::fs::remove_file(repo.path().join(format!("big/{n}"))).unwrap();
    }
    repo.commit("clean");
    let server = Server::start(repo.path(), Manner::Modern).await;
    let cache = tempfile::tempdir().unwrap();
    let source = source(server.url(".git"), None);
    let revision = resolve(&source, cache.path(), LONG).await.unwrap();
    let into = tempfile::tempdir().unwrap();
    fetch(&source, &revision, cache.path(), into.path(), LONG).await.unwrap();
    // 200 incompressible files of 20 kB are in the history, none in the commit.
    let sent = server.sent();
    assert!(sent < 100_000, "{sent} bytes for one small file");
}

fn fastrand_text(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..20_000).map(|_| random.alphanumeric()).collect()
}

#[tokio::test]
async fn a_closed_port_is_worth_another_try() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for url in [format!("http://127.0.0.1:{port}/a.git"), format!("https://127.0.0.1:{port}/a.git")] {
        let error = deploy(&source(url, None)).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_worth_another_try() {
    let error = deploy(&source("https://no-such-host.invalid/a.git", None)).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn what_a_status_means_is_told() {
    for (status, transient) in
        [(401, false), (403, false), (404, false), (400, false), (429, true), (500, true), (503, true)]
    {
        let root = tempfile::tempdir().unwrap();
        let server = Server::start(root.path(), Manner::Always(status)).await;
        let error = deploy(&source(server.url("a.git"), None)).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{status}: {error:?}");
        match status {
            401 | 403 => assert!(matches!(error, SourceError::Authentication { .. }), "{error:?}"),
            404 => assert!(matches!(error, SourceError::NotFound { .. }), "{error:?}"),
            _ => assert!(error.to_string().contains(&status.to_string()), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_private_repository_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path(), Manner::Always(401)).await;
    let error = deploy(&source(server.url("a.git"), None)).await.unwrap_err();
    assert!(error.to_string().contains("wants authentication"), "{error}");
    assert!(error.to_string().contains("deploy key"), "{error}");
}

#[tokio::test]
async fn a_page_that_is_no_repository_is_a_permanent_error() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path(), Manner::Always(200)).await;
    let error = deploy(&source(server.url("a.git"), None)).await.unwrap_err();
    assert!(matches!(error, SourceError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_remote_that_never_answers_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let cache = tempfile::tempdir().unwrap();
    // Held open and never answered.
    let (accepted, resolved) = tokio::join!(listener.accept(), async {
        let source = source(format!("http://{addr}/a.git"), None);
        resolve(&source, cache.path(), Duration::from_millis(500)).await
    });
    let error = resolved.unwrap_err();
    assert!(matches!(error, SourceError::TimedOut { .. }), "{error:?}");
    assert!(error.is_transient() && error.to_string().contains("500ms"), "{error}");
    drop(accepted);
}

#[tokio::test]
async fn a_directory_that_is_no_repository_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("absent")] {
        let error = deploy(&source(path.display().to_string(), None)).await.unwrap_err();
        assert!(matches!(error, SourceError::NotFound { .. }) && !error.is_transient(), "{error:?}");
    }
}

#[tokio::test]
async fn ssh_never_prompts_and_a_closed_port_is_worth_another_try() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = deploy(&source(format!("ssh://git@127.0.0.1:{port}/a.git"), None)).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("Connection refused"), "{error:?}");
}
