//! Rust source as words and marks with their lines, without comments, without what stands in quotes, and without test code.

/// A word, or one mark (`::` counts as one).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of production code: `#[cfg(test)]` items are left out, with all they hold.
pub fn production_tokens(text: &str) -> Vec<Token> {
    without_test_items(&tokens(text))
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => find(&chars, at, |c| c == '\n'),
            '/' if chars.get(at + 1) == Some(&'*') => end_of_block_comment(&chars, at),
            '"' => end_of_string(&chars, at + 1),
            '\'' => end_of_char_or_lifetime(&chars, at),
            c if c.is_alphabetic() || c == '_' => {
                let end = find(&chars, at, |c| !(c.is_alphanumeric() || c == '_'));
                let word: String = chars[at..end].iter().collect();
                match raw_string_end(&chars, end, &word) {
                    Some(end) => end,
                    None => {
                        found.push(Token { text: word, line });
                        end
                    }
                }
            }
            c if c.is_ascii_digit() => find(&chars, at, |c| !(c.is_alphanumeric() || c == '_')),
            c if c.is_whitespace() => at + 1,
            ':' if chars.get(at + 1) == Some(&':') => {
                found.push(Token { text: "::".into(), line });
                at + 2
            }
            mark => {
                found.push(Token { text: mark.to_string(), line });
                at + 1
            }
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    found
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| wanted(*c)).map_or(chars.len(), |offset| from + offset)
}

fn end_of_block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

/// The place after the closing quote of a string whose first character is at `from`.
fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn end_of_char_or_lifetime(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => (find(chars, (at + 3).min(chars.len()), |c| c == '\'') + 1).min(chars.len()),
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// The end of `r"…"`, `r#"…"#`, `br"…"` and the like, if `word` (which ends at `at`) begins one.
fn raw_string_end(chars: &[char], at: usize, word: &str) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let open = find(chars, at, |c| c != '#');
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let hashes = open - at;
    let closes = |quote: usize| (1..=hashes).all(|n| chars.get(quote + n) == Some(&'#'));
    (open + 1..chars.len()).find(|at| chars[*at] == '"' && closes(*at)).map(|at| at + 1 + hashes).or(Some(chars.len()))
}

/// Leaves out the item after each `#[cfg(test)]`: up to its closing brace, or to its semicolon.
/// Fields and variants stay: they are no items, and a rule of their own is against them.
fn without_test_items(tokens: &[Token]) -> Vec<Token> {
    let texts: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if texts[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"])
            && let Some(end) = item_end(&texts, at + 7)
        {
            at = end;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that begins at `from` (further attributes and `pub` may come first) is over; none if there is no item.
fn item_end(texts: &[&str], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match *texts.get(at)? {
            "#" => at = after_group(texts, at + 1),
            "pub" | "async" | "unsafe" | "const" => at += 1,
            "(" => at = after_group(texts, at),
            _ => break,
        }
    }
    if !matches!(
        texts[at],
        "mod" | "use" | "fn" | "impl" | "struct" | "enum" | "trait" | "static" | "type" | "macro_rules"
    ) {
        return None;
    }
    while at < texts.len() {
        match texts[at] {
            ";" => return Some(at + 1),
            "{" if texts[from..at].contains(&"use") => at = after_group(texts, at),
            "{" => return Some(after_group(texts, at)),
            "(" | "[" => at = after_group(texts, at),
            _ => at += 1,
        }
    }
    Some(at)
}

/// The place after the bracket that closes the one at `open`.
pub fn after_group(texts: &[&str], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, text) in texts.iter().enumerate().skip(open) {
        match *text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    texts.len()
}
