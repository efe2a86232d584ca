//! Variables for build and workers. Their values may be secrets: no message shows one.

use std::collections::BTreeMap;

use serde_json::json;
use toml::Spanned;
use toml::de::DeValue;

use super::kind::{Kind, LONGEST_ARGUMENT, Wrong};
use crate::config::suggest::shown_key;

/// What herdsman itself tells the workers.
const OURS: [&str; 4] = ["PORT", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];
const OUR_PREFIX: &str = "HERDSMAN_";

pub(in crate::config) static ENV: Kind<BTreeMap<String, String>> = Kind {
    words: "a table of names and texts; not `PORT`, `LISTEN_FDS`, `LISTEN_PID`, `LISTEN_FDNAMES` and `HERDSMAN_…`, which herdsman sets",
    schema: || {
        json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
            "propertyNames": { "pattern": "^[^=\\s]+$", "not": { "pattern": "^(PORT|LISTEN_FDS|LISTEN_PID|LISTEN_FDNAMES|HERDSMAN_.*)$" } },
        })
    },
    read: variables,
    show: |env| {
        format!(
            "{{ {} }}",
            env.keys().map(|name| format!("{} = \"…\"", shown_key(name))).collect::<Vec<_>>().join(", ")
        )
    },
};

fn variables(value: &Spanned<DeValue<'_>>) -> Result<BTreeMap<String, String>, Vec<Wrong>> {
    let Some(table) = value.get_ref().as_table() else {
        return Err(Wrong::hidden("is a table: write `env = { NAME = \"value\" }`"));
    };
    let mut env = BTreeMap::new();
    let mut wrongs = Vec::new();
    for (name, value) in table {
        let mut wrong = |span, message: String| {
            wrongs.push(Wrong { span: Some(span), part: Some(shown_key(name.get_ref())), found: None, message });
        };
        if let Some(message) = wrong_in_name(name.get_ref()) {
            wrong(name.span(), message);
            continue;
        }
        match (value.get_ref().as_str(), wrong_in_value(value.get_ref())) {
            (Some(text), None) => {
                env.insert(name.get_ref().to_string(), text.to_owned());
            }
            (_, message) => wrong(value.span(), message.unwrap_or_default().to_owned()),
        }
    }
    if wrongs.is_empty() { Ok(env) } else { Err(wrongs) }
}

fn wrong_in_name(name: &str) -> Option<String> {
    if OURS.contains(&name) || name.starts_with(OUR_PREFIX) {
        return Some("herdsman sets it itself; take it out, or use another name".to_owned());
    }
    if name.is_empty() {
        return Some("a variable needs a name".to_owned());
    }
    if name.contains('=') || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("the name of a variable has no `=`, no space and no control character".to_owned());
    }
    (name.len() > 255).then(|| "the name of a variable has at most 255 characters".to_owned())
}

fn wrong_in_value(value: &DeValue<'_>) -> Option<&'static str> {
    match value.as_str() {
        None => Some("the value of a variable is a text: write it in quotes"),
        Some(text) if text.contains('\0') => Some("has a NUL character, which no variable can have"),
        Some(text) if text.len() + 256 > LONGEST_ARGUMENT => {
            Some("is longer than Linux takes (128 KiB); put it into a file")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::testing::read;
    use super::*;

    #[test]
    fn names_and_texts_become_variables() {
        let env = read(&ENV, r#"{ LOG_LEVEL = "info", "with.dot" = "" }"#).unwrap();
        assert_eq!(env["LOG_LEVEL"], "info");
        assert_eq!(env["with.dot"], "");
        assert_eq!((ENV.show)(&env), "{ LOG_LEVEL = \"…\", \"with.dot\" = \"…\" }");
    }

    #[test]
    fn all_wrong_variables_are_told_at_once_and_no_value_is_shown() {
        let told = read(
            &ENV,
            r#"{ PORT = "hunter2", HERDSMAN_X = "hunter2", LISTEN_FDS = "1", "" = "x", "A=B" = "x", "A B" = "x", N = 4711, Z = "hunter2\u0000", OK = "x" }"#,
        )
        .unwrap_err();
        assert_eq!(
            told,
            "\"\": a variable needs a name\n\
             \"A B\": the name of a variable has no `=`, no space and no control character\n\
             \"A=B\": the name of a variable has no `=`, no space and no control character\n\
             HERDSMAN_X: herdsman sets it itself; take it out, or use another name\n\
             LISTEN_FDS: herdsman sets it itself; take it out, or use another name\n\
             N: the value of a variable is a text: write it in quotes\n\
             PORT: herdsman sets it itself; take it out, or use another name\n\
             Z: has a NUL character, which no variable can have"
        );
    }

    #[test]
    fn what_no_process_could_be_started_with_is_refused() {
        let long = format!("{{ A = \"{}\" }}", "x".repeat(LONGEST_ARGUMENT));
        assert!(read(&ENV, &long).unwrap_err().contains("128 KiB"));
        let name = format!("{{ {} = \"\" }}", "x".repeat(256));
        assert!(read(&ENV, &name).unwrap_err().contains("at most 255"));
        assert_eq!(read(&ENV, "\"LOG=info\"").unwrap_err(), ": is a table: write `env = { NAME = \"value\" }`");
    }
}
