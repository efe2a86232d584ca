//! The configuration: read once, every problem told at once, then plain values that nobody checks again.

pub mod values;

pub use values::*;
