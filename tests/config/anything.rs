//! Whatever stands in a file, reading it ends with a configuration or with problems that have places.

use herdsman::config::{Config, Layer, Problems, merge, user_data_is_ours};
use proptest::prelude::*;

use super::{app, user_data};

const VALID: &str = "#!/usr/local/bin/herdsman up
[instance]
cloud = \"none\"
[source]
git = 'https://github.com/you/app' # ü
ref = \"main\"
subdir = \"api\"
deadline = \"5m\"
[build]
run = \"\"
[app]
run = \"\"\"
bun \\
index.ts\"\"\"
port = 8_080
env = { LOG_LEVEL = \"in\\u0066o\", B = '' }
[workers]
count = 4
share = \"ports\"
[health]
listen = \"[::]:81\"
probe = \"/\"
[lifecycle]
unready_wait = \"60s\"
";

/// Reads as the image's and as the app's, and looks at what is said.
fn reads(text: &str) {
    for result in [user_data(text), merge(&[app(text)])] {
        let Err(problems) = result else { continue };
        assert!(problems.len() > 0);
        assert_eq!(problems.to_string().lines().count(), problems.len() + 1, "one line each: {problems}");
        let lines = text.split('\n').count();
        for problem in problems.iter() {
            let place = &problem.place;
            assert!(place.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem}");
            assert!(place.column.is_none_or(|column| (1..=text.len() + 1).contains(&column)), "{problem}");
            assert!(!problem.message.is_empty());
            assert!(!problem.to_string().contains(|c: char| c.is_control()), "{problem:?}");
        }
    }
    let _ = user_data_is_ours(text.as_bytes());
}

#[test]
fn a_document_cut_off_at_any_byte_is_read() {
    assert!(user_data(VALID).is_ok(), "{}", user_data(VALID).unwrap_err());
    for end in (0..VALID.len()).filter(|end| VALID.is_char_boundary(*end)) {
        reads(&VALID[..end]);
        reads(&VALID[end..]);
    }
}

#[test]
fn a_document_with_any_byte_changed_is_read() {
    for at in (0..VALID.len()).filter(|at| VALID.is_char_boundary(*at)) {
        let after = VALID[at..].chars().next().map_or(0, char::len_utf8) + at;
        for other in [
            "", "\"", "'", "[", "]", "{", "}", "=", ".", ",", "\n", "\r", "\0", "\\", "#", "0", "-", "ü", "\u{7f}",
            "\"\"\"",
        ] {
            reads(&format!("{}{other}{}", &VALID[..at], &VALID[after..]));
        }
    }
}

#[test]
fn deep_nesting_and_long_lines_are_read() {
    for text in [
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}", "{a=".repeat(50_000)),
        format!("[{}]", "a.".repeat(50_000)),
        format!("{} = 1", "a.".repeat(50_000)),
        "a = 1, ".repeat(50_000),
        "x\n".repeat(50_000),
        "[[app]]\n".repeat(20_000),
        format!("[app]\nenv = {{ {} }}", "PORT = 1, ".repeat(20_000)),
        format!("[app]\nenv = {{ {} }}", (0..20_000).map(|n| format!("A{n} = 1, ")).collect::<String>()),
        (0..50_000).map(|n| format!("a{n}={{}},")).collect(),
    ] {
        let result: Result<Config, Problems> = user_data(&text);
        assert!(result.is_err_and(|problems| problems.len() <= 51));
    }
}

/// Names and values that mean something here, so that the tests come further than the first unknown key.
fn word() -> impl Strategy<Value = String> {
    let known: Vec<String> = herdsman::config::reference::examples()
        .into_iter()
        .flat_map(|(key, example)| {
            let (section, name) = key.split_once('.').unwrap_or((&key, ""));
            [section.to_owned(), name.to_owned(), key.clone(), example.to_owned()]
        })
        .chain(
            [
                "[", "]", "[[", "{", "}", "=", "\n", "\"", "'''", "\"\"\"", ",", ".", "#", "0", "\"0s\"", "65536", " ",
                "true",
            ]
            .map(str::to_owned),
        )
        .collect();
    prop_oneof![8 => proptest::sample::select(known), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        reads(&text);
    }

    #[test]
    fn any_heap_of_known_words_is_read(words in proptest::collection::vec(word(), 0..60)) {
        reads(&words.join(" "));
        reads(&words.concat());
    }

    #[test]
    fn any_value_of_any_key_is_read(lines in proptest::collection::vec((0_usize..22, word()), 0..12)) {
        let keys = herdsman::config::reference::examples();
        let text: String = lines.iter().map(|(key, value)| format!("{} = {value}\n", keys[key % keys.len()].0)).collect();
        reads(&text);
    }

    #[test]
    fn any_toml_is_read(table in toml_table()) {
        reads(&table.to_string());
    }

    #[test]
    fn any_bytes_are_ours_or_not(bytes in any::<Vec<u8>>()) {
        let _ = user_data_is_ours(&bytes);
    }

    #[test]
    fn what_one_layer_refuses_no_other_layer_makes_good(lines in proptest::collection::vec((0_usize..22, word()), 1..6)) {
        let keys = herdsman::config::reference::examples();
        let text: String = lines.iter().map(|(key, value)| format!("{} = {value}\n", keys[key % keys.len()].0)).collect();
        let alone = user_data(&text);
        let with = merge(&[super::baked(&text), Layer::user_data("[workers]\ncount = 2\n")]);
        // A rule between keys may come and go with another layer; a value that is wrong stays wrong.
        let wrong = |result: &Result<Config, Problems>| result.as_ref().err().map_or(0, |problems| problems.iter().filter(|one| one.found.is_some()).count());
        prop_assert_eq!(wrong(&alone), wrong(&with));
    }
}

fn toml_table() -> impl Strategy<Value = toml::Table> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(toml::Value::Integer),
        any::<f64>().prop_map(toml::Value::Float),
        any::<bool>().prop_map(toml::Value::Boolean),
        any::<String>().prop_map(toml::Value::String),
    ];
    let value = leaf.prop_recursive(3, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(toml::Value::Array),
            proptest::collection::vec((word(), inner), 0..5)
                .prop_map(|pairs| toml::Value::Table(pairs.into_iter().collect())),
        ]
    });
    proptest::collection::vec((word(), value), 0..8).prop_map(|pairs| pairs.into_iter().collect())
}
