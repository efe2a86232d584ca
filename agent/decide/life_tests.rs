//! Lives as lists of events, and what holds in every life, whatever happens in it.

mod group;
mod lives;
mod properties;
mod tale;
