//! What somebody reads at three in the morning, word for word.

use herdsman::config::{FlagOverrides, Layer, merge};

use super::{baked, drop_in, told};

#[test]
fn all_problems_of_all_layers_are_told_at_once() {
    let problems = merge(&[
        baked("[source]\ngit = \"https://github.com/you/app\"\n\n[workers]\nstop_signal = \"TERM\"\nshare = \"none\"\ncuont = 4\n"),
        drop_in("50-app.toml", "# the app\n[app]\nport = 70000\nrun = bun index.ts\n\n[helth]\nprobe = \"/\"\n"),
        Layer::user_data("#!/usr/local/bin/herdsman up\n[build]\ntimeout = 10\n"),
        Layer::flags(&FlagOverrides { reference: Some("-x".to_owned()), ..FlagOverrides::default() }),
    ])
    .unwrap_err();
    assert_eq!(problems.len(), 7);
    assert_eq!(
        problems.to_string(),
        "7 problems in the configuration:\
       \n  /etc/herdsman/herdsman.toml:5:15  workers.stop_signal = \"TERM\": a signal that asks a program to end is `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGUSR1`, `SIGUSR2`, `SIGWINCH`, `SIGABRT` or `SIGKILL`; did you mean `SIGTERM`?\
       \n  /etc/herdsman/herdsman.toml:7:1  workers.cuont: unknown key; did you mean `count`?\
       \n  /etc/herdsman/conf.d/50-app.toml:3:8  app.port = 70000: a port is a number from 1 to 65535\
       \n  /etc/herdsman/conf.d/50-app.toml:4:7  not valid TOML: a text is written in quotes; only numbers, `true` and `false` are not\
       \n  /etc/herdsman/conf.d/50-app.toml:6:2  helth: unknown section; did you mean `[health]`?\
       \n  user-data:3:11  build.timeout = 10: a time has a unit and quotes: \"10s\" (seconds) or \"10m\" (minutes)\
       \n  command line  source.ref = \"-x\": a branch, tag or commit does not begin with `-`"
    );
}

#[test]
fn one_problem_is_one_problem() {
    let problems = merge(&[Layer::user_data("[app]\nport = 0")]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "1 problem in the configuration:\n  user-data:2:8  app.port = 0: a port is a number from 1 to 65535"
    );
}

#[test]
fn programs_get_the_same_in_json() {
    let problems = merge(&[Layer::user_data("[app]\nport = 0\nx")]).unwrap_err();
    assert_eq!(
        serde_json::to_value(&problems).unwrap(),
        serde_json::json!([
            {
                "place": { "file": "user-data", "line": 2, "column": 8 },
                "key": "app.port", "found": "0", "message": "a port is a number from 1 to 65535",
            },
            {
                "place": { "file": "user-data", "line": 3, "column": 2 },
                "key": null, "found": null,
                "message": "not valid TOML: TOML wants `key = value` on a line, or `{ key = value }` for a table; this looks like YAML, JSON or plain text",
            },
        ])
    );
}

#[test]
fn an_unknown_name_is_told_what_was_probably_meant() {
    for (text, message) in [
        ("[workers]\ninstances = 2", "2:1  workers.instances: unknown key; did you mean `count`?"),
        ("[source]\nbranch = \"x\"", "2:1  source.branch: unknown key; did you mean `ref`?"),
        ("[app]\ncount = 2", "2:1  app.count: unknown key; did you mean `workers.count`?"),
        ("[workers]\nport = 2", "2:1  workers.port: unknown key; did you mean `app.port`?"),
        ("[health]\nport = 2", "2:1  health.port: unknown key; did you mean `listen`?"),
        (
            "[lifecycle]\nzebra = 2",
            "2:1  lifecycle.zebra: unknown key; `[lifecycle]` has `drain_timeout` and `unready_wait`",
        ),
        ("port = 3000", "1:1  port: stands in no section; did you mean `app.port`?"),
        ("run = \"x\"", "1:1  run: stands in no section; did you mean `build.run` or `app.run`?"),
        ("[env]\nA = \"x\"", "1:2  env: stands in no section; did you mean `app.env`?"),
        ("[worker]\ncount = 1", "1:2  worker: unknown section; did you mean `[workers]`?"),
        (
            "[\"\\u001b[2J\"]",
            "1:2  \"\\u{1b}[2J\": unknown section; there are `instance`, `source`, `build`, `app`, `workers`, `health` and `lifecycle`",
        ),
        ("app = 3000", "1:1  app: is a section: write `[app]` on a line of its own and its keys below"),
        ("[[app]]\nport = 1", "1:3  app: is a section: write `[app]` on a line of its own and its keys below"),
    ] {
        assert_eq!(told(text), [message], "{text}");
    }
}

#[test]
fn sources_of_the_future_are_known_but_refused() {
    let only = "this version fetches from git (`source.git`) or from a directory (`source.path`) only";
    assert_eq!(told("[source]\ns3 = \"s3://b/k\""), [format!("2:1  source.s3: {only}")]);
    assert_eq!(told("[source]\nurl = \"https://x/y.tgz\""), [format!("2:1  source.url: {only}")]);
}

#[test]
fn mistakes_in_the_toml_are_told_in_plain_words() {
    for (text, message) in [
        ("[app]\nport =", "2:7  not valid TOML: there is no value after the `=`"),
        ("[app\nport = 0", "1:5  not valid TOML: the section's header has no `]`"),
        ("[app]\nrun = \"bun\nport = 1", "2:11  not valid TOML: the text has no closing quote on its line"),
        ("[app]\nport = 1\nport = 2", "3:1  not valid TOML: `port` stands here a second time; keep one of them"),
        ("[app]\nrun = \"\"\"bun", "2:13  not valid TOML: a text that began with three quotes is not closed"),
        (
            "[app]\nenv = { A: \"x\" }",
            "2:10  not valid TOML: TOML wants `key = value` on a line, or `{ key = value }` for a table; this looks like YAML, JSON or plain text",
        ),
        (
            "[app]\nenv = { A = \"x\",\nport = 1\n",
            "3:9  not valid TOML: a `,` is missing, or a `{` or `[` above is not closed",
        ),
        (
            "app:\n  port: 3000\nworkers:\n  count: 2\n",
            "1:4  not valid TOML: TOML wants `key = value` on a line, or `{ key = value }` for a table; this looks like YAML, JSON or plain text",
        ),
        (
            "[app]\nrun = \"a\\dir\"",
            "2:10  not valid TOML: in double quotes a `\\` is written `\\\\`; or write the text in single quotes",
        ),
        ("[app]\nport = 03000", "2:8  not valid TOML: a number does not begin with 0"),
        ("[app]\nrun = True", "2:7  not valid TOML: write `true` or `false` in small letters, a text in quotes"),
        (
            "[app]\nrun = \"x\" port = 1",
            "2:11  not valid TOML: something follows that does not belong on this line; each key has a line of its own",
        ),
    ] {
        assert_eq!(told(text), [message], "{text}");
    }
}

#[test]
fn a_mistake_in_the_toml_hides_no_problem_of_another_line_and_invents_none() {
    assert_eq!(told("[app]\nport = 0\nrun = bun\nuser = 3\n[workers]\ncount = 0\n").len(), 4, "a line of its own");
    // The header decides what the keys below it are, so nothing below is judged.
    assert_eq!(told("[app]\nport = 0\n[workers\ncount = 0\nstop_signal = 1\n").len(), 2);
    // What is missing because of a mistake breaks no rule between keys.
    assert_eq!(told("[health]\nlisten = \"0.0.0.0:3000\"\n[app]\nport = 80x\n").len(), 1);
    assert_eq!(told("[health]\nlisten = \"0.0.0.0:3000\"\n[app]\nport = 0\n").len(), 1);
}

#[test]
fn no_message_shows_a_secret() {
    for text in [
        "[source]\ngit = \"https://you:hunter2@github.com/you/app\"",
        "[source]\ngit = \"https://hunter2@github.com/you/app\"",
        "[source]\ngit = https://you:hunter2@github.com/you/app",
        "[source]\ngit = \"https://you:hunter2@github.com/you/app",
        "[source]\npath = \"https://you:hunter2@github.com/you/app\"",
        "[source]\nref = \"https://you:hunter2@github.com/you/app\"",
        "[source]\n\"https://you:hunter2@github.com/you/app\" = 1",
        "[source]\ngti = \"https://you:hunter2@github.com/you/app\"",
        "[app]\nenv = { TOKEN = \"hunter2\", PORT = \"hunter2\" }",
        "[app]\nenv = { TOKEN = hunter2 }",
        "[app]\nenv = \"TOKEN=hunter2\"",
        "[app]\nrun = \"TOKEN=hunter2 x\\u0000\"",
        "[build]\nrun = [\"TOKEN=hunter2\"]",
    ] {
        let said = told(text).join("\n");
        assert!(!said.contains("hunter2"), "{text}\n{said}");
    }
}

#[test]
fn no_debug_output_shows_a_variable() {
    let layers = [Layer::user_data("[app]\nenv = { TOKEN = \"hunter2\" }")];
    let debugged = format!("{layers:?} {:?}", merge(&layers).unwrap());
    assert!(debugged.contains("TOKEN") && !debugged.contains("hunter2"), "{debugged}");
}

#[test]
fn a_file_of_nonsense_does_not_fill_the_log() {
    let nonsense: String = (0..5000).map(|n| format!("key{n} = 1\n")).collect();
    let said = told(&nonsense);
    assert_eq!(said.len(), 51);
    assert!(said[50].ends_with("and 4950 more in this file"), "{}", said[50]);
}
