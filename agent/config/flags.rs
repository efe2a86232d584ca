//! What the command line sets, as a layer like any other.

use super::kinds;

/// What the command line says; none where it says nothing. Values are checked by `merge` like those of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagOverrides {
    /// `instance.cloud`.
    pub cloud: Option<String>,
    /// `source.git`.
    pub git: Option<String>,
    /// `source.path`.
    pub path: Option<String>,
    /// `source.ref`.
    pub reference: Option<String>,
    /// `source.subdir`.
    pub subdir: Option<String>,
    /// `build.run`.
    pub build: Option<String>,
    /// `app.run`.
    pub run: Option<String>,
    /// `app.port`.
    pub port: Option<String>,
    /// `app.user`.
    pub user: Option<String>,
    /// `workers.count`: a number or `cores`.
    pub count: Option<String>,
    /// `workers.share`.
    pub share: Option<String>,
    /// `health.listen`.
    pub listen: Option<String>,
    /// `health.probe`.
    pub probe: Option<String>,
}

impl FlagOverrides {
    /// The flags as TOML, one key a line.
    pub(super) fn to_toml(&self) -> String {
        // Named one by one, so that a new flag does not compile until it has a key.
        let Self { cloud, git, path, reference, subdir, build, run, port, user, count, share, listen, probe } = self;
        [
            ("instance.cloud", cloud),
            ("source.git", git),
            ("source.path", path),
            ("source.ref", reference),
            ("source.subdir", subdir),
            ("build.run", build),
            ("app.run", run),
            ("app.port", port),
            ("app.user", user),
            ("workers.count", count),
            ("workers.share", share),
            ("health.listen", listen),
            ("health.probe", probe),
        ]
        .into_iter()
        .filter_map(|(key, value)| value.as_deref().map(|value| (key, value)))
        .map(|(key, value)| format!("{key} = {}\n", as_toml(key, value)))
        .collect()
    }
}

/// A flag's text is a number only where its key takes one: a branch may be called `3000`.
fn as_toml(key: &str, value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) if matches!(key, "app.port" | "workers.count") => number.to_string(),
        _ => kinds::quoted(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_the_toml_they_stand_for() {
        let flags = FlagOverrides {
            git: Some("https://github.com/you/app".to_owned()),
            reference: Some("3000".to_owned()),
            port: Some("3000".to_owned()),
            count: Some("cores".to_owned()),
            run: Some("a \"b\"\n\u{1}".to_owned()),
            ..FlagOverrides::default()
        };
        assert_eq!(flags.to_toml().parse::<toml::Table>().unwrap()["app"]["run"].as_str(), Some("a \"b\"\n\u{1}"));
        assert!(flags.to_toml().contains("source.ref = \"3000\"\n"));
        assert!(flags.to_toml().contains("app.port = 3000\n"));
        assert!(flags.to_toml().contains("workers.count = \"cores\"\n"));
        assert_eq!(FlagOverrides::default().to_toml(), "");
    }
}
