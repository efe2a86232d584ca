//! What a key is: its name, its meaning, its kind, who may set it, and where its value goes.
//!
//! Which keys there are stands in `table`.

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::config::draft::{Draft, From, Placed};
use crate::config::kinds::{Kind, Wrong};

/// A section such as `[app]`.
pub(in crate::config) struct Section {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) meaning: &'static str,
    /// Whether the app's own `herdsman.toml` may set it; single keys may still be refused to it.
    pub(in crate::config) app_may: bool,
    pub(in crate::config) keys: Vec<Key>,
    /// Names that are known, but that this version can do nothing with, and what to say of them.
    pub(in crate::config) not_yet: &'static [(&'static str, &'static str)],
}

/// A key such as `port`.
pub(in crate::config) struct Key {
    pub(in crate::config) name: &'static str,
    pub(in crate::config) meaning: &'static str,
    /// The kind of value, in words.
    pub(in crate::config) words: &'static str,
    /// A value as TOML.
    pub(in crate::config) example: &'static str,
    /// What holds when it is left out, for keys without a default.
    pub(in crate::config) absent: &'static str,
    /// What people write when they mean this key.
    pub(in crate::config) also: &'static [&'static str],
    /// What whoever can push to the app's repository must not do; then its own `herdsman.toml` may not set the key.
    pub(in crate::config) not_for_app: Option<&'static str>,
    pub(in crate::config) schema: fn() -> Json,
    take: Take,
    show: Show,
}

type Take = Box<dyn Fn(&mut Draft, &Spanned<DeValue<'_>>, From) -> Result<(), Vec<Wrong>> + Send + Sync>;
type Show = Box<dyn Fn(&mut Draft) -> Option<Placed<String>> + Send + Sync>;

impl Key {
    /// A key with a default.
    pub(super) fn always<T>(
        name: &'static str,
        kind: &'static Kind<T>,
        field: fn(&mut Draft) -> &mut Placed<T>,
    ) -> Self {
        Self::of(
            name,
            kind,
            Box::new(move |draft, value, from| {
                *field(draft) = Placed { value: (kind.read)(value)?, from: Some(from) };
                Ok(())
            }),
            Box::new(move |draft| {
                let placed = field(draft);
                Some(Placed { value: (kind.show)(&placed.value), from: placed.from.clone() })
            }),
        )
    }

    /// A key that may be missing; `absent` says what then holds.
    pub(super) fn maybe<T>(
        name: &'static str,
        kind: &'static Kind<T>,
        field: fn(&mut Draft) -> &mut Option<Placed<T>>,
    ) -> Self {
        Self::combined(name, kind, field, |_, later| later)
    }

    /// A key whose later value is put together with the earlier one.
    pub(super) fn combined<T>(
        name: &'static str,
        kind: &'static Kind<T>,
        field: fn(&mut Draft) -> &mut Option<Placed<T>>,
        combine: fn(T, T) -> T,
    ) -> Self {
        Self::of(
            name,
            kind,
            Box::new(move |draft, value, from| {
                let later = (kind.read)(value)?;
                let field = field(draft);
                let value = match field.take() {
                    Some(earlier) => combine(earlier.value, later),
                    None => later,
                };
                *field = Some(Placed { value, from: Some(from) });
                Ok(())
            }),
            Box::new(move |draft| {
                let placed = field(draft).as_ref()?;
                Some(Placed { value: (kind.show)(&placed.value), from: placed.from.clone() })
            }),
        )
    }

    fn of<T>(name: &'static str, kind: &'static Kind<T>, take: Take, show: Show) -> Self {
        Self {
            name,
            meaning: "",
            words: kind.words,
            example: "",
            absent: "",
            also: &[],
            not_for_app: None,
            schema: kind.schema,
            take,
            show,
        }
    }

    pub(super) fn meaning(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    pub(super) fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }

    pub(super) fn absent(self, absent: &'static str) -> Self {
        Self { absent, ..self }
    }

    pub(super) fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    pub(super) fn not_for_app(self, why: &'static str) -> Self {
        Self { not_for_app: Some(why), ..self }
    }

    /// Reads a value into the draft, or says all that is wrong with it.
    pub(in crate::config) fn take(
        &self,
        draft: &mut Draft,
        value: &Spanned<DeValue<'_>>,
        from: From,
    ) -> Result<(), Vec<Wrong>> {
        (self.take)(draft, value, from)
    }

    /// The value in the draft as TOML.
    pub(in crate::config) fn show(&self, draft: &mut Draft) -> Option<Placed<String>> {
        (self.show)(draft)
    }

    /// The default as TOML.
    pub(in crate::config) fn default(&self) -> Option<String> {
        self.show(&mut Draft::defaults()).map(|placed| placed.value)
    }
}
