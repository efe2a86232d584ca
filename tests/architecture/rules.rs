//! The rules, as data first: which room may use which.

use crate::lexer::{self, Token, after_group};
use crate::paths::{self, Named};
use crate::{Finding, Source, circles};

/// A room (a top-level module of `agent/`), what it may use besides itself, and in a word what it is.
/// The lower stand first. `a::b` allows that part of `a` alone.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("decide", &[], "pure: knows nothing but itself"),
    ("sys", &[], "the system calls: knows nothing of the rest"),
    ("words", &[], "errors in words"),
    ("tls", &[], "the one TLS stack"),
    ("recent", &[], "the last lines of output"),
    ("paths", &[], "where things live"),
    ("logging", &["decide::ids"], "where words go"),
    ("clock", &["decide::clock"], "the clock and the dice"),
    ("seen", &["decide::life"], "what others see of the loop"),
    ("config", &["decide"], "values"),
    ("configured", &["decide::event", "config"], "the configuration as it becomes known"),
    ("cloud", &["decide::ids", "decide::aws"], "clients that know nothing of our phases"),
    ("facts", &["decide::ids", "cloud::imds"], "what is known beside the decisions"),
    ("systemd", &["decide", "seen"], "the service manager's side"),
    ("ports", &["decide", "sys"], "one port, many workers"),
    ("process", &["decide", "sys", "ports"], "starting and ending processes"),
    ("source", &["decide", "config", "tls"], "gives a revision and a directory"),
    ("observe", &["decide", "config", "configured", "cloud", "facts", "words"], "world to events"),
    (
        "act",
        &[
            "decide",
            "clock",
            "config",
            "configured",
            "facts",
            "logging",
            "recent",
            "seen",
            "words",
            "cloud",
            "process",
            "ports",
            "source",
        ],
        "effects to world",
    ),
    ("control", &["decide", "clock", "facts", "recent", "seen"], "the socket and its words"),
    ("driver", &["decide", "clock", "seen"], "one event in, its effects out"),
    ("run", &["*"], "wires everyone"),
    (
        "cli",
        &["decide", "config", "configured", "control", "logging", "paths", "run", "tls", "words"],
        "one file a command",
    ),
    ("main", &["cli", "run"], "parse, dispatch, exit code"),
    ("lib", &["*"], "the list of modules"),
];

/// What `decide` may not name, because it waits, reads a clock, touches the world, logs or rolls dice.
const NOT_PURE: &[&str] = &[
    "tokio",
    "tokio_util",
    "tracing",
    "fastrand",
    "reqwest",
    "hyper",
    "nix",
    "libc",
    "rustix",
    "gix",
    "socket2",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::io",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::env",
    "std::sync",
];

/// The same as single words, where no path gives them away.
const NOT_PURE_WORDS: &[&str] = &["async", "await", "Instant", "SystemTime", "println", "eprintln", "dbg"];

/// The one room with `unsafe` in it: sys.rs and what is below it.
const UNSAFE_ROOM: &str = "sys";

/// The most lines a file may have.
const MOST_LINES: usize = 300;

/// Everything that is wrong with these files.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut arrows = Vec::new();
    for source in sources {
        let room = room_of(&source.path);
        let tokens = lexer::production_tokens(&source.text);
        let named = paths::named(&tokens, &paths::module_of(&source.path));
        let mut say = |line, rule| findings.push(Finding { path: source.path.clone(), line, rule });

        shape(source, &mut say);
        directions(&room, &named, &mut say);
        words(source, &tokens, &named, &mut say);
        if room == "decide" {
            purity(&tokens, &named, &mut say);
        }
        for path in named.iter().filter(|path| path.is_below("crate")) {
            arrows.push(circles::Arrow {
                from: room.clone(),
                to: path.parts[1].clone(),
                at: (source.path.clone(), path.line),
            });
        }
    }
    findings.extend(circles::findings(&arrows));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

fn room_of(path: &str) -> String {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs").to_owned()
}

fn shape(source: &Source, say: &mut impl FnMut(usize, String)) {
    let lines = source.text.lines().count();
    if lines > MOST_LINES {
        say(MOST_LINES + 1, format!("{lines} lines: {MOST_LINES} are the most, split it by topic"));
    }
    if !source.text.starts_with("//!") {
        say(1, "begins with `//!`: what the file owns and what it must not do".into());
    }
}

fn directions(room: &str, named: &[Named], say: &mut impl FnMut(usize, String)) {
    let Some((_, allowed, what)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
        return say(1, format!("`{room}` has no row in the table of tests/architecture/rules.rs: say what it may use"));
    };
    let mut told = Vec::new();
    for path in named.iter().filter(|path| path.is_below("crate") && path.parts[1] != room) {
        let is_room = ROOMS.iter().any(|(name, ..)| *name == path.parts[1]);
        let fine = allowed.iter().any(|one| *one == "*" || path.is_below(&format!("crate::{one}")));
        // The same arrow on the same line is told once, however many names it brings.
        if is_room && !fine && !told.contains(&(path.line, path.parts[1].clone())) {
            let others = if allowed.is_empty() { "nothing else".to_owned() } else { allowed.join(", ") };
            say(path.line, format!("`{room}` ({what}) may use {others}, not `{}`", path.text()));
            told.push((path.line, path.parts[1].clone()));
        }
    }
}

fn purity(tokens: &[Token], named: &[Named], say: &mut impl FnMut(usize, String)) {
    for path in named {
        if let Some(banned) = NOT_PURE.iter().find(|banned| path.is_below(banned)) {
            say(path.line, format!("`decide` is pure: no `{banned}` in it (`{}`)", path.text()));
        }
    }
    for token in tokens.iter().filter(|token| NOT_PURE_WORDS.contains(&token.text.as_str())) {
        say(token.line, format!("`decide` is pure: no `{}` in it", token.text));
    }
}

fn words(source: &Source, tokens: &[Token], named: &[Named], say: &mut impl FnMut(usize, String)) {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "unsafe" | "unsafe_code" if room_of(&source.path) != UNSAFE_ROOM => {
                say(token.line, format!("`{}` is for the room `{UNSAFE_ROOM}` alone", token.text));
            }
            "struct" | "enum" => {
                if let Some(line) = test_only_part(tokens, &texts, at) {
                    say(line, "a field or variant for tests alone: give production code the seam instead".into());
                }
            }
            _ => {}
        }
    }
    for path in named.iter().filter(|path| path.parts.ends_with(&["thread".into(), "sleep".into()])) {
        say(
            path.line,
            "`std::thread::sleep` blocks the one thread: tokio::time::sleep in a select! with the stop token".into(),
        );
    }
}

/// The line of a `cfg` that names `test` within the braces of the struct or enum at `at`.
fn test_only_part(tokens: &[Token], texts: &[&str], at: usize) -> Option<usize> {
    let open = at + texts[at..].iter().position(|text| matches!(*text, "{" | ";" | "("))?;
    if texts[open] != "{" {
        return None;
    }
    let end = after_group(texts, open);
    (open..end).find_map(|at| {
        let attribute = texts[at] == "#" && matches!(*texts.get(at + 2)?, "cfg" | "cfg_attr");
        let named = attribute && texts[at..after_group(texts, at + 1)].contains(&"test");
        named.then_some(tokens[at].line)
    })
}
