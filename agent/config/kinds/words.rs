//! Values that are one word of a few.

use nix::sys::signal::Signal;
use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::kind::{Kind, Wrong, quoted, text};
use crate::config::suggest::{listed, nearest};
use crate::config::values::{Cloud, Share};

type Words<T> = &'static [(&'static str, T)];

const CLOUDS: Words<Cloud> = &[("auto", Cloud::Auto), ("aws", Cloud::Aws), ("none", Cloud::None)];

const SHARES: Words<Share> = &[
    ("transparent", Share::Transparent),
    ("socket-activation", Share::SocketActivation),
    ("ports", Share::Ports),
    ("none", Share::None),
];

/// The signals that programs take for a request to end; the others stop, continue or inform.
const SIGNALS: Words<Signal> = &[
    ("SIGTERM", Signal::SIGTERM),
    ("SIGINT", Signal::SIGINT),
    ("SIGQUIT", Signal::SIGQUIT),
    ("SIGHUP", Signal::SIGHUP),
    ("SIGUSR1", Signal::SIGUSR1),
    ("SIGUSR2", Signal::SIGUSR2),
    ("SIGWINCH", Signal::SIGWINCH),
    ("SIGABRT", Signal::SIGABRT),
    ("SIGKILL", Signal::SIGKILL),
];

pub(in crate::config) static CLOUD: Kind<Cloud> = Kind {
    words: "`auto`, `aws` or `none`",
    schema: || one_of(CLOUDS),
    read: |value| choose(value.get_ref(), "the kind of cloud", CLOUDS),
    show: |cloud| word_of(*cloud, CLOUDS),
};

pub(in crate::config) static SHARE: Kind<Share> = Kind {
    words: "`transparent`, `socket-activation`, `ports` or `none`",
    schema: || one_of(SHARES),
    read: |value| choose(value.get_ref(), "the way to share the port", SHARES),
    show: |share| word_of(*share, SHARES),
};

pub(in crate::config) static SIGNAL: Kind<Signal> = Kind {
    words: "a signal: `SIGTERM`, `SIGINT`, `SIGQUIT`, `SIGHUP`, `SIGUSR1`, `SIGUSR2`, `SIGWINCH`, `SIGABRT` or `SIGKILL`",
    schema: || one_of(SIGNALS),
    read: |value| choose(value.get_ref(), "a signal that asks a program to end", SIGNALS),
    show: |signal| word_of(*signal, SIGNALS),
};

fn one_of<T>(words: Words<T>) -> Json {
    json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
}

fn choose<T: Copy>(value: &DeValue<'_>, what: &str, words: Words<T>) -> Result<T, Vec<Wrong>> {
    let found = text(value, what)?;
    let names = || words.iter().map(|(word, _)| *word);
    if let Some((_, chosen)) = words.iter().find(|(word, _)| *word == found) {
        return Ok(*chosen);
    }
    // "TERM" and "term" are how kill(1) says it.
    let meant = nearest(found, names()).or_else(|| nearest(&format!("SIG{found}"), names()));
    let hint = meant.map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
    Err(Wrong::value(value, format!("{what} is {}{hint}", listed(names(), "or"))))
}

fn word_of<T: PartialEq>(value: T, words: Words<T>) -> String {
    words.iter().find(|(_, chosen)| *chosen == value).map_or_else(String::new, |(word, _)| quoted(word))
}

#[cfg(test)]
mod tests {
    use super::super::kind::testing::read;
    use super::*;

    #[test]
    fn each_word_is_read_and_shown_as_it_was_written() {
        for (word, cloud) in CLOUDS {
            assert_eq!(read(&CLOUD, &quoted(word)), Ok(*cloud));
            assert_eq!((CLOUD.show)(cloud), quoted(word));
        }
        for (word, share) in SHARES {
            assert_eq!(read(&SHARE, &quoted(word)), Ok(*share));
        }
        for (word, signal) in SIGNALS {
            assert_eq!(read(&SIGNAL, &quoted(word)), Ok(*signal));
            assert_eq!(*word, signal.as_str());
        }
    }

    #[test]
    fn another_word_is_told_what_it_should_have_been() {
        assert_eq!(
            read(&SHARE, r#""transparant""#).unwrap_err(),
            "= \"transparant\": the way to share the port is `transparent`, `socket-activation`, `ports` or `none`; did you mean `transparent`?"
        );
        assert!(read(&SIGNAL, r#""TERM""#).unwrap_err().ends_with("did you mean `SIGTERM`?"));
        assert!(
            read(&SIGNAL, r#""SIGSTOP""#).unwrap_err().contains("a signal that asks a program to end is `SIGTERM`")
        );
        assert_eq!(read(&CLOUD, "true").unwrap_err(), "= true: the kind of cloud is written in quotes");
    }
}
