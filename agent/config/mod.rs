//! The configuration: read once, every problem told at once, then plain values that nobody checks again.
//!
//! [`Layer`]s are read (`layer`), walked with the one table of keys (`keys`, `walk`), laid over each other (`merge`) and become [`Config`].
//! `reference` writes the documentation and the JSON Schema from the same table, so that they cannot say anything else than the parser.

mod draft;
mod flags;
mod keys;
mod kinds;
mod layer;
mod load;
mod merge;
mod problems;
pub mod reference;
mod rules;
mod suggest;
mod user_data;
pub mod values;
mod walk;

pub use flags::FlagOverrides;
pub use layer::{Layer, LayerKind};
pub use merge::{Effective, effective, merge};
pub use problems::{Place, Problem, Problems};
pub use user_data::{Foreign, UserData, user_data_is_ours};
pub use values::*;
