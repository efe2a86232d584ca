//! From a source to a release that can be started: real repositories, real programs, real directories.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::unwrap_used, clippy::panic)]

#[path = "releases/build.rs"]
mod build;
#[path = "releases/dir.rs"]
mod dir;
#[path = "releases/git.rs"]
mod git;
#[path = "releases/http.rs"]
mod http;
#[path = "releases/life.rs"]
mod life;
#[path = "releases/repository.rs"]
mod repository;
#[path = "releases/runner.rs"]
mod runner;
#[path = "releases/ssh.rs"]
mod ssh;
