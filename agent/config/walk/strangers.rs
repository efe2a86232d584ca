//! What to say of a name that does not belong where it stands.

use crate::config::keys::{SECTIONS, Section};
use crate::config::suggest::{listed, nearest};

/// The sections that an app may write, as a list.
fn for_app() -> String {
    listed(SECTIONS.iter().filter(|section| section.app_may).map(|section| section.name), "and")
}

/// A section, or a key at the top level, that there is not.
pub(super) fn section(found: &str) -> String {
    let names = || SECTIONS.iter().map(|section| section.name);
    if let Some(name) = nearest(found, names()) {
        return format!("unknown section; did you mean `[{name}]`?");
    }
    if let Some(places) = elsewhere(found) {
        return format!("stands in no section; did you mean {places}?");
    }
    format!("unknown section; there are {}", listed(names(), "and"))
}

/// A key that its section does not have.
pub(super) fn key(section: &Section, found: &str) -> String {
    if let Some((_, why)) = section.not_yet.iter().find(|(name, _)| *name == found) {
        return (*why).to_owned();
    }
    let names = || section.keys.iter().map(|key| key.name);
    let synonym = |same: &dyn Fn(&[&'static str]) -> bool| {
        section.keys.iter().find(|key| same(key.also)).map(|key| format!("`{}`", key.name))
    };
    // From what is surely meant to what may be meant.
    let meant = nearest(found, names())
        .map(|name| format!("`{name}`"))
        .or_else(|| synonym(&|also| also.contains(&found)))
        .or_else(|| elsewhere(found))
        .or_else(|| synonym(&|also| nearest(found, also.iter().copied()).is_some()));
    match meant {
        Some(meant) => format!("unknown key; did you mean {meant}?"),
        None => format!("unknown key; `[{}]` has {}", section.name, listed(names(), "and")),
    }
}

/// A section that the app's own file may not have.
pub(super) fn section_not_for_app() -> String {
    format!(
        "the app's own herdsman.toml may not set this: whoever can push to the app's repository must not rule the instance; \
         it may have {}, the rest belongs into /etc/herdsman or user-data",
        for_app()
    )
}

/// A key that the app's own file may not have.
pub(super) fn key_not_for_app(deed: &str) -> String {
    format!(
        "the app's own herdsman.toml may not set this: whoever can push to the app's repository must not {deed}; \
         set it in /etc/herdsman or user-data"
    )
}

/// Other places where this very name is a key: "`app.port`".
fn elsewhere(found: &str) -> Option<String> {
    let all = || SECTIONS.iter().flat_map(|section| section.keys.iter().map(move |key| (section, key)));
    let mut places: Vec<_> = all().filter(|(_, key)| key.name == found).collect();
    if places.is_empty() {
        places = all().filter(|(_, key)| key.also.contains(&found)).collect();
    }
    let names: Vec<_> = places.iter().map(|(section, key)| format!("{}.{}", section.name, key.name)).collect();
    (!names.is_empty()).then(|| listed(names.iter().map(String::as_str), "or"))
}
