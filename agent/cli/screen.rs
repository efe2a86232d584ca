//! What goes to the standard output: a pipe that was closed early (`| head`) is no error, and colours are for terminals only.

use std::io::{IsTerminal, Write};

/// One line, or several.
pub(super) fn say(text: &str) {
    // Whoever closed the pipe wants no more.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Paints words, or leaves them as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// As the standard output likes it; `NO_COLOR` wins (<https://no-color.org>).
    pub(super) fn detect() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// By how well something is: good, so-so, bad.
    pub(super) fn by(self, word: &str, mood: Mood) -> String {
        let code = match mood {
            Mood::Good => "32",
            Mood::Soso => "33",
            Mood::Bad => "31",
        };
        if self.0 { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    }
}

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// As it should be.
    Good,
    /// Not (yet) as it should be.
    Soso,
    /// Wrong.
    Bad,
}

/// Output of programs on a terminal: control characters but tabs are shown, not obeyed.
pub(super) fn harmless(text: &str) -> String {
    let shown =
        |c: char| if c.is_control() && c != '\t' && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}
