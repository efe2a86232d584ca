//! Releases: where they are kept, how they are made ready, and how they are started.
//!
//! The order is `store::Store::prepare` → `source::fetch` → [`owner::give`] → [`build::build`] → `Store::seal` →
//! `Store::activate`; a release that served is then `Store::mark_good`. Nothing here decides when, or how often.

mod beneath;
pub mod build;
pub mod desk;
pub mod environment;
pub mod files;
pub mod owner;
pub mod package;
mod recipe;
mod runner;
pub mod runtime;
pub mod start;
pub mod store;
