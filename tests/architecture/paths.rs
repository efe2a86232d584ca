//! All paths that a file names, in full: `use a::{b, c::d}` is `a`, `a::b`, `a::c::d`; `super::x` is what it means there.

use crate::lexer::Token;

/// A path with at least two parts, and the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub parts: Vec<String>,
    pub line: usize,
}

impl Named {
    /// Whether the path is `prefix` (`a::b`) or something below it.
    pub fn is_below(&self, prefix: &str) -> bool {
        let prefix: Vec<&str> = prefix.split("::").collect();
        self.parts.len() >= prefix.len() && prefix.iter().zip(&self.parts).all(|(a, b)| a == b)
    }

    /// The path as written, `crate::` and all.
    pub fn text(&self) -> String {
        self.parts.join("::")
    }
}

/// The module that a file is: `decide/ids.rs` is `[decide, ids]`, `decide/mod.rs` is `[decide]`, `lib.rs` is `[]`.
pub fn module_of(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// Every path in the tokens, with `self`, `super` and `herdsman` (as `main.rs` says) turned into `crate`.
pub fn named(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts = is_word(&tokens[at].text)
            && tokens.get(at + 1).is_some_and(|next| next.text == "::")
            && (at == 0 || tokens[at - 1].text != "::" || begins_absolute(tokens, at));
        if starts {
            at = tree(tokens, at, &[], &mut found);
        } else {
            at += 1;
        }
    }
    found.into_iter().map(|path| absolute(path, module)).filter(|path| path.parts.len() > 1).collect()
}

/// Whether the `::` before `at` has nothing before it that it could belong to.
fn begins_absolute(tokens: &[Token], at: usize) -> bool {
    at < 2 || !(is_word(&tokens[at - 2].text) && tokens[at - 2].text != "use") && tokens[at - 2].text != ">"
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads one branch of a (use) tree from `at`, adds what it names below `stem`, and tells where it ends.
fn tree(tokens: &[Token], mut at: usize, stem: &[String], found: &mut Vec<Named>) -> usize {
    let (begin, line) = (at, tokens[at].line);
    let mut parts = stem.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => {
                at += 1;
                while at < tokens.len() && tokens[at].text != "}" {
                    at = if tokens[at].text == "," { at + 1 } else { tree(tokens, at, &parts, found) };
                }
                return at + 1;
            }
            word if is_word(word) => parts.push(word.to_owned()),
            "*" => {}
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next.text != "::") {
            break;
        }
        at += 1;
    }
    found.push(Named { parts, line });
    match tokens.get(at) {
        // `as name` within braces.
        Some(token) if token.text == "as" => at + 2,
        // Nothing that belongs to a path: on to the next, or this would stay here for ever.
        _ if at == begin => at + 1,
        _ => at,
    }
}

fn absolute(path: Named, module: &[String]) -> Named {
    let mut base: Vec<String> = module.to_vec();
    let mut rest = path.parts.as_slice();
    match rest.first().map(String::as_str) {
        Some("herdsman" | "crate") => base.clear(),
        Some("self") => {}
        Some("super") => {
            base.pop();
        }
        _ => return path,
    }
    rest = &rest[1..];
    while let Some((first, others)) = rest.split_first()
        && first == "super"
    {
        base.pop();
        rest = others;
    }
    let rest = rest.iter().filter(|part| *part != "self").cloned();
    let parts = std::iter::once("crate".to_owned()).chain(base).chain(rest).collect();
    Named { parts, line: path.line }
}
