//! The few things we want to know of a `package.json`, whatever else is in it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A `package.json` that is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("package.json is not valid JSON: {source}")]
pub struct PackageError {
    /// What is wrong, with line and column.
    #[source]
    source: serde_json::Error,
}

impl PackageError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.source.line()
    }

    /// The column, counted from 1.
    pub fn column(&self) -> usize {
        self.source.column()
    }
}

/// What a `package.json` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// `scripts`, those that are texts and not empty.
    pub scripts: BTreeMap<String, String>,
    /// Whether there is anything to install.
    pub has_dependencies: bool,
    /// `packageManager`, such as `pnpm@9.1.0`.
    pub package_manager: Option<String>,
}

impl Package {
    /// Reads the text of a `package.json`. A field of another type than it should have counts as left out, as npm has it.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn parse(text: &str) -> Result<Self, PackageError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value: Value = serde_json::from_str(text).map_err(|source| PackageError { source })?;
        let filled = |key: &str| value.get(key).and_then(Value::as_object).is_some_and(|map| !map.is_empty());
        let scripts = value.get("scripts").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            scripts: scripts
                .filter_map(|(name, line)| Some((name.clone(), line.as_str()?.trim().to_owned())))
                .filter(|(_, line)| !line.is_empty())
                .collect(),
            has_dependencies: ["dependencies", "devDependencies", "optionalDependencies"].into_iter().any(filled)
                || value.get("workspaces").is_some(),
            package_manager: value.get("packageManager").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let error = Package::parse("{\n  \"scripts\": {\n    \"start\": \"x\",\n  }\n}").unwrap_err();
        assert_eq!((error.line(), error.column()), (4, 3));
        assert!(error.to_string().contains("line 4 column 3"), "{error}");
    }

    #[test]
    fn fields_of_other_types_count_as_left_out() {
        let odd =
            r#"{"scripts": {"start": 1, "build": " tsc ", "empty": " "}, "dependencies": [], "packageManager": {}}"#;
        let package = Package::parse(odd).unwrap();
        assert_eq!(package.scripts, BTreeMap::from([("build".to_owned(), "tsc".to_owned())]));
        assert!(!package.has_dependencies && package.package_manager.is_none());
        assert_eq!(Package::parse("[]").unwrap(), Package::default());
        assert!(Package::parse("\u{feff}{\"devDependencies\": {\"a\": \"1\"}}").unwrap().has_dependencies);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", json in "[\\[\\]{}\",:0-9a-z \n]*") {
            let _ = Package::parse(&text);
            let _ = Package::parse(&json);
        }
    }
}
