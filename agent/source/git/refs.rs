//! Which of a remote's references is meant. Pure: names and commits in, one commit out.

use gix::ObjectId;

use crate::source::SourceError;

/// One reference of a remote, annotated tags followed to what they tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The full name: `HEAD`, `refs/heads/main`, `refs/tags/v1`.
    pub(super) name: String,
    /// What it ends at.
    pub(super) id: ObjectId,
}

/// The commit that `wanted` names: a full name as it is, else the branch, else the tag; the default branch for `None`.
/// That is the order of `git clone --branch`.
pub(super) fn choose(wanted: Option<&str>, known: &[Known], url: &str) -> Result<ObjectId, SourceError> {
    let find = |name: &str| known.iter().find(|one| one.name == name).map(|one| one.id);
    let Some(wanted) = wanted else {
        return find("HEAD").ok_or_else(|| SourceError::NoDefaultBranch { url: url.to_owned() });
    };
    let branch = find(&format!("refs/heads/{wanted}"));
    let tag = find(&format!("refs/tags/{wanted}"));
    if let (Some(branch), Some(tag)) = (branch, tag)
        && branch != tag
    {
        tracing::warn!(reference = wanted, %branch, %tag, "both a branch and a tag are called {wanted}; taking the branch");
    }
    branch.or(tag).or_else(|| find(wanted)).or_else(|| find(&format!("refs/{wanted}"))).ok_or_else(|| {
        SourceError::UnknownReference {
            url: url.to_owned(),
            reference: wanted.to_owned(),
            similar: similar(wanted, known),
            note: note(wanted),
        }
    })
}

fn note(wanted: &str) -> &'static str {
    if wanted.len() >= 7 && wanted.len() < 40 && wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        "a commit is named by all 40 digits of its id"
    } else if wanted.len() == 64 && wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        "repositories with SHA-256 ids are not supported"
    } else {
        ""
    }
}

/// The five branches and tags that look most like `wanted`.
fn similar(wanted: &str, known: &[Known]) -> Vec<String> {
    let last = wanted.rsplit('/').next().unwrap_or(wanted);
    let mut scored: Vec<(f64, &str)> = known
        .iter()
        .filter_map(|one| one.name.strip_prefix("refs/heads/").or_else(|| one.name.strip_prefix("refs/tags/")))
        .map(|name| (strsim::jaro_winkler(wanted, name).max(strsim::jaro_winkler(last, name)), name))
        .filter(|(score, _)| *score > 0.7)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(5).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    fn known() -> Vec<Known> {
        [
            ("HEAD", 'a'),
            ("refs/heads/main", 'a'),
            ("refs/heads/feature/login", 'b'),
            ("refs/tags/v1.0", 'c'),
            ("refs/tags/main", 'd'),
        ]
        .into_iter()
        .map(|(name, digit)| Known { name: name.to_owned(), id: id(digit) })
        .collect()
    }

    #[test]
    fn a_branch_comes_before_a_tag_and_full_names_say_which() {
        assert_eq!(choose(Some("main"), &known(), "u").unwrap(), id('a'));
        assert_eq!(choose(Some("refs/tags/main"), &known(), "u").unwrap(), id('d'));
        assert_eq!(choose(Some("tags/main"), &known(), "u").unwrap(), id('d'));
        assert_eq!(choose(Some("v1.0"), &known(), "u").unwrap(), id('c'));
        assert_eq!(choose(None, &known(), "u").unwrap(), id('a'));
    }

    #[test]
    fn an_unknown_name_is_told_with_those_that_look_like_it() {
        let error = choose(Some("mian"), &known(), "https://h/r").unwrap_err();
        assert!(!error.is_transient());
        assert_eq!(error.to_string(), "https://h/r has no branch, tag or commit \"mian\"; there are: main");
        let error = choose(Some("origin/main"), &known(), "u").unwrap_err();
        assert!(error.to_string().contains("there are: main"), "{error}");
        let error = choose(Some("abc1234"), &known(), "u").unwrap_err();
        assert!(error.to_string().contains("all 40 digits"), "{error}");
    }

    #[test]
    fn an_empty_remote_has_no_default_branch() {
        assert!(matches!(choose(None, &[], "u"), Err(SourceError::NoDefaultBranch { .. })));
    }
}
