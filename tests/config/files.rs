//! Layers as they lie on disk, whole and broken.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use herdsman::config::{Layer, LayerKind, Problems};
use nix::sys::stat::Mode;

fn dir_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// The problems with the directory's own path taken out.
fn said(problems: &Problems, dir: &Path) -> Vec<String> {
    let dir = format!("{}/", dir.display());
    problems.iter().map(|problem| problem.to_string().replace(&dir, "")).collect()
}

#[test]
fn a_missing_directory_is_no_problem() {
    assert_eq!(Layer::read_dir(Path::new("/nonexistent/herdsman")), Ok(Vec::new()));
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Layer::read_dir(dir.path()), Ok(Vec::new()));
    assert_eq!(Layer::app(dir.path()), Ok(None));
}

#[test]
fn drop_ins_are_read_in_the_order_of_their_names() {
    let dir = dir_with(&[
        ("conf.d/b.toml", b"# b"),
        ("conf.d/10.toml", b"# 10"),
        ("conf.d/.hidden.toml", b"= broken"),
        ("conf.d/a.toml.bak", b"= broken"),
        ("conf.d/9.toml", b"# 9"),
        ("herdsman.toml", b"# baked"),
        ("other.toml", b"= broken"),
    ]);
    let layers = Layer::read_dir(dir.path()).unwrap();
    let texts: Vec<_> = layers.iter().map(|layer| layer.text.as_str()).collect();
    assert_eq!(texts, ["# baked", "# 10", "# 9", "# b"]);
    assert_eq!(layers[0].kind, LayerKind::Baked(dir.path().join("herdsman.toml")));
    assert_eq!(layers[3].kind, LayerKind::DropIn(dir.path().join("conf.d/b.toml")));
}

#[test]
fn what_cannot_be_read_is_told_together_with_all_other_problems() {
    let dir = dir_with(&[
        ("herdsman.toml", b"[app]\nport = 0\n"),
        ("conf.d/1.toml", b"# one\n\xff\n"),
        ("conf.d/2.toml", &vec![b'#'; 1024 * 1024 + 1]),
        ("conf.d/4.toml", &vec![b'#'; 1024 * 1024]),
    ]);
    fs::create_dir(dir.path().join("conf.d/3.toml")).unwrap();
    nix::unistd::mkfifo(&dir.path().join("conf.d/5.toml"), Mode::S_IRWXU).unwrap();
    symlink("loop.toml", dir.path().join("conf.d/loop.toml")).unwrap();
    let problems = Layer::read_dir(dir.path()).unwrap_err();
    let told = said(&problems, dir.path());
    assert_eq!(told[0], "conf.d/1.toml  is not UTF-8 text (line 2); save it as UTF-8");
    assert_eq!(told[1], "conf.d/2.toml  is larger than 1 MiB; no configuration is, so it is probably another file");
    assert_eq!(told[2], "conf.d/3.toml  is a directory, and should be a file");
    assert_eq!(told[3], "conf.d/5.toml  cannot be read: it is no regular file");
    assert!(told[4].starts_with("conf.d/loop.toml  cannot be read: Too many levels of symbolic links"), "{}", told[4]);
    assert_eq!(told[5], "herdsman.toml:2:8  app.port = 0: a port is a number from 1 to 65535");
    assert_eq!(told.len(), 6);
}

#[test]
fn a_file_in_place_of_a_directory_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf.d"), "").unwrap();
    let told = said(&Layer::read_dir(dir.path()).unwrap_err(), dir.path());
    assert!(told[0].starts_with("conf.d  cannot be listed: "), "{}", told[0]);
    let told = Layer::read_dir(&dir.path().join("conf.d")).unwrap_err();
    assert_eq!(told.len(), 2, "{told}");
}

#[test]
fn the_image_may_link_its_configuration_but_the_app_may_not() {
    let dir = dir_with(&[("conf.d/secret", b"[app]\nport = 1\n")]);
    symlink("conf.d/secret", dir.path().join("herdsman.toml")).unwrap();
    assert_eq!(Layer::read_dir(dir.path()).unwrap().len(), 1);
    let told = said(&Layer::app(dir.path()).unwrap_err(), dir.path());
    assert_eq!(
        told,
        ["herdsman.toml  is a symbolic link, which the app's own herdsman.toml may not be; put the file itself there"]
    );
}

#[test]
fn the_apps_own_file_is_read_as_the_apps() {
    let dir = dir_with(&[("herdsman.toml", b"[app]\nuser = \"x\"\n")]);
    let layer = Layer::app(dir.path()).unwrap().unwrap();
    assert_eq!(layer.kind, LayerKind::App(dir.path().join("herdsman.toml")));
    assert!(herdsman::config::merge(&[layer]).is_err());
}

#[test]
fn a_named_file_must_be_there() {
    let problems = Layer::named(LayerKind::DropIn("/nonexistent/x.toml".into())).unwrap_err();
    assert_eq!(problems.to_string(), "1 problem in the configuration:\n  /nonexistent/x.toml  there is no such file");
}
