//! What `herdsman check` answers.

use std::fs;

use clap::Parser as _;

use super::*;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: CheckArgs,
}

/// The arguments as a person types them; `{}` stands for the directory.
fn args(dir: &tempfile::TempDir, line: &[&str]) -> CheckArgs {
    let dir = dir.path().display().to_string();
    let words = line.iter().map(|word| word.replace("{}", &dir));
    Line::parse_from(std::iter::once("check".to_owned()).chain(words)).args
}

fn answered(dir: &tempfile::TempDir, line: &[&str]) -> (bool, String) {
    let answer = answer(&args(dir, line), dir.path());
    (answer.good, answer.text.replace(&format!("{}/", dir.path().display()), ""))
}

fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[test]
fn a_good_configuration_is_summed_up_with_where_each_value_comes_from() {
    let dir = dir_with(&[(
        "herdsman.toml",
        "[source]\npath = \"/srv/app\"\n[app]\nport = 8080\nenv = { TOKEN = \"hunter2\" }\n",
    )]);
    assert_eq!(
        answered(&dir, &[]),
        (
            true,
            "ok: herdsman.toml
  instance.cloud           \"auto\"           default
  source.path              \"/srv/app\"       herdsman.toml:2:1
  source.deadline          \"5m\"             default
  build.timeout            \"10m\"            default
  app.port                 8080             herdsman.toml:4:1
  app.env                  { TOKEN = \"…\" }  herdsman.toml:5:1
  workers.count            \"cores\"          default
  workers.share            \"transparent\"    default
  workers.stop_signal      \"SIGTERM\"        default
  workers.stop_timeout     \"30s\"            default
  workers.ready_timeout    \"1m\"             default
  health.listen            \"0.0.0.0:4373\"   default
  lifecycle.drain_timeout  \"5m\"             default"
                .to_owned()
        )
    );
}

#[test]
fn without_a_source_it_says_who_must_still_name_one() {
    let dir = dir_with(&[]);
    let (good, text) = answered(&dir, &[]);
    assert!(good);
    assert!(text.starts_with("ok: no configuration in "), "{text}");
    assert!(text.ends_with("  no source yet: user-data or the command line must name one"), "{text}");
}

#[test]
fn named_files_are_layers_in_their_order_and_the_app_is_held_to_its_rules() {
    let dir = dir_with(&[
        ("b.toml", "app.port = 1\n"),
        ("a.toml", "app.port = 2\n"),
        ("app.toml", "app.user = \"me\"\n"),
        ("herdsman.toml", "broken"),
    ]);
    let (good, text) = answered(&dir, &["{}/b.toml", "{}/a.toml"]);
    assert!(good && text.starts_with("ok: 2 files\n") && text.contains(" 2 ") && text.contains("a.toml:1:5"), "{text}");
    let (good, text) = answered(&dir, &["{}/app.toml"]);
    assert!(good, "{text}");
    let (good, text) = answered(&dir, &["{}/a.toml", "{}/missing.toml", "--app", "{}/app.toml"]);
    assert!(!good);
    assert!(
        text.starts_with(
            "2 problems in the configuration:\n  missing.toml  there is no such file\n  app.toml:1:5  app.user: "
        ),
        "{text}"
    );
}

#[test]
fn json_says_the_same_to_programs() {
    let dir = dir_with(&[("herdsman.toml", "app.port = 8080\n"), ("bad.toml", "app.port = 0\n")]);
    let (good, text) = answered(&dir, &["--json"]);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(good && said["ok"] == true && said["files"] == json!(["herdsman.toml"]));
    let port = said["values"].as_array().unwrap().iter().find(|value| value["key"] == "app.port").unwrap();
    assert_eq!(port["from"]["line"], 1);
    let (good, text) = answered(&dir, &["--json", "{}/bad.toml"]);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(!good && said["ok"] == false);
    assert_eq!(said["problems"][0]["key"], "app.port");
}

#[test]
fn the_exit_code_tells_good_from_bad() {
    let dir = dir_with(&[("good.toml", ""), ("bad.toml", "x")]);
    assert_eq!(run(&args(&dir, &["--json", "{}/good.toml"]), dir.path()), ExitCode::SUCCESS);
    assert_eq!(run(&args(&dir, &["--json", "{}/bad.toml"]), dir.path()), ExitCode::from(2));
}
