//! Understanding a command line: whether a shell is needed, and if not, what is to be executed.
//!
//! A shell between us and the program would take the signals meant for it, so there is one only where the line needs it,
//! and it steps aside (`exec`) where the line is a single command.

/// What a command line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Words to execute as they are, and assignments that stood before them.
    Direct {
        /// `NAME=value`, in their order.
        env: Vec<(String, String)>,
        /// At least one.
        words: Vec<String>,
    },
    /// A script for `/bin/sh -c`.
    Shell(String),
}

/// Why a line means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A quote is opened and not closed.
    #[error("a quote is not closed")]
    Quote,
    /// There is no command in it.
    #[error("there is no command in it")]
    Empty,
}

/// Words that only a shell understands at the start of a command.
const SHELL_WORDS: [&str; 38] = [
    "!", ".", ":", "[[", "alias", "bg", "break", "case", "cd", "command", "continue", "do", "done", "elif", "else",
    "esac", "eval", "exit", "export", "fg", "fi", "for", "function", "if", "read", "readonly", "return", "set",
    "shift", "source", "then", "time", "trap", "ulimit", "umask", "unset", "until", "while",
];

/// Understands `line`.
pub(super) fn understand(line: &str) -> Result<Line, LineError> {
    let line = line.trim();
    let scan = Scan::of(line)?;
    if scan.words.is_empty() {
        return Err(LineError::Empty);
    }
    let command = scan.words.iter().find(|(_, word)| !is_assignment(word));
    let Some((position, first)) = command else {
        return Err(LineError::Empty);
    };
    if scan.compound || SHELL_WORDS.contains(first) || *first == "{" {
        return Ok(Line::Shell(line.to_owned()));
    }
    if scan.special {
        // `exec` goes behind leading assignments, where the shell still takes them for such.
        let (before, after) = line.split_at(*position);
        let exec = if *first == "exec" { "" } else { "exec " };
        return Ok(Line::Shell(format!("{before}{exec}{after}")));
    }
    let words = shell_words::split(line).map_err(|_| LineError::Quote)?;
    direct(words)
}

/// Takes off what only prepares a command: assignments, `exec`, `cross-env`.
fn direct(words: Vec<String>) -> Result<Line, LineError> {
    let mut env = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.peek() {
        if is_assignment(word) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            env.push((name.to_owned(), value.to_owned()));
        } else if word != "exec" && word != "cross-env" {
            break;
        }
        words.next();
    }
    let words: Vec<String> = words.collect();
    if words.is_empty() { Err(LineError::Empty) } else { Ok(Line::Direct { env, words }) }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// What a look at each character tells.
struct Scan<'a> {
    /// Where each word begins, and the word with its quotes.
    words: Vec<(usize, &'a str)>,
    /// Something that a shell would replace or redirect.
    special: bool,
    /// More than one command.
    compound: bool,
}

impl<'a> Scan<'a> {
    fn of(line: &'a str) -> Result<Self, LineError> {
        let mut scan = Scan { words: Vec::new(), special: false, compound: false };
        let (mut quote, mut begun, mut before) = (None, None, ' ');
        let mut characters = line.char_indices();
        while let Some((at, c)) = characters.next() {
            if quote.is_none() && c.is_whitespace() {
                scan.compound |= c == '\n';
                scan.end(line, begun.take(), at);
                before = c;
                continue;
            }
            begun.get_or_insert(at);
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some('\''), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (_, '\\') => {
                    characters.next();
                }
                (_, '`') => scan.compound = true,
                (_, '$') => scan.special = true,
                (Some(_), _) => {}
                // `>&2` and `<&3` redirect; any other `&` ends a command.
                (None, '&') => scan.compound |= !matches!(before, '>' | '<'),
                (None, '|' | ';' | '(' | ')') => scan.compound = true,
                (None, '<' | '>' | '*' | '?' | '[' | ']' | '{' | '}' | '~' | '#') => scan.special = true,
                (None, _) => {}
            }
            before = c;
        }
        if quote.is_some() {
            return Err(LineError::Quote);
        }
        scan.end(line, begun, line.len());
        Ok(scan)
    }

    fn end(&mut self, line: &'a str, begun: Option<usize>, at: usize) {
        if let Some(begun) = begun {
            self.words.push((begun, &line[begun..at]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(line: &str) -> (Vec<(String, String)>, Vec<String>) {
        match understand(line).unwrap() {
            Line::Direct { env, words } => (env, words),
            Line::Shell(script) => panic!("{script} needs no shell"),
        }
    }

    fn shell(line: &str) -> String {
        match understand(line).unwrap() {
            Line::Shell(script) => script,
            direct => panic!("{line} needs a shell: {direct:?}"),
        }
    }

    #[test]
    fn plain_commands_are_executed_as_they_are() {
        assert_eq!(
            run("node app.js --name 'a b;c' \"$\\\"\"".replace("$", "").as_str()).1,
            ["node", "app.js", "--name", "a b;c", "\""]
        );
        assert_eq!(run("  node   server.js ").1, ["node", "server.js"]);
        assert_eq!(run("exec node a.js").1, ["node", "a.js"]);
        assert_eq!(run("node -e 'a && b | c > d'").1, ["node", "-e", "a && b | c > d"]);
    }

    #[test]
    fn assignments_move_to_the_environment() {
        let (env, words) = run("NODE_ENV=production A='x y' node app.js B=2");
        assert_eq!(env, [("NODE_ENV".into(), "production".into()), ("A".into(), "x y".into())]);
        assert_eq!(words, ["node", "app.js", "B=2"]);
        assert_eq!(
            run("cross-env NODE_ENV=production node app.js"),
            (vec![("NODE_ENV".into(), "production".into())], vec!["node".into(), "app.js".into()])
        );
        assert_eq!(run("1A=2 x").1, ["1A=2", "x"]);
    }

    #[test]
    fn a_single_command_for_the_shell_takes_its_place() {
        assert_eq!(shell("gunicorn app:app -b 0.0.0.0:$PORT"), "exec gunicorn app:app -b 0.0.0.0:$PORT");
        assert_eq!(shell("A=$B node x"), "A=$B exec node x");
        assert_eq!(shell("node x 2>&1 > log"), "exec node x 2>&1 > log");
        assert_eq!(shell("exec node *.js"), "exec node *.js");
        assert_eq!(shell("node \"$HOME/x y\""), "exec node \"$HOME/x y\"");
    }

    #[test]
    fn more_than_one_command_is_left_to_the_shell() {
        for line in [
            "a && b", "a; b", "a | b", "a &", "(a)", "echo `b`", "x $(y)", "a\nb", "cd web", "if x", "{ a; }",
            ". ./env",
        ] {
            assert_eq!(shell(line), line);
        }
    }

    #[test]
    fn a_line_that_means_nothing_is_an_error() {
        assert_eq!(understand("  "), Err(LineError::Empty));
        assert_eq!(understand("A=1"), Err(LineError::Empty));
        assert_eq!(understand("exec"), Err(LineError::Empty));
        assert_eq!(understand("node 'x"), Err(LineError::Quote));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(garbage in "\\PC*", likely in "[a-zA-Z=$&|;<>()'\"\\\\ \n#{}ä]*") {
            for line in [garbage, likely] {
                if let Ok(Line::Direct { words, .. }) = understand(&line) {
                    prop_assert!(!words.is_empty());
                }
            }
        }
    }
}
