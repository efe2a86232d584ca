//! The keys: the one table that parser, documentation and JSON Schema all read.

mod key;
mod table;

pub(super) use key::{Key, Section};
pub(super) use table::SECTIONS;
