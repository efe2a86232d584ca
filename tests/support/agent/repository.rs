//! Git repositories made on the fly.

use std::path::Path;

/// A git repository on branch `main` with one commit of these files; commits more when it is there already.
pub fn git_repository(path: &Path, files: &[(&str, &str)]) {
    std::fs::create_dir_all(path).unwrap();
    for (name, text) in files {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    if !path.join(".git").exists() {
        git(path, &["init", "--quiet", "--initial-branch=main"]);
    }
    git(path, &["add", "--all"]);
    git(path, &["commit", "--quiet", "--allow-empty", "--message=a release"]);
}

/// Runs git there, with nobody's configuration.
pub fn git(path: &Path, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new("git");
    command
        .arg("-C")
        .arg(path)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "tester").env(format!("GIT_{role}_EMAIL"), "tester@example.com");
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
