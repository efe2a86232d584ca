//! The `web:` line of a `Procfile`, read as Elastic Beanstalk and Heroku do.

/// The command of the process type `wanted`. A line counts when it matches `^[A-Za-z0-9_-]+:\s*[^\s].*$`; others are
/// passed over, comments among them.
pub(super) fn command<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, command) = line.split_once(':')?;
        let valid = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let command = command.trim();
        (valid && name == wanted && !command.is_empty()).then_some(command)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_web_line_is_found_among_others() {
        let text = "# comment\r\nworker: node w.js\r\n web: not this\nweb:\nweb:   node app.js --url http://x:1 \r\nweb: second\n";
        assert_eq!(command(text, "web"), Some("node app.js --url http://x:1"));
        assert_eq!(command(text, "worker"), Some("node w.js"));
        assert_eq!(command("webs: a\n", "web"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\PC\n:]*") {
            if let Some(found) = command(&text, "web") {
                prop_assert!(!found.trim().is_empty());
            }
        }
    }
}
