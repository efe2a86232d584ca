//! Walks one layer's TOML by the table of keys: values go into the draft, everything else becomes a problem.
//!
//! It sees one layer only; how layers follow each other is `merge`, what keys mean for each other is `rules`.

mod lines;
mod strangers;
mod syntax;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use self::lines::Lines;
use self::syntax::Mistakes;
use super::draft::{Draft, From};
use super::keys::{Key, SECTIONS, Section};
use super::layer::{Layer, LayerKind};
use super::problems::{Place, Problem};
use super::suggest::shown_key;

/// Nobody reads more at once, and a file of nonsense must not fill the log.
const MOST_TOLD: usize = 50;
/// So many are gathered to be put in order; the others are only counted.
const MOST_KEPT: usize = 1000;

/// Reads `layer`, the `number`th in the order of precedence, into `draft`.
pub(super) fn walk(layer: &Layer, number: usize, draft: &mut Draft) -> Vec<Problem> {
    let mut walk = Walk {
        layer,
        number,
        lines: Lines::of(&layer.text),
        told: Vec::new(),
        untold: 0,
        mistakes: Mistakes::default(),
    };
    let (document, errors) = DeTable::parse_recoverable(&layer.text);
    walk.syntax(&errors);
    for (name, value) in document.get_ref() {
        walk.section(name, value, draft);
    }
    walk.into_problems()
}

struct Walk<'a> {
    layer: &'a Layer,
    number: usize,
    lines: Lines<'a>,
    /// With the byte each is about, to put them in order.
    told: Vec<(usize, Problem)>,
    untold: usize,
    mistakes: Mistakes,
}

impl Walk<'_> {
    fn syntax(&mut self, errors: &[toml::de::Error]) {
        let mut errors: Vec<_> = errors.iter().collect();
        errors.sort_by_key(|error| error.span().unwrap_or_default().start);
        for error in errors {
            let span = error.span().unwrap_or_default();
            let found = self.layer.text.get(span.clone()).unwrap_or_default();
            if let Some(message) = self.mistakes.message(&self.lines, &span, error.message(), found) {
                self.push(span.start, None, None, message);
            }
        }
    }

    fn section(&mut self, name: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>, draft: &mut Draft) {
        let found = name.get_ref();
        let Some(section) = SECTIONS.iter().find(|section| section.name == found) else {
            return self.tell(name.span(), shown_key(found), None, strangers::section(found));
        };
        if self.is_app() && !section.app_may {
            return self.tell(name.span(), section.name.to_owned(), None, strangers::section_not_for_app());
        }
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("is a section: write `[{found}]` on a line of its own and its keys below");
            return self.tell(name.span(), section.name.to_owned(), None, message);
        };
        for (name, value) in table {
            self.key(section, name, value, draft);
        }
    }

    fn key(
        &mut self,
        section: &Section,
        name: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        draft: &mut Draft,
    ) {
        let found = name.get_ref();
        let full = format!("{}.{}", section.name, shown_key(found));
        let Some(key) = section.keys.iter().find(|key| key.name == found) else {
            return self.tell(name.span(), full, None, strangers::key(section, found));
        };
        if let Some(deed) = key.not_for_app.filter(|_| self.is_app()) {
            return self.tell(name.span(), full, None, strangers::key_not_for_app(deed));
        }
        if self.mistakes.doubt(&self.lines, &value.span()) || self.mistakes.doubt(&self.lines, &name.span()) {
            return;
        }
        let from = From { layer: self.number, place: self.place(name.span().start) };
        self.take(key, &full, value, from, draft);
    }

    fn take(&mut self, key: &Key, full: &str, value: &Spanned<DeValue<'_>>, from: From, draft: &mut Draft) {
        for wrong in key.take(draft, value, from).err().into_iter().flatten() {
            let part = wrong.part.map(|part| format!("{full}.{part}"));
            self.tell(
                wrong.span.unwrap_or(value.span()),
                part.unwrap_or_else(|| full.to_owned()),
                wrong.found,
                wrong.message,
            );
        }
    }

    fn tell(&mut self, span: Range<usize>, key: String, found: Option<String>, message: String) {
        if !self.mistakes.doubt(&self.lines, &span) {
            self.push(span.start, Some(key), found, message);
        }
    }

    fn push(&mut self, byte: usize, key: Option<String>, found: Option<String>, message: String) {
        if self.told.len() < MOST_KEPT {
            self.told.push((byte, Problem { place: self.place(byte), key, found, message }));
        } else {
            self.untold += 1;
        }
    }

    fn is_app(&self) -> bool {
        matches!(self.layer.kind, LayerKind::App(_))
    }

    fn place(&self, byte: usize) -> Place {
        let file = self.layer.kind.to_string();
        match self.layer.kind {
            // What flags become is no text that anybody has written.
            LayerKind::Flags => Place::whole(file),
            _ => {
                let (line, column) = self.lines.at(byte);
                Place { file, line: Some(line), column: Some(column) }
            }
        }
    }

    fn into_problems(mut self) -> Vec<Problem> {
        self.told.sort_by_key(|(byte, _)| *byte);
        let more = self.told.len().saturating_sub(MOST_TOLD) + self.untold;
        let mut problems: Vec<_> = self.told.into_iter().take(MOST_TOLD).map(|(_, problem)| problem).collect();
        if more > 0 {
            let place = Place::whole(self.layer.kind.to_string());
            problems.push(Problem { place, key: None, found: None, message: format!("and {more} more in this file") });
        }
        problems
    }
}
