//! Directories as sources: one revision for one content, copies that are the same, and what is refused.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use herdsman::config::{Origin, Source};
use herdsman::source::{SourceError, fetch, resolve};
use tempfile::TempDir;

use super::repository::LONG;

fn source(path: &Path) -> Source {
    Source { origin: Origin::Path(path.to_owned()), subdir: None, deadline: LONG }
}

fn app() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("bin")).unwrap();
    std::fs::create_dir_all(dir.path().join(".git/objects")).unwrap();
    std::fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/main").unwrap();
    std::fs::write(dir.path().join("app.js"), "one").unwrap();
    std::fs::write(dir.path().join("bin/run"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(dir.path().join("bin/run"), std::fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("../app.js", dir.path().join("bin/link")).unwrap();
    dir
}

async fn revision(source: &Source) -> Result<String, SourceError> {
    Ok(resolve(source, Path::new("/nonexistent"), LONG).await?.to_string())
}

#[tokio::test]
async fn the_revision_changes_with_contents_modes_names_and_links_and_with_nothing_else() {
    let dir = app();
    let source = source(dir.path());
    let before = revision(&source).await.unwrap();
    std::fs::write(dir.path().join(".git/HEAD"), "ref: refs/heads/other").unwrap();
    std::fs::write(dir.path().join("app.js"), "one").unwrap();
    assert_eq!(revision(&source).await.unwrap(), before);

    let mut seen = vec![before];
    let changes: [&dyn Fn(&Path); 4] = [
        &|root| std::fs::write(root.join("app.js"), "two").unwrap(),
        &|root| std::fs::set_permissions(root.join("app.js"), std::fs::Permissions::from_mode(0o755)).unwrap(),
        &|root| std::fs::rename(root.join("app.js"), root.join("bpp.js")).unwrap(),
        &|root| {
            std::fs::remove_file(root.join("bin/link")).unwrap();
            symlink("../bpp.js", root.join("bin/link")).unwrap();
        },
    ];
    for change in changes {
        change(dir.path());
        let now = revision(&source).await.unwrap();
        assert!(!seen.contains(&now));
        seen.push(now);
    }
}

#[tokio::test]
async fn the_copy_is_the_same_without_git_and_without_set_user_id() {
    let dir = app();
    let source = source(dir.path());
    let revision = resolve(&source, Path::new("/nonexistent"), LONG).await.unwrap();
    let into = tempfile::tempdir().unwrap();
    fetch(&source, &revision, Path::new("/nonexistent"), into.path(), LONG).await.unwrap();
    let at = |path: &str| into.path().join(path);
    assert!(!at(".git").exists());
    assert_eq!(std::fs::read_to_string(at("bin/link")).unwrap(), "one");
    assert_eq!(std::fs::read_link(at("bin/link")).unwrap(), Path::new("../app.js"));
    assert_eq!(at("bin/run").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn a_directory_that_has_changed_since_is_not_taken_for_the_old_one() {
    let dir = app();
    let source = source(dir.path());
    let revision = resolve(&source, Path::new("/nonexistent"), LONG).await.unwrap();
    std::fs::write(dir.path().join("app.js"), "changed").unwrap();
    let into = tempfile::tempdir().unwrap();
    let error = fetch(&source, &revision, Path::new("/nonexistent"), into.path(), LONG).await.unwrap_err();
    assert!(matches!(error, SourceError::Changing { .. }) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_a_release_is_refused_by_name() {
    for target in ["/etc/passwd", "../outside", "bin/../../outside"] {
        let dir = app();
        symlink(target, dir.path().join("evil")).unwrap();
        let error = revision(&source(dir.path())).await.unwrap_err();
        assert!(matches!(error, SourceError::Unfit { .. }) && error.to_string().contains("evil"), "{error}");
    }
    let dir = app();
    nix::unistd::mkfifo(&dir.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = revision(&source(dir.path())).await.unwrap_err();
    assert!(error.to_string().contains("pipe") && !error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_missing_directory_is_told_with_what_is_there() {
    let dir = app();
    let mut source = source(dir.path());
    source.subdir = Some("web".into());
    let error = revision(&source).await.unwrap_err();
    assert!(error.to_string().ends_with("its top level has: app.js, bin"), "{error}");
    source.subdir = Some("bin".into());
    // Its link leads out of what is now the whole release.
    assert!(matches!(revision(&source).await.unwrap_err(), SourceError::Unfit { .. }));
    let error = revision(&Source { origin: Origin::Path("/no/such/dir".into()), ..source }).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/dir"), "{error}");
}
