//! Small bad samples, one or more a rule: a checker that cannot fail proves nothing.

use crate::{Source, rules};

/// What is wrong with these files, as `path:line rule`.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source { path: (*path).to_owned(), text: format!("//! A sample.\n{text}\n") })
        .collect();
    rules::check(&sources).iter().map(|f| format!("{}:{} {}", f.path, f.line, f.rule)).collect()
}

#[track_caller]
fn refused(path: &str, text: &str, wanted: &str) {
    let found = findings(&[(path, text)]);
    assert!(found.iter().any(|f| f.contains(wanted)), "{wanted:?} is missed in {text:?}: {found:?}");
}

#[track_caller]
fn accepted(path: &str, text: &str) {
    assert_eq!(findings(&[(path, text)]), Vec::<String>::new(), "{text:?}");
}

#[test]
fn an_arrow_upwards_is_found_however_it_is_written() {
    let rule = "`ports` (one port, many workers) may use decide, sys, not `crate::act::";
    refused("ports/steer.rs", "use crate::act::workers;", rule);
    refused("ports/steer.rs", "use crate::{decide::ids, act::{health, workers::Slot}};", rule);
    refused("ports/steer.rs", "use crate::{\n    decide::ids,\n    act::workers as w,\n};", "ports/steer.rs:4 ");
    refused("ports/steer.rs", "fn f() { let x = crate::act::workers::all(); }", rule);
    refused("ports/steer.rs", "use super::super::act::workers;", rule);
    refused("ports/mod.rs", "use super::act::workers;", rule);
    refused("ports/steer.rs", "fn f() { ::herdsman::act::workers::all(); }", rule);
    refused("ports/steer.rs", "pub use crate::act::*;", "not `crate::act`");
    refused("ports/steer.rs", "fn f<T: Into<crate::act::X>>() {}", rule);
}

#[test]
fn an_arrow_downwards_or_within_the_room_is_fine() {
    accepted("ports/steer.rs", "use crate::decide::ids::Slot;\nuse super::table::Table;\nuse crate::ports::probe;");
    accepted("ports/deep/steer.rs", "use super::super::probe::Probe;\nuse self::inner::X;");
    accepted("run.rs", "use crate::{act, cli, cloud, driver};");
    accepted("main.rs", "use herdsman::cli;");
}

#[test]
fn a_part_of_a_room_can_be_open_and_the_rest_closed() {
    accepted("cloud/imds.rs", "use crate::decide::ids::InstanceId;\nuse crate::decide::{aws::State, ids};");
    refused("cloud/imds.rs", "use crate::decide::lifecycle::Phase;", "not `crate::decide::lifecycle::Phase`");
    refused("cloud/imds.rs", "use crate::decide;", "not `crate::decide`");
}

#[test]
fn nobody_below_names_the_composition_root_or_the_commands() {
    refused("act/health.rs", "use crate::run::Agent;", "not `crate::run::Agent`");
    refused("driver.rs", "use crate::cli::Args;", "not `crate::cli::Args`");
}

#[test]
fn a_room_without_a_row_is_refused() {
    refused("helpers/mod.rs", "", "`helpers` has no row");
}

#[test]
fn decide_has_no_clock_no_io_no_log_no_dice_and_does_not_wait() {
    for text in [
        "use std::time::{Duration, Instant};",
        "use std::time;\nfn f() { time::Instant::now(); }",
        "fn f() { let t = std::time::SystemTime::now(); }",
        "use std::{collections::BTreeMap, fs};",
        "use std::net::TcpStream;",
        "fn f() { std::process::exit(1) }",
        "fn f() { std::env::var(\"X\"); }",
        "fn f() { tracing::info!(\"x\"); }",
        "use tracing::warn;",
        "use tokio::sync::mpsc;",
        "fn f() { fastrand::u32(..); }",
        "async fn f() {}",
        "fn f() { println!(\"x\"); }",
    ] {
        refused("decide/lifecycle.rs", text, "`decide` is pure");
    }
    accepted("decide/lifecycle.rs", "use std::time::Duration;\nuse std::net::IpAddr;\nuse super::ids::Slot;");
    accepted("act/health.rs", "use std::time::Duration;\nuse tokio::sync::watch;\nasync fn f() {}");
}

#[test]
fn a_circle_is_found_from_the_real_arrows_whatever_the_table_says() {
    let found = findings(&[
        ("process/spawn.rs", "use crate::sys::clone;"),
        ("sys.rs", "\nfn f() { crate::config::load(); }"),
        ("config/load.rs", "use crate::process::Account;"),
    ]);
    for wanted in [
        "sys.rs:3 a circle: sys → config → process → sys",
        "config/load.rs:2 a circle: config → process → sys → config",
        "process/spawn.rs:2 a circle: process → sys → config → process",
    ] {
        assert!(found.iter().any(|f| f == wanted), "{wanted:?} is missed: {found:#?}");
    }
}

#[test]
fn unsafe_is_for_one_file() {
    refused("ports/mod.rs", "fn f() { unsafe { g() } }", "`unsafe` is for the room `sys` alone");
    refused("ports/mod.rs", "#![allow(unsafe_code)]", "`unsafe_code` is for the room `sys` alone");
    accepted("sys.rs", "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }");
}

#[test]
fn a_field_or_variant_for_tests_is_refused_and_test_items_are_not() {
    let rule = "a field or variant for tests alone";
    refused("act/x.rs", "struct X {\n    a: u8,\n    #[cfg(test)]\n    b: u8,\n}", "act/x.rs:4 a field");
    refused("act/x.rs", "enum X { A, #[cfg(any(test, feature = \"x\"))] B }", rule);
    accepted("act/x.rs", "struct X { a: u8 }\n#[cfg(test)]\nmod tests { struct Y { z: u8 } }");
    accepted("act/x.rs", "struct X;\n#[cfg(test)]\nmod x_tests;");
}

#[test]
fn a_sleep_of_the_thread_is_refused() {
    refused("act/x.rs", "fn f() { std::thread::sleep(d); }", "blocks the one thread");
    refused("act/x.rs", "use std::thread;\nfn f() { thread::sleep(d); }", "act/x.rs:3 ");
}

#[test]
fn a_file_too_long_or_without_its_heading_is_refused() {
    refused("act/x.rs", &"\n".repeat(300), "lines: 300 are the most");
    accepted("act/x.rs", &"\n".repeat(298));
    let bare = [Source { path: "act/x.rs".into(), text: "fn f() {}\n".into() }];
    assert!(rules::check(&bare).iter().any(|f| f.rule.contains("begins with `//!`")));
}

#[test]
fn what_stands_in_comments_quotes_and_tests_is_no_arrow() {
    accepted(
        "decide/x.rs",
        r##"// use crate::act::x;
/* use crate::act::x; /* nested */ use tokio::y; */
/// See crate::act::x.
const A: &str = "use crate::act::x; \" unsafe";
const B: &str = r#"crate::act "quoted" unsafe"#;
const C: [char; 3] = ['"', '\'', '\u{22}'];
fn f<'a>(x: &'a str) -> &'a str { x }
#[cfg(test)]
mod tests { use crate::act::x; fn f() { unsafe { std::thread::sleep(g) } } }
#[cfg(test)]
#[allow(dead_code)]
pub(crate) fn helper(x: [u8; 2]) { tokio::spawn(x) }
#[cfg(test)]
use crate::act::{x, y};
"##,
    );
    refused("decide/x.rs", "#[cfg(test)]\nuse crate::act::{x, y};\nuse crate::act::z;", "decide/x.rs:4 ");
    refused("decide/x.rs", "const A: char = '\"';\nuse crate::act::z;", "decide/x.rs:3 ");
}
