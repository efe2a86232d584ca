//! The world as events: who this machine is, what the group plans with it, what the operator signals. Decides nothing, changes nothing.

pub mod identity;
pub mod notices;
pub mod signals;
