//! "Did you mean …?", and how foreign text is shown: short, on one line, and never with a password.

use toml::de::DeValue;

/// As much of a foreign text as helps to find it again.
const SHOWN: usize = 60;

/// The word that was probably meant.
pub(super) fn nearest<'a>(found: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = plain(found);
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(&found, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Case and the choice of `-` or `_` do not make two words different; a long word is no word.
fn plain(word: &str) -> String {
    word.chars().take(SHOWN).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// The words as a person lists them: "`a`, `b` or `c`".
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// A key as it stands in TOML, with what could play tricks on a terminal escaped.
pub(super) fn shown_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.len() <= SHOWN && key.chars().all(bare) { key.to_owned() } else { shown_text(key) }
}

/// A text in quotes, cut when long, escaped, and hidden when it looks like an address with a password in it.
pub(super) fn shown_text(text: &str) -> String {
    if text.contains('@') && text.contains(':') {
        return "\"…\" (not shown: it may hold a password)".to_owned();
    }
    let cut: String = text.chars().take(SHOWN).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", cut.escape_debug())
}

/// A value as it stands in TOML, or its kind where it is long.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown_text(text),
        DeValue::Integer(number) => short(&number.to_string()),
        DeValue::Float(number) => short(&number.to_string()),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "[…]".to_owned(),
        DeValue::Table(_) => "{…}".to_owned(),
    }
}

/// The parser hands out numbers as they were written, whatever stood between the digits.
fn short(number: &str) -> String {
    let cut: String = number.chars().take(SHOWN).collect();
    let more = if cut.len() < number.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let keys = ["count", "share", "stop_signal", "stop_timeout"];
        assert_eq!(nearest("cuont", keys), Some("count"));
        assert_eq!(nearest("Stop-Timeout", keys), Some("stop_timeout"));
        assert_eq!(nearest("zebra", keys), None);
    }

    #[test]
    fn foreign_text_is_short_escaped_and_without_passwords() {
        assert_eq!(shown_text("a\u{1b}[2Jb"), r#""a\u{1b}[2Jb""#);
        assert_eq!(shown_text(&"x".repeat(100)), format!("\"{}…\"", "x".repeat(60)));
        assert!(!shown_text("https://me:hunter2@example.org/x").contains("hunter2"));
        assert_eq!(shown_key(""), "\"\"");
        assert_eq!(shown_key("a b"), "\"a b\"");
    }
}
