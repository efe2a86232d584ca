//! Commands, paths, accounts, references and the probe.

use std::path::{Component, Path, PathBuf};

use serde_json::json;
use toml::de::DeValue;

use super::kind::{Kind, LONGEST_ARGUMENT, Wrong, quoted, text};
use crate::config::values::BuildRun;

pub(in crate::config) static BUILD_COMMAND: Kind<BuildRun> = Kind {
    words: "a command for `/bin/sh`; `\"\"` builds nothing",
    schema: || json!({ "type": "string" }),
    read: |value| {
        let line = command(value.get_ref())?;
        Ok(if line.trim().is_empty() { BuildRun::Nothing } else { BuildRun::Command(line.to_owned()) })
    },
    show: |run| match run {
        BuildRun::Command(line) => quoted(line),
        BuildRun::Nothing | BuildRun::Detect => quoted(""),
    },
};

pub(in crate::config) static APP_COMMAND: Kind<String> = Kind {
    words: "a command",
    schema: || json!({ "type": "string", "pattern": "\\S" }),
    read: |value| match command(value.get_ref())? {
        empty if empty.trim().is_empty() => Err(Wrong::value(
            value.get_ref(),
            "an empty command starts nothing; write the start command, or leave the key out to have it found",
        )),
        line => Ok(line.to_owned()),
    },
    show: |line| quoted(line),
};

pub(in crate::config) static REFERENCE: Kind<String> = Kind {
    words: "a branch, a tag or a commit",
    schema: || json!({ "type": "string", "pattern": "^[^-\\s][^\\s]*$" }),
    read: |value| {
        let found = text(value.get_ref(), "a git reference")?;
        match wrong_in_reference(found) {
            Some(wrong) => Err(Wrong::value(value.get_ref(), format!("a branch, tag or commit {wrong}"))),
            None => Ok(found.to_owned()),
        }
    },
    show: |reference| quoted(reference),
};

pub(in crate::config) static SUBDIR: Kind<PathBuf> = Kind {
    words: "a relative path without `..`; `\".\"` is the source's root",
    schema: || json!({ "type": "string", "pattern": "^[^/]" }),
    read: |value| {
        let found = path(value.get_ref())?;
        let mut inside = PathBuf::new();
        for component in found.components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                Component::ParentDir => {
                    return Err(Wrong::value(value.get_ref(), "must stay inside the source: write it without `..`"));
                }
                Component::RootDir | Component::Prefix(_) => {
                    return Err(Wrong::value(
                        value.get_ref(),
                        "is a directory inside the source: write it without the `/` in front",
                    ));
                }
            }
        }
        Ok(inside)
    },
    show: |dir| quoted(&if dir.as_os_str().is_empty() { ".".into() } else { dir.to_string_lossy() }),
};

pub(in crate::config) static DIRECTORY: Kind<PathBuf> = Kind {
    words: "an absolute path",
    schema: || json!({ "type": "string", "pattern": "^/." }),
    read: |value| match path(value.get_ref())? {
        relative if !relative.is_absolute() => {
            Err(Wrong::value(value.get_ref(), "must be an absolute path: nobody knows what it would be relative to"))
        }
        root if root.components().count() == 1 => {
            Err(Wrong::value(value.get_ref(), "is the whole machine; name the directory that holds the app"))
        }
        path => Ok(path.to_owned()),
    },
    show: |path| quoted(&path.to_string_lossy()),
};

pub(in crate::config) static USER: Kind<String> = Kind {
    words: "the name of an account other than root",
    schema: || json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$", "not": { "const": "root" } }),
    read: |value| {
        let found = text(value.get_ref(), "the name of an account")?;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let wrong = match found {
            "root" | "0" => "build and workers never run as root; name another account",
            _ if !found.is_empty() && found.bytes().all(|b| b.is_ascii_digit()) => {
                "write the account's name, not its number"
            }
            // useradd(8) takes at most 32.
            _ if found.len() > 32
                || !found.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                || !found.chars().all(good) =>
            {
                "an account's name has at most 32 letters, digits, `_`, `-` and `.`, and begins with a letter or `_`"
            }
            _ => return Ok(found.to_owned()),
        };
        Err(Wrong::value(value.get_ref(), wrong))
    },
    show: |user| quoted(user),
};

pub(in crate::config) static PROBE: Kind<String> = Kind {
    words: "a path that begins with `/`",
    schema: || json!({ "type": "string", "pattern": "^/[A-Za-z0-9/?._~!$&'()*+,;=:@%-]*$" }),
    read: |value| {
        let found = text(value.get_ref(), "the path of the probe")?;
        // RFC 3986, pchar and the query; all else is sent percent-encoded.
        let good = |b: u8| b.is_ascii_alphanumeric() || b"/?._~!$&'()*+,;=:@%-".contains(&b);
        match found {
            url if url.contains("://") => {
                Err(Wrong::value(value.get_ref(), "is asked of each worker: write only the path, such as \"/healthz\""))
            }
            path if !path.starts_with('/') => {
                Err(Wrong::value(value.get_ref(), "must begin with `/`, such as \"/healthz\""))
            }
            path if !path.bytes().all(good) => Err(Wrong::value(
                value.get_ref(),
                "has a space or another character that cannot stand in a request; write it percent-encoded, such as `%20`",
            )),
            path => Ok(path.to_owned()),
        }
    },
    show: |path| quoted(path),
};

/// A command may hold a secret, so it is never shown.
fn command<'a>(value: &'a DeValue<'_>) -> Result<&'a str, Vec<Wrong>> {
    let line =
        value.as_str().ok_or_else(|| Wrong::hidden("a command is one text in quotes, such as \"bun index.ts\""))?;
    if line.contains('\0') {
        return Err(Wrong::hidden("has a NUL character, which no command can have"));
    }
    if line.len() > LONGEST_ARGUMENT {
        return Err(Wrong::hidden("is longer than 128 KiB, the most that Linux takes; put it into a script"));
    }
    Ok(line)
}

fn path<'a>(value: &'a DeValue<'_>) -> Result<&'a Path, Vec<Wrong>> {
    let found = text(value, "a path")?;
    if found.is_empty() {
        return Err(Wrong::value(value, "is empty; name a directory, or leave the key out"));
    }
    if found.chars().any(char::is_control) {
        return Err(Wrong::value(value, "has a control character; a path has none"));
    }
    Ok(Path::new(found))
}

/// The rules of git-check-ref-format(1), as far as they keep a name from meaning something else.
fn wrong_in_reference(found: &str) -> Option<&'static str> {
    match found {
        "" => Some("has a name; leave the key out for the default branch"),
        _ if found.starts_with('-') => Some("does not begin with `-`"),
        _ if found.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Some("has no spaces and no control characters")
        }
        _ if found.contains(['~', '^', ':', '?', '*', '[', '\\']) || found.contains("..") || found.contains("@{") => {
            Some("is a plain name, without `..`, `@{`, `~`, `^`, `:`, `?`, `*`, `[` and `\\`")
        }
        _ if found.starts_with('/')
            || found.ends_with(['/', '.'])
            || found.ends_with(".lock")
            || found.contains("//") =>
        {
            Some("does not begin with `/`, does not end with `/`, `.` or `.lock`, and has no `//`")
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "texts_tests.rs"]
mod tests;
