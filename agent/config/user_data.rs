//! Whether an instance's user-data is a configuration of ours. Total: user-data is whatever somebody typed into a form.

use std::fmt;

use super::keys::SECTIONS;
use super::suggest::shown_text;

/// What user-data turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserData {
    /// A configuration, for [`super::Layer::user_data`].
    Config(String),
    /// Something for somebody else.
    NotOurs(Foreign),
}

/// What user-data is when it is not for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing.
    Empty,
    /// A script for this interpreter.
    Script(String),
    /// `#cloud-config` or another of cloud-init's own formats.
    CloudInit,
    /// Several parts for cloud-init.
    Mime,
    /// Compressed.
    Gzip,
    /// No text.
    Binary,
    /// A text with neither the first line nor a section of ours.
    Other,
}

/// cloud-init's formats by their first words (cloudinit/settings.py and user-data docs).
const CLOUD_INIT: [&str; 6] =
    ["#cloud-config", "#cloud-boothook", "#include", "#part-handler", "#upstart-job", "## template:"];

/// Looks at user-data as the metadata service gives it.
#[must_use]
pub fn user_data_is_ours(bytes: &[u8]) -> UserData {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return UserData::NotOurs(Foreign::Gzip);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return UserData::NotOurs(Foreign::Binary);
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match foreign(text) {
        None => UserData::Config(text.to_owned()),
        Some(foreign) => UserData::NotOurs(foreign),
    }
}

fn foreign(text: &str) -> Option<Foreign> {
    if text.trim().is_empty() {
        return Some(Foreign::Empty);
    }
    if text.contains('\0') {
        return Some(Foreign::Binary);
    }
    let first = text.lines().next().unwrap_or_default().trim_end();
    if let Some(command) = first.strip_prefix("#!") {
        let interpreter = interpreter(command);
        return (base(interpreter) != "herdsman").then(|| Foreign::Script(interpreter.to_owned()));
    }
    if first == "#herdsman" {
        return None;
    }
    if CLOUD_INIT.iter().any(|start| first.starts_with(start)) {
        return Some(Foreign::CloudInit);
    }
    let lower = first.to_ascii_lowercase();
    if ["content-type:", "mime-version:"].iter().any(|start| lower.starts_with(start)) {
        return Some(Foreign::Mime);
    }
    (!begins_with_a_section(text)).then_some(Foreign::Other)
}

/// The program that a `#!` line names, through `env` too.
fn interpreter(command: &str) -> &str {
    let mut words = command.split_whitespace();
    let first = words.next().unwrap_or_default();
    if base(first) != "env" {
        return first;
    }
    words.find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or(first)
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn begins_with_a_section(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let header = lines.next().and_then(|line| line.strip_prefix('[')).and_then(|line| line.split_once(']'));
    header.is_some_and(|(name, rest)| {
        let rest = rest.trim_start();
        (rest.is_empty() || rest.starts_with('#')) && SECTIONS.iter().any(|section| section.name == name.trim())
    })
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Script(interpreter) => write!(f, "a script for {}", shown_text(interpreter)),
            Self::CloudInit => f.write_str("a cloud-init file"),
            Self::Mime => f.write_str("a multi-part file for cloud-init"),
            Self::Gzip => f.write_str("compressed with gzip"),
            Self::Binary => f.write_str("no UTF-8 text"),
            Self::Other => {
                f.write_str("a text that neither begins with `#herdsman` nor with a section such as `[source]`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Foreign> {
        match user_data_is_ours(text.as_bytes()) {
            UserData::Config(_) => None,
            UserData::NotOurs(foreign) => Some(foreign),
        }
    }

    #[test]
    fn a_first_line_that_names_herdsman_makes_it_ours() {
        for ours in [
            "#!/usr/local/bin/herdsman up\n[source]\ngit = \"https://x/y\"\n",
            "#! /usr/local/bin/herdsman up\r\n",
            "#!/usr/bin/env herdsman",
            "#!/usr/bin/env -S herdsman up",
            "#herdsman\nsource.path = \"/srv\"\n",
            "\u{feff}#herdsman\n",
        ] {
            assert_eq!(kind(ours), None, "{ours:?}");
        }
    }

    #[test]
    fn a_section_of_ours_before_anything_else_makes_it_ours() {
        for section in ["instance", "source", "build", "app", "workers", "health", "lifecycle"] {
            assert_eq!(kind(&format!("\n  # hello\n\n [ {section} ] # it\nx = 1\n")), None, "{section}");
        }
        for other in
            ["[unit]\n", "[source\n", "[source] x\n", "source\n", "x = 1\n[source]\n", "[[source]]\n", "[source.git]\n"]
        {
            assert_eq!(kind(other), Some(Foreign::Other), "{other:?}");
        }
    }

    #[test]
    fn what_is_for_others_is_called_by_its_name() {
        let script = |name: &str| Some(Foreign::Script(name.to_owned()));
        assert_eq!(kind("#!/bin/sh\nherdsman up https://x/y\n[app]\n"), script("/bin/sh"));
        assert_eq!(kind("#!/bin/sh /usr/local/bin/herdsman\n"), script("/bin/sh"));
        assert_eq!(kind("#!/opt/herdsman/run\n"), script("/opt/herdsman/run"));
        assert_eq!(kind("#!"), script(""));
        assert_eq!(kind("#!/usr/bin/env"), script("/usr/bin/env"));
        assert_eq!(kind("#cloud-config\n[app]\n"), Some(Foreign::CloudInit));
        assert_eq!(kind("## template: jinja\n#cloud-config\n"), Some(Foreign::CloudInit));
        assert_eq!(kind("Content-Type: multipart/mixed; boundary=x\n"), Some(Foreign::Mime));
        assert_eq!(kind("MIME-Version: 1.0\n"), Some(Foreign::Mime));
        assert_eq!(kind(" \r\n\t\n"), Some(Foreign::Empty));
        assert_eq!(kind("[app]\nx = \"\0\"\n"), Some(Foreign::Binary));
        assert_eq!(user_data_is_ours(b""), UserData::NotOurs(Foreign::Empty));
        assert_eq!(user_data_is_ours(&[0x1f, 0x8b, 8, 0]), UserData::NotOurs(Foreign::Gzip));
        assert_eq!(user_data_is_ours(&[0xff, 0xfe, b'['].repeat(3)), UserData::NotOurs(Foreign::Binary));
    }

    #[test]
    fn what_it_is_can_be_said_on_one_line() {
        let said = Foreign::Script("/bin/\u{1b}sh".to_owned()).to_string();
        assert_eq!(said, r#"a script for "/bin/\u{1b}sh""#);
    }
}
