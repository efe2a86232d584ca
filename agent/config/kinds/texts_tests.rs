//! Commands, paths, accounts, references and the probe: what is taken and what is refused.

use std::path::PathBuf;

use super::super::kind::testing::read;
use super::*;

#[test]
fn an_empty_build_builds_nothing_but_an_empty_start_command_is_a_problem() {
    assert_eq!(read(&BUILD_COMMAND, "\"\""), Ok(BuildRun::Nothing));
    assert_eq!(read(&BUILD_COMMAND, "\"make\""), Ok(BuildRun::Command("make".to_owned())));
    assert_eq!(read(&APP_COMMAND, "\"bun index.ts\""), Ok("bun index.ts".to_owned()));
    assert!(read(&APP_COMMAND, "\"  \"").unwrap_err().contains("an empty command starts nothing"));
}

#[test]
fn a_command_is_never_shown() {
    for wrong in [r#""TOKEN=hunter2 run\u0000""#, r#"["hunter2"]"#] {
        let told = read(&APP_COMMAND, wrong).unwrap_err();
        assert!(!told.contains("hunter2"), "{told}");
    }
    let long = format!("\"{}\"", "x".repeat(LONGEST_ARGUMENT + 1));
    assert!(read(&BUILD_COMMAND, &long).unwrap_err().contains("128 KiB"));
}

#[test]
fn a_reference_is_a_name_that_cannot_be_taken_for_anything_else() {
    for good in ["main", "v1.2.3", "feature/x", "0123abcd", "HEAD", "refs/heads/main", "release@2"] {
        assert_eq!(read(&REFERENCE, &quoted(good)), Ok(good.to_owned()));
    }
    for (wrong, message) in [
        ("-u", "does not begin with `-`"),
        ("--upload-pack=x", "does not begin with `-`"),
        ("", "leave the key out for the default branch"),
        ("a b", "no spaces and no control characters"),
        ("a\nb", "no spaces and no control characters"),
        ("a..b", "is a plain name"),
        ("HEAD~1", "is a plain name"),
        ("x@{1}", "is a plain name"),
        ("+a:b", "is a plain name"),
        ("a/", "does not end with"),
        ("a.lock", "does not end with"),
    ] {
        let told = read(&REFERENCE, &quoted(wrong)).unwrap_err();
        assert!(told.contains(message), "{wrong:?}: {told}");
    }
}

#[test]
fn a_subdir_stays_inside_the_source() {
    assert_eq!(read(&SUBDIR, "\"./apps//api/\""), Ok(PathBuf::from("apps/api")));
    assert_eq!(read(&SUBDIR, "\".\""), Ok(PathBuf::new()));
    for (wrong, message) in [
        ("\"/api\"", "without the `/` in front"),
        ("\"..\"", "without `..`"),
        ("\"a/../../b\"", "without `..`"),
        ("\"\"", "is empty"),
        (r#""a\u0000b""#, "control character"),
        ("7", "a path is written in quotes"),
    ] {
        let told = read(&SUBDIR, wrong).unwrap_err();
        assert!(told.contains(message), "{wrong}: {told}");
    }
}

#[test]
fn a_directory_is_absolute_and_not_the_whole_machine() {
    assert_eq!(read(&DIRECTORY, "\"/srv/app\""), Ok(PathBuf::from("/srv/app")));
    assert!(read(&DIRECTORY, "\"srv/app\"").unwrap_err().contains("must be an absolute path"));
    assert!(read(&DIRECTORY, "\"/\"").unwrap_err().contains("the whole machine"));
}

#[test]
fn the_account_is_a_name_and_never_root() {
    assert_eq!(read(&USER, "\"ec2-user\""), Ok("ec2-user".to_owned()));
    for (wrong, message) in [
        ("\"root\"", "never run as root"),
        ("\"0\"", "never run as root"),
        ("\"1000\"", "not its number"),
        ("\"\"", "at most 32"),
        ("\"a b\"", "at most 32"),
        ("\"-x\"", "begins with a letter"),
        ("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "at most 32"),
    ] {
        let told = read(&USER, wrong).unwrap_err();
        assert!(told.contains(message), "{wrong}: {told}");
    }
}

#[test]
fn a_probe_is_a_path_as_it_stands_in_a_request() {
    assert_eq!(read(&PROBE, "\"/healthz?deep=1\""), Ok("/healthz?deep=1".to_owned()));
    for (wrong, message) in [
        ("\"\"", "must begin with `/`"),
        ("\"health\"", "must begin with `/`"),
        ("\"http://localhost/health\"", "write only the path"),
        ("\"/a b\"", "percent-encoded"),
        (r#""/a\r\nX: y""#, "percent-encoded"),
        ("\"/gesund/ü\"", "percent-encoded"),
        ("\"/a#b\"", "percent-encoded"),
    ] {
        let told = read(&PROBE, wrong).unwrap_err();
        assert!(told.contains(message), "{wrong}: {told}");
    }
}
