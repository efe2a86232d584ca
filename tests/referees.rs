//! Our clients and our emulator before referees: servers and clients of AWS's interfaces that nobody of this project wrote.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod local_cloud;
#[path = "support/referees.rs"]
#[allow(dead_code)]
mod support;

#[path = "referees/imds.rs"]
mod imds;
#[path = "referees/moto.rs"]
mod moto;

use std::time::Duration;

use herdsman::cloud::{Imds, Timeouts};
use tokio::time::Instant;

/// Nothing here takes so long; it only ends a test that has gone wrong.
const LONG: Duration = Duration::from_secs(120);

fn far() -> Instant {
    Instant::now() + LONG
}

fn client(url: &str) -> Imds {
    Imds::new(url, Timeouts { attempt: LONG, ..Timeouts::default() }).unwrap()
}
